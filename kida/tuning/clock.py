"""The budget: how much of it is used, over all starts of a tuning, and what each step may have.

Every step has an end, as a share of the whole; what a step leaves over goes to those after it, and
what the verdict needs is kept free from the beginning.

What was decided by the time left is kept, so that a step that was killed decides the same again:
the solves that it had paid for are on disk, and there may be no time left to pay for them twice.
"""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from kida.boundary import Natural, find_json, write_json
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
CLOCK_FILE, DECISIONS_FILE = "clock.json", "decisions.json"
# Seconds between two notes of the time used. A kill loses that of the solve under way.
_INTERVAL = 5.0


class Used(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``clock.json``: wall-clock seconds used by all starts so far."""

    seconds: Duration


class Decision(Struct, frozen=True, forbid_unknown_fields=True):
    """What was asked, and the number that was the answer."""

    question: Annotated[str, Meta(max_length=200)]
    answer: Natural


_Decisions = Annotated[
    dict[str, Annotated[list[Decision], Meta(max_length=100_000)]], Meta(max_length=100)
]


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
        self._decisions_file = folder / DECISIONS_FILE
        decided = "what a tuning has decided by the time left"
        self._decisions = find_json(self._decisions_file, _Decisions, decided) or {}
        self._asked: Counter[str] = Counter()
        used = find_json(self._file, Used, "the time that a tuning has used")
        self._before = used.seconds if used is not None else 0.0
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

    def decide(self, about: str, question: str, answer: Callable[[], int]) -> int:
        """Return the answer to a question of time, as an earlier start has had it, or else now.

        Parameters
        ----------
        about
            Whose questions these are: they come in the same order in every start.
        question
            What is asked; where it differs from what was asked then, nothing from there on holds.
        answer
            Called for a new answer, which is kept.
        """
        known, place = self._decisions.setdefault(about, []), self._asked[about]
        self._asked[about] += 1
        if place >= len(known) or known[place].question != question:
            known[place:] = [Decision(question, int(answer()))]
            write_json(self._decisions_file, self._decisions)
        return known[place].answer

    def tick(self) -> None:
        """Note the time used, if that is due."""
        if time.monotonic() - self._noted >= _INTERVAL:
            self.note()

    def note(self) -> None:
        """Note the time used."""
        self._noted = time.monotonic()
        write_json(self._file, Used(self.used))
