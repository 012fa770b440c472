"""The budget: how much of it is used, over all starts of a tuning, and what each step may have.

Every step has an end, as a share of the whole; what a step leaves over goes to those after it, and
what the verdict needs is kept free from the beginning.
"""

import time
from pathlib import Path
from typing import Literal

from msgspec import Struct

from kida.boundary import read_json, write_json
from kida.evaluation.outcome import Duration

Step = Literal["survey", "levers", "learning", "policies", "verdict"]

#: When each step has to be over, as a share of the budget. The verdict's is what is left.
ENDS: dict[Step, float] = {
    "survey": 0.08,
    "levers": 0.3,
    "learning": 0.6,
    "policies": 0.75,
    "verdict": 0.98,
}
CLOCK_FILE = "clock.json"
# Seconds between two notes of the time used: what a kill loses of it at most.
_INTERVAL = 5.0


class Used(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``clock.json``: wall-clock seconds used by all starts so far."""

    seconds: Duration


class Clock:
    """Counts the seconds of a tuning, across its starts.

    Parameters
    ----------
    folder
        Of the tuning; the time used is noted there.
    budget
        Wall-clock seconds for all of it.
    """

    def __init__(self, folder: Path, budget: float) -> None:
        self.budget = budget
        self._ends = dict(ENDS)
        self._file = folder / CLOCK_FILE
        try:
            self._before = read_json(self._file, Used, "the time that a tuning has used").seconds
        except FileNotFoundError:
            self._before = 0.0
        self._started = self._noted = time.monotonic()

    @property
    def used(self) -> float:
        """Seconds used."""
        return self._before + time.monotonic() - self._started

    @property
    def left(self) -> float:
        """Seconds left; below 0 when the budget is overdrawn."""
        return self.budget - self.used

    def left_for(self, step: Step) -> float:
        """Seconds until the step has to be over, at least 0."""
        return max(0.0, self._ends[step] * self.budget - self.used)

    def share_of(self, step: Step) -> float:
        """Seconds between the step's end and that of the one before."""
        steps = [*self._ends]
        place = steps.index(step)
        begin = self._ends[steps[place - 1]] if place else 0.0
        return (self._ends[step] - begin) * self.budget

    def favour_levers(self, seconds: float) -> None:
        """Let the levers have so many seconds; learning keeps half of its own at least.

        They have no less than their share.
        """
        wanted = ENDS["survey"] + seconds / self.budget
        most = (ENDS["levers"] + ENDS["learning"]) / 2
        self._ends["levers"] = max(self._ends["levers"], min(wanted, most))

    def without_learning(self) -> None:
        """Leave the time for learning to the levers: nothing will be learned."""
        self._ends["levers"] = self._ends["learning"]

    def tick(self) -> None:
        """Note the time used, if that is due."""
        if time.monotonic() - self._noted >= _INTERVAL:
            self.note()

    def note(self) -> None:
        """Note the time used."""
        self._noted = time.monotonic()
        write_json(self._file, Used(self.used))
