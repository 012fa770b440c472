"""A look at each file of a folder before a run begins: which ones nothing can be learned from.

An infeasible problem has no dual bound to be judged by, one solved at the root no decision to learn
from; and on a nonlinear one SCIP's own rules branch. What is found here is left out of the run by
``inventory``. How files are judged is ``kida.solver.suitability``'s.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from kida.boundary import read_json
from kida.jobs.batches import FilesJob, look_at
from kida.jobs.job import Failure, Stage
from kida.jobs.run import Workers
from kida.learning.config import CollectionConfig
from kida.parameters import ParameterValue
from kida.solver.suitability import unsuitable

#: Seconds for the root nodes of all files on one core, and of one file at most and at least.
TOTAL_SECONDS = 120.0
MOST_SECONDS, LEAST_SECONDS = 5.0, 0.5
# Seconds that reading, presolving and one LP may take: SCIP cannot be stopped in these.
_PATIENCE = 600.0


class Findings(Struct, frozen=True):
    """Why nothing can be learned from each of a job's files; None where something can."""

    reasons: tuple[str | None, ...]


class Survey(FilesJob, frozen=True, kw_only=True):
    """A job: look at some files.

    Attributes
    ----------
    settings, parameters, seconds
        See :func:`kida.solver.suitability.unsuitable`.
    """

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

    def job(record: str, files: tuple[str, ...]) -> FilesJob:
        return Survey(
            record=record,
            patience=_PATIENCE + len(files) * seconds,
            files=files,
            settings=collection.settings,
            parameters={**collection.user_parameters, **collection.parameters},
            seconds=seconds,
        )

    def read(record: Path) -> Sequence[str | None]:
        return read_json(record, Findings, "what a survey found").reasons

    def failed(job: FilesJob, failure: Failure) -> str | None:
        if failure.timed_out:
            return f"not read and presolved within {job.patience:.0f} s"
        return f"not readable: SCIP failed on it ({failure.reason})"

    found = look_at(
        files,
        len(files) // (4 * workers.count),
        job=job,
        read=read,
        failed=failed,
        scratch=scratch,
        workers=workers,
    )
    return {file: reason for file, reason in found.items() if reason}
