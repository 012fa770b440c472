"""Reading every file once before any work, in processes of its own: what crashes costs one file.

What is learned of each: that it can be used, and how large it is.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from kida.boundary import Count, Natural, read_json
from kida.errors import UserError
from kida.jobs.batches import FilesJob, look_at
from kida.jobs.job import Failure, Stage
from kida.jobs.run import Workers
from kida.solver.problem import read_model

# Seconds that reading a file may take: SCIP cannot be stopped in that.
_PATIENCE = 600.0


class Size(Struct, frozen=True):
    """How many variables and constraints a problem has."""

    variables: Count
    constraints: Natural


class Seen(Struct, frozen=True):
    """Of each of a job's files its size, or why it cannot be used."""

    files: tuple[Size | str, ...]


class Reading(FilesJob, frozen=True, kw_only=True):
    """A job: read some files."""

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
    files, scratch, workers, told
        See :func:`kida.jobs.batches.look_at`.

    Raises
    ------
    UserError
        If what is found cannot be written.
    """

    def job(record: str, files: tuple[str, ...]) -> FilesJob:
        return Reading(record=record, patience=_PATIENCE * len(files), files=files)

    def read(record: Path) -> Sequence[Size | str]:
        return read_json(record, Seen, "what reading files has found").files

    def failed(job: FilesJob, failure: Failure) -> Size | str:
        if failure.timed_out:
            return f"not read within {job.patience:.0f} s"
        return f"not readable: SCIP failed on it ({failure.reason})"

    return look_at(
        files,
        len(files) // workers.count,
        job=job,
        read=read,
        failed=failed,
        scratch=scratch,
        workers=workers,
        told=told,
    )
