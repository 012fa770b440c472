"""A look at each file of a folder before a run begins: which ones nothing can be learned from.

An infeasible problem has no dual bound to be judged by, one solved at the root no decision to learn
from; and on a nonlinear one SCIP's own rules branch. What is found here is left out of the run by
``inventory``. How files are judged is ``kida.solver.suitability``'s.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from kida.boundary import read_json
from kida.errors import UserError
from kida.jobs.job import Failure, Job, Stage
from kida.jobs.run import Workers
from kida.learning.config import CollectionConfig
from kida.parameters import ParameterValue
from kida.solver.suitability import unsuitable

#: Seconds for the root nodes of all files on one core, and of one file at most and at least.
TOTAL_SECONDS = 120.0
MOST_SECONDS, LEAST_SECONDS = 5.0, 0.5
#: Files that one process looks at.
_BATCH = 20
# Seconds that reading, presolving and one LP may take: SCIP cannot be stopped in these.
_PATIENCE = 600.0


class Findings(Struct, frozen=True):
    """Why nothing can be learned from each of a job's files; None where something can."""

    reasons: tuple[str | None, ...]


class Survey(Job, frozen=True, kw_only=True):
    """A job: look at some files.

    Attributes
    ----------
    files
        Absolute paths.
    settings, parameters, seconds
        See :func:`kida.solver.suitability.unsuitable`.
    """

    files: tuple[str, ...]
    settings: str
    parameters: Mapping[str, ParameterValue]
    seconds: float

    def run(self, stage: Stage) -> Findings:
        """Look at the files."""
        return Findings(
            tuple(
                unsuitable(Path(file), self.settings, self.parameters, self.seconds)
                for file in self.files
            )
        )


def survey(
    files: Sequence[Path], collection: CollectionConfig, scratch: Path, workers: Workers
) -> dict[Path, str]:
    """Return the files that nothing can be learned from, and why.

    Parameters
    ----------
    files
        All files of a folder.
    collection
        Under what they will be solved.
    scratch
        A folder for the jobs' records, which all workers see; gone afterwards.
    workers
        Where the files are looked at.

    Raises
    ------
    UserError
        If what is found cannot be written.
    """
    seconds = TOTAL_SECONDS * workers.count / max(len(files), 1)
    seconds = min(max(seconds, LEAST_SECONDS), MOST_SECONDS)
    # A file that crashes SCIP costs its batch: these are looked at once more, one by one.
    size = max(1, min(_BATCH, len(files) // (4 * workers.count)))
    found: dict[Path, str] = {}
    waiting = list(files)
    try:
        while waiting:
            jobs = [
                Survey(
                    record=str((scratch / f"{size}_{start}.json").absolute()),
                    patience=_PATIENCE + size * seconds,
                    files=tuple(map(str, waiting[start : start + size])),
                    settings=collection.settings,
                    parameters={**collection.user_parameters, **collection.parameters},
                    seconds=seconds,
                )
                for start in range(0, len(waiting), size)
            ]
            reasons, waiting = _looked_at(jobs, workers)
            found |= reasons
            size = 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return {file: found[file] for file in files if file in found}


def _looked_at(jobs: Sequence[Survey], workers: Workers) -> tuple[dict[Path, str], list[Path]]:
    """Run jobs; return what they found, and the files of jobs of several that have failed."""
    found: dict[Path, str] = {}
    again: list[Path] = []

    def ended(job: Job, failure: Failure | None) -> None:
        assert isinstance(job, Survey)
        files = list(map(Path, job.files))
        if failure is not None and failure.unfit:
            raise UserError(failure.reason)
        if failure is None:
            findings = read_json(Path(job.record), Findings, "what a survey found")
            found.update({f: r for f, r in zip(files, findings.reasons, strict=True) if r})
        elif len(files) > 1:
            again.extend(files)
        elif failure.timed_out:
            found[files[0]] = f"not read and presolved within {job.patience:.0f} s"
        else:
            found[files[0]] = f"not readable: SCIP failed on it ({failure.error})"

    workers.run(jobs, ended)
    return found, again
