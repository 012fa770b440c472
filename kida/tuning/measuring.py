"""Solving draws with policies, as an evaluation like any other, in a folder of results.

What is on disk is not done again, so that a tuning goes on where it was, and ``kida report`` reads
every such folder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kida.evaluation.records import RUNS_FOLDER, Kept, Protocol, Record, read_record
from kida.evaluation.runner import evaluate
from kida.evaluation.trials import Trial
from kida.jobs.run import Workers
from kida.learning.plan import Draw

#: Told each new record, how many are done of this batch, and of how many; first None, for none.
Told = Callable[[Record | None, int, int], None]


# Seconds beyond twice the limit: a solve that SCIP cannot stop must not take a whole budget.
_GRACE = 60.0


@dataclass(frozen=True)
class Arena:
    """Where policies are measured under one protocol.

    Attributes
    ----------
    folder
        Of the results.
    protocol
        Under what is solved.
    workers
        Where.
    told
        Told every solve.
    keep
        What of the variables is recorded.
    """

    folder: Path
    protocol: Protocol
    workers: Workers
    told: Told
    keep: tuple[Kept, ...] = ()

    def measure(self, policies: Sequence[str], draws: Sequence[Draw]) -> dict[str, list[Record]]:
        """Solve every draw with every policy, which take turns; return records as ``draws``.

        Solves that failed are not tried again here: a job is tried twice anyway.
        """
        trials = []
        for turn, draw in enumerate(draws):
            first = turn % len(policies)
            order = [*policies[first:], *policies[:first]]
            trials += [Trial(draw.instance, draw.seed, policy) for policy in order]
        count = done = 0

        def begin(missing: int) -> None:
            nonlocal count
            count = missing
            self.told(None, 0, missing)

        def show(record: Record) -> None:
            nonlocal done
            done += 1
            self.told(record, done, count)

        evaluate(
            trials,
            self.protocol,
            self.folder,
            self.workers,
            keep=self.keep,
            grace=_GRACE,
            on_begin=begin,
            on_record=show,
        )
        return {policy: [self._record(draw, policy) for draw in draws] for policy in policies}

    def _record(self, draw: Draw, policy: str) -> Record:
        name = Trial(draw.instance, draw.seed, policy).file_name
        return read_record(self.folder / RUNS_FOLDER / name)
