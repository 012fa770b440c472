"""Reading every file once before any work, in processes of its own: what crashes costs one file.

What is learned of each: that it can be used, and how large it is.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from kida.boundary import Count, Natural, read_json
from kida.errors import UserError
from kida.jobs.job import Failure, Job, Stage
from kida.jobs.run import Workers
from kida.solver.problem import read_model

#: Files that one process reads.
_BATCH = 20
# Seconds that reading a file may take: SCIP cannot be stopped in that.
_PATIENCE = 600.0


class Size(Struct, frozen=True):
    """How many variables and constraints a problem has."""

    variables: Count
    constraints: Natural


class Seen(Struct, frozen=True):
    """Of each of a job's files its size, or why it cannot be used."""

    files: tuple[Size | str, ...]


class Reading(Job, frozen=True, kw_only=True):
    """A job: read some files, given by their absolute paths."""

    files: tuple[str, ...]

    def run(self, stage: Stage) -> Seen:
        """Read the files."""
        return Seen(tuple(_seen(Path(file)) for file in self.files))


def _seen(path: Path) -> Size | str:
    try:
        model = read_model(path)
    except UserError as error:
        return f"not readable ({error})"
    try:
        if not model.getNVars():
            return "without a single variable"
        return Size(model.getNVars(), model.getNConss())
    finally:
        model.free()


def read_all(
    files: Sequence[Path],
    scratch: Path,
    workers: Workers,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> dict[Path, Size | str]:
    """Return each file's size, or, of one that cannot be used, what it is.

    Parameters
    ----------
    files
        Absolute paths.
    scratch
        A folder for the jobs' records, which all workers see; gone afterwards.
    workers
        Where the files are read.
    told
        Told how many have been read, of how many.
    """
    found: dict[Path, Size | str] = {}
    # A file that crashes SCIP costs its batch: these are read once more, one by one.
    size = max(1, min(_BATCH, len(files) // workers.count))

    def tell() -> None:
        told(len(found), len(files))

    try:
        again = _read(files, size, scratch, workers, found, tell)
        _read(again, 1, scratch, workers, found, tell)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {file: found[file] for file in files}


def _read(
    files: Sequence[Path],
    size: int,
    scratch: Path,
    workers: Workers,
    found: dict[Path, Size | str],
    tell: Callable[[], None],
) -> list[Path]:
    """Read files in batches, note what they are in ``found``; return those of failed batches."""
    again: list[Path] = []

    def ended(job: Job, failure: Failure | None) -> None:
        assert isinstance(job, Reading)
        paths = list(map(Path, job.files))
        if failure is not None and failure.unfit:
            raise UserError(failure.reason)
        if failure is None:
            seen = read_json(Path(job.record), Seen, "what reading files has found").files
            found.update(zip(paths, seen, strict=True))
        elif len(paths) > 1:
            again.extend(paths)
        elif failure.timed_out:
            found[paths[0]] = f"not read within {job.patience:.0f} s"
        else:
            found[paths[0]] = f"not readable: SCIP failed on it ({failure.reason})"
        tell()

    jobs = [
        Reading(
            record=str((scratch / f"{size}_{start}.json").absolute()),
            patience=_PATIENCE * size,
            files=tuple(map(str, files[start : start + size])),
        )
        for start in range(0, len(files), size)
    ]
    workers.run(jobs, ended)
    return again
