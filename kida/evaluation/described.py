"""A description of a problem file as a job: what crashes SCIP's reader costs that process alone."""

import dataclasses
import tempfile
from pathlib import Path

from kida.boundary import plain, read_json
from kida.errors import UserError
from kida.jobs.job import Job, Stage
from kida.jobs.run import run_alone
from kida.solver.describe import Description, describe

# Seconds beside the limit: SCIP cannot stop in the middle of reading, or of an LP.
_PATIENCE = 3600.0


class Describing(Job, frozen=True, kw_only=True):
    """A job: describe the problem at an absolute path, see :mod:`kida.solver.describe`."""

    path: str
    time_limit: float
    with_pattern: bool = False

    @property
    def label(self) -> str:
        """What the job is, for messages."""
        return f"the description of {self.path}"

    def run(self, stage: Stage) -> object:
        """Describe."""
        return plain(
            dataclasses.asdict(
                describe(Path(self.path), self.time_limit, with_pattern=self.with_pattern)
            )
        )


def describe_apart(path: Path, time_limit: float, *, with_pattern: bool = False) -> Description:
    """Describe a problem file in a process of its own.

    Raises
    ------
    UserError
        As :func:`kida.solver.describe.describe`, or if SCIP crashes on the file.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = Describing(
            record=str(Path(folder) / "description.json"),
            patience=time_limit + _PATIENCE,
            path=str(path.absolute()),
            time_limit=time_limit,
            with_pattern=with_pattern,
        )
        failure = run_alone(job)
        if failure is not None:
            how = "" if failure.by_user else f"SCIP failed on {path}: "
            raise UserError(f"{how}{failure.error}")
        return read_json(Path(job.record), Description, "a description")
