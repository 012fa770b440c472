"""The levers' race: each alone, then further ones on top of the best (``lever_steps``)."""

import math
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from kida.boundary import find_json, write_json
from kida.evaluation.outcome import Text
from kida.learning.plan import Draw
from kida.tuning.clock import Clock
from kida.tuning.contestants import PLUS, of_levers, simplest
from kida.tuning.lever_choice import applicable, combined
from kida.tuning.lever_steps import LeverStep, add_levers
from kida.tuning.levers import Lever
from kida.tuning.measuring import Arena
from kida.tuning.race import WANTED, largest_field, least_solves, race, race_again
from kida.tuning.standings import LEAST_DRAWS, Standing, winners
from kida.tuning.survey import Survey, cost_within

RACE_FILE = "levers.json"
# Of the time for levers, when those alone have to be over, and the steps; what is left is for the
# comparison of the steps' outcomes with SCIP's default.
_ALONE, _STEPS = 0.6, 0.9
# How those ended that are added last.
_LOST = ("hopeless", "worse")
# The fewest levers to try.
_FEWEST = 3
# Surveyed files are raced on if they took so much of the median time.
_CHEAP = (0.2, 1.5)
# Race limits, as a multiple of the longest time that is raced on.
_PATIENCE = 2.0


class LeverRace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How levers did: alone, combined, and which are used from here on.

    Attributes
    ----------
    alone
        Standings of single levers, best first.
    steps
        What came of adding further ones, step by step.
    combined
        Standings of the steps' outcomes, best first.
    untried
        Names of levers that apply, and that there was no time for.
    levers
        Names of those that won together; none if nothing was better than SCIP's default.

    Raises
    ------
    UserError
        If there is no lever of a name, or two that won together are of one kind.
    """

    alone: tuple[Standing, ...]
    steps: tuple[LeverStep, ...] = ()
    combined: tuple[Standing, ...] = ()
    untried: tuple[Text, ...] = ()
    levers: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        combined(self.levers)


def race_draws(survey: Survey, draws: Sequence[Draw]) -> list[Draw]:
    """Return draws to race on: cheap surveyed files with a tree first, then those not surveyed.

    Other seeds of a file come after all files.
    """
    known = {file.name: file for file in survey.files}
    usual = survey.usual_seconds

    def fits(draw: Draw) -> bool:
        file = known.get(draw.instance.name)
        if file is None:
            return True
        if (survey.branched and not file.branched) or (survey.goal == "time" and not file.solved):
            return False
        return survey.goal != "time" or _CHEAP[0] * usual <= file.seconds <= _CHEAP[1] * usual

    def order(draw: Draw) -> tuple[int, float]:
        file = known.get(draw.instance.name)
        return draw.seed, math.inf if file is None else file.seconds

    return sorted(filter(fits, draws), key=order) or list(draws)


def race_limit(survey: Survey) -> float:
    """Return the seconds per solve of a race: what is much slower need not be waited for."""
    if survey.goal != "time":
        # Twice as many draws say more than the second half of each does.
        tree = min(3 * survey.root_seconds, survey.time_limit) if survey.branched else 0.0
        return max(survey.time_limit / 2, tree)
    longest = _PATIENCE * _CHEAP[1] * survey.usual_seconds
    return min(survey.time_limit, float(math.ceil(max(longest, 2.0))))


def seconds_to_race(survey: Survey, draws: Sequence[Draw], cores: int) -> float:
    """Return the wall-clock seconds in which all levers that apply could race, and be added."""
    count = len(_applicable(survey))
    return least_solves(count) * _cost(survey, draws, race_limit(survey)) / cores / _ALONE


def _cost(survey: Survey, draws: Sequence[Draw], limit: float) -> float:
    """Return the seconds of one core that a solve of a race is likely to cost."""
    first = {draw.instance.name for draw in draws[:WANTED]}
    files = [file for file in survey.files if file.name in first]
    others = len(first) - len(files)
    costs = [cost_within(survey, limit, [file]) for file in files]
    return statistics.mean([*costs, *[cost_within(survey, limit)] * others])


def _applicable(survey: Survey) -> list[Lever]:
    return applicable(survey.shares, tree=survey.branched > 0)


def race_levers(
    survey: Survey,
    draws: Sequence[Draw],
    arena: Arena,
    clock: Clock,
    folder: Path,
    say: Callable[[str], None] = lambda text: None,
    former: LeverRace | None = None,
) -> LeverRace:
    """Race the levers that apply; what came of it is kept, and not done again.

    Parameters
    ----------
    survey
        Says which apply, and what a solve costs.
    draws
        To race on.
    arena, clock
        Where, and until when.
    folder
        Where policies and the result are kept.
    say
        Told in words what comes next.
    former
        A race to go on with, if there is more time: its levers are not tried again.
    """
    if former is None:
        kept = find_json(folder / RACE_FILE, LeverRace, "a race of levers")
        if kept is not None:
            return kept
    found = _Race(survey, draws, arena, clock, folder / "contestants", say).run(former)
    write_json(folder / RACE_FILE, found)
    return found


class _Race:
    """One race under way: see :func:`race_levers`."""

    def __init__(
        self,
        survey: Survey,
        draws: Sequence[Draw],
        arena: Arena,
        clock: Clock,
        policies: Path,
        say: Callable[[str], None],
    ) -> None:
        self._survey, self._goal = survey, survey.goal
        self._draws, self._arena = draws, arena
        self._clock, self._policies, self._say = clock, policies, say
        self._cost = _cost(survey, draws, arena.protocol.seconds) / arena.workers.count

    def run(self, former: LeverRace | None) -> LeverRace:
        """Return how the levers did."""
        self._name = "levers" if former is None else "further levers"
        self._time = self._clock.decide(
            self._name, "seconds", lambda: int(self._clock.left_for("levers"))
        )
        applies = _applicable(self._survey)
        alone = self._alone(applies, former)
        won = list(winners(alone))
        steps = self._steps(won[0], _by_promise(alone, applies), alone) if won else []
        together = self._together(steps)
        # Who was compared longer, with the combinations, is judged by that.
        later = {entry.name for entry in together if entry.draws >= LEAST_DRAWS}
        found = [*winners(together)]
        over = later | _surpassed(steps, found)
        best = simplest([*found, *(entry for entry in won if entry.name not in over)])
        last = next((step.found.name for step in reversed(steps) if step.found is not None), None)
        if last is not None and last not in later:
            # There was no time for that: what the steps have shown stands.
            stepped = next(entry for entry in together if entry.name == last)
            best = stepped if not stepped.draws or stepped.ratio < 1 else best
        tried = {entry.name for entry in alone if entry.draws}
        return LeverRace(
            alone=tuple(alone),
            steps=tuple(steps),
            combined=tuple(together),
            untried=tuple(lever.name for lever in applies if lever.name not in tried),
            levers=() if best is None else best.levers,
        )

    def _left(self, end: float = 1.0) -> float:
        """Return the seconds left until a share of the time for levers is over."""
        return self._clock.left_for("levers") - (1 - end) * self._time

    def _affordable(self, solves: float, end: float = 1.0) -> bool:
        question = f"{solves:.9g} solves by {end:g}"
        return bool(self._decide(question, lambda: self._cost * solves <= self._left(end)))

    def _decide(self, question: str, answer: Callable[[], int]) -> int:
        return self._clock.decide(self._name, question, answer)

    def _alone(self, applies: Sequence[Lever], former: LeverRace | None) -> list[Standing]:
        """Race single levers, the most promising first."""
        found = [] if former is None else [entry for entry in former.alone if entry.draws]
        known = {entry.name for entry in found}
        waiting = [lever for lever in applies if lever.name not in known]
        within = partial(self._affordable, end=_ALONE)
        # Those that lose early leave time for further ones; the default's solves are there already.
        while waiting and (not found or within(LEAST_DRAWS)):
            count = self._decide(
                f"levers of {len(waiting)}", lambda: largest_field(self._left(_ALONE) / self._cost)
            )
            count = max(count, _FEWEST)
            tried, waiting = waiting[:count], waiting[count:]
            self._say(f"racing against SCIP's default: {', '.join(lever.name for lever in tried)}")
            entered = [of_levers(self._policies, [lever.name]) for lever in tried]
            found += race(entered, self._draws, self._arena, self._goal, within, rivals=False)
        # Where nothing has won there is nothing to add levers to: this has all of the time.
        return race_again(
            found, self._draws, self._arena, self._goal, self._affordable, self._say, rivals=False
        )

    def _steps(
        self, first: Standing, names: Sequence[str], alone: Sequence[Standing]
    ) -> list[LeverStep]:
        """Add further levers to the best one."""
        return add_levers(
            first,
            names,
            self._draws,
            self._arena,
            self._goal,
            partial(self._affordable, end=_STEPS),
            self._policies,
            self._say,
            alone,
        )

    def _together(self, steps: Sequence[LeverStep]) -> list[Standing]:
        """Race what the steps have found against SCIP's default."""
        found = [step.found.levers for step in steps if step.found is not None]
        if not found:
            return []
        self._say("racing what was found against SCIP's default")
        # The last one first: with little time it is what counts.
        field = [of_levers(self._policies, levers) for levers in reversed([steps[0].base, *found])]
        return race(field, self._draws, self._arena, self._goal, self._affordable)


def _surpassed(steps: Sequence[LeverStep], found: Sequence[Standing]) -> set[str]:
    """Return the names of what the steps up to the last of these were taken from.

    A step's outcome was better than its base, on the same draws; the ratios of both to the default
    may be from different ones.
    """
    names = {entry.name for entry in found}
    ends = [n for n, step in enumerate(steps) if step.found and step.found.name in names]
    return {PLUS.join(step.base) for step in steps[: max(ends, default=-1) + 1]}


def _by_promise(alone: Sequence[Standing], applies: Sequence[Lever]) -> list[str]:
    """Return the levers' names in the order in which to add them: as they did alone."""
    did = {entry.name: entry for entry in alone if entry.draws}

    def promise(name: str) -> tuple[bool, float]:
        entry = did.get(name)
        # Of one not tried nothing is known.
        return (False, 1.0) if entry is None else (entry.ended in _LOST, entry.ratio)

    return sorted((lever.name for lever in applies), key=promise)
