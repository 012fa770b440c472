"""How a generation is made: by imitation unless somebody else is named for it.

The loop over generations (``dagger``) knows nothing of other ways. A new one is a class with this
face, handed to :func:`kida.learning.dagger.train`; search on reward (``kida.lab``) is one.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from kida.instances.family import Family
from kida.jobs.run import Workers
from kida.learning.config import RunConfig
from kida.learning.plan import Plan
from kida.learning.run import Run


class Maker(Protocol):
    """Makes generations otherwise than by imitation."""

    @property
    def held_out(self) -> int:
        """How many validation instances it needs beside those of the validation episodes."""
        ...

    def identity(self) -> dict[str, Any]:
        """Return plain data: a run goes on only with a maker of the same."""
        ...

    def check(self, config: RunConfig, number: int) -> None:
        """Raise a UserError unless it can make generation ``number`` of such a run."""
        ...

    def make(self, run: Run, plan: Plan, number: int, workers: Workers, threads: int) -> None:
        """Make generation ``number`` of ``run``, or go on with it.

        When it returns, the generation's policy is there (:func:`kida.learning.dagger.hand_on`).
        """
        ...


#: The generation's number, counted from 1, to who makes it.
Makers = Mapping[int, Maker]


def plan_of(config: RunConfig, makers: Makers, source: Family | None = None) -> Plan:
    """Return a run's plan: with room for what its makers hold out."""
    return Plan(config, sum(maker.held_out for maker in makers.values()), source)


def identities(makers: Makers) -> dict[str, dict[str, Any]]:
    """Return what tells a run with these makers from another, as ``config.json`` has it."""
    return {str(number): maker.identity() for number, maker in sorted(makers.items())}
