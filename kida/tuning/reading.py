"""Reading every file once before any work, in processes of its own: what crashes costs one file."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from kida.boundary import read_json
from kida.errors import UserError
from kida.jobs.job import Failure, Job, Stage
from kida.jobs.run import Workers
from kida.solver.problem import read_model

#: Files that one process reads.
_BATCH = 20
# Seconds that reading a file may take: SCIP cannot be stopped in that.
_PATIENCE = 600.0


class Trouble(Struct, frozen=True):
    """Why each of a job's files cannot be read; None where it can."""

    reasons: tuple[str | None, ...]


class Reading(Job, frozen=True, kw_only=True):
    """A job: read some files, given by their absolute paths."""

    files: tuple[str, ...]

    def run(self, stage: Stage) -> Trouble:
        """Read the files."""
        return Trouble(tuple(_trouble(Path(file)) for file in self.files))


def _trouble(path: Path) -> str | None:
    try:
        model = read_model(path)
    except UserError as error:
        return f"not readable ({error})"
    try:
        return None if model.getNVars() else "without a single variable"
    finally:
        model.free()


def read_all(files: Sequence[Path], scratch: Path, workers: Workers) -> dict[Path, str]:
    """Return the files that cannot be used, and what they are.

    Parameters
    ----------
    files
        Absolute paths.
    scratch
        A folder for the jobs' records, which all workers see; gone afterwards.
    workers
        Where the files are read.
    """
    found: dict[Path, str] = {}
    # A file that crashes SCIP costs its batch: these are read once more, one by one.
    again = _read(files, max(1, min(_BATCH, len(files) // workers.count)), scratch, workers, found)
    _read(again, 1, scratch, workers, found)
    shutil.rmtree(scratch, ignore_errors=True)
    return {file: found[file] for file in files if file in found}


def _read(
    files: Sequence[Path], size: int, scratch: Path, workers: Workers, found: dict[Path, str]
) -> list[Path]:
    """Read files in batches, note trouble in ``found``; return those of batches that failed."""
    again: list[Path] = []

    def ended(job: Job, failure: Failure | None) -> None:
        assert isinstance(job, Reading)
        paths = list(map(Path, job.files))
        if failure is None:
            reasons = read_json(Path(job.record), Trouble, "what reading files has found").reasons
            found.update({p: why for p, why in zip(paths, reasons, strict=True) if why})
        elif len(paths) > 1:
            again.extend(paths)
        elif failure.timed_out:
            found[paths[0]] = f"not read within {job.patience:.0f} s"
        else:
            found[paths[0]] = f"not readable: SCIP failed on it ({failure.reason})"

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
