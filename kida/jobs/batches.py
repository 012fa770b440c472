"""Looking at many files, several to a process: one that crashes the solver costs no other file."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from kida.errors import UserError
from kida.jobs.job import Failure, Job
from kida.jobs.run import Workers

#: Files that one process looks at, at most.
MOST_FILES = 20

Found = TypeVar("Found")


class FilesJob(Job, frozen=True, kw_only=True):
    """A job that looks at some files.

    Attributes
    ----------
    files
        Their absolute paths.
    """

    files: tuple[str, ...]


def look_at(
    files: Sequence[Path],
    size: int,
    *,
    job: Callable[[str, tuple[str, ...]], FilesJob],
    read: Callable[[Path], Sequence[Found]],
    failed: Callable[[FilesJob, Failure], Found],
    scratch: Path,
    workers: Workers,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> dict[Path, Found]:
    """Return what is found of each file.

    Parameters
    ----------
    files
        Absolute paths.
    size
        Files that one process looks at; at least 1 and at most ``MOST_FILES`` are taken. What a
        crash has taken along is looked at once more, each file in a process of its own.
    job
        Makes a job of a record's path and some files.
    read
        Returns what a job's record says of each of its files.
    failed
        Returns what is said of a file at which its own process failed.
    scratch
        A folder for the jobs' records, which all workers see; gone afterwards.
    workers
        Where the files are looked at.
    told
        Told how many have been looked at, of how many.

    Raises
    ------
    UserError
        If a record cannot be written.
    """
    found: dict[Path, Found] = {}
    waiting = list(files)
    size = max(1, min(MOST_FILES, size))

    def ended(job: Job, failure: Failure | None) -> None:
        assert isinstance(job, FilesJob)
        paths = list(map(Path, job.files))
        if failure is not None and failure.unfit:
            raise UserError(failure.reason)
        if failure is None:
            found.update(zip(paths, read(Path(job.record)), strict=True))
        elif len(paths) > 1:
            waiting.extend(paths)
        else:
            found[paths[0]] = failed(job, failure)
        told(len(found), len(files))

    try:
        while waiting:
            jobs = [
                job(
                    str((scratch / f"{size}_{start}.json").absolute()),
                    tuple(map(str, waiting[start : start + size])),
                )
                for start in range(0, len(waiting), size)
            ]
            waiting.clear()
            workers.run(jobs, ended)
            size = 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {file: found[file] for file in files}
