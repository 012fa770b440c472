"""Further levers on top of the best: one more at each step, or another in place of one of its kind.

Levers do not add up: one that does nothing alone may save a third beside another, and two that each
help may hinder each other. So every step tries all of them again, against what the steps before
have found, until none is clearly better any more. Those that help are tried together, too: where
many do, there is no time to add them one by one.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec import Struct

from kida.evaluation.outcome import Text
from kida.evaluation.verdict import Goal
from kida.learning.plan import Draw
from kida.tuning.contestants import PLUS, extensions, of_levers
from kida.tuning.levers import LEVERS, check_names
from kida.tuning.measuring import Arena
from kida.tuning.race import WANTED, least_solves, race, race_again
from kida.tuning.standings import LEAST_DRAWS, Contestant, Standing, winners

# What a step has to save; less is not worth one more lever.
_WORTH = 0.97
# How many levers are tried together at most, and the draws on which each must have helped.
_TOGETHER, _LEAST_HELP = 4, 2


class LeverStep(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of adding a lever.

    Attributes
    ----------
    base
        Names of the levers that one was added to.
    standings
        Of those that raced, best first; their ratios are to ``base``, not to SCIP's default.
    found
        The one that goes on; None if none is clearly better than ``base``.

    Raises
    ------
    UserError
        If there is no lever of a name.
    """

    base: tuple[Text, ...]
    standings: tuple[Standing, ...]
    found: Standing | None = None

    def __post_init__(self) -> None:
        check_names(self.base)


def add_levers(
    first: Contestant | Standing,
    names: Sequence[str],
    draws: Sequence[Draw],
    arena: Arena,
    goal: Goal,
    affordable: Callable[[float], bool],
    policies: Path,
    say: Callable[[str], None],
    alone: Sequence[Standing] = (),
) -> list[LeverStep]:
    """Add levers to the best one, as long as one helps and there is time; return the steps.

    Parameters
    ----------
    first
        What to begin with.
    names
        The levers to add, the most promising ones first.
    draws, arena, goal
        As :func:`kida.tuning.race.race` takes them. Every step begins with other draws than the one
        before.
    affordable
        Whether there is time for so many solves of ``first``.
    policies
        Where contestants are kept.
    say
        Told in words what comes next.
    alone
        How single levers did: those that helped are tried together first.
    """
    steps: list[LeverStep] = []
    base, cost = first, 1.0
    seen = {frozenset(base.levers)}

    def within(solves: float) -> bool:
        return affordable(cost * solves)

    def raced(field: Iterable[tuple[str, ...]]) -> Standing | None:
        """Race combinations against the base; return, and go on from, the one that has won."""
        nonlocal base, cost
        entered = [of_levers(policies, levers) for levers in field if frozenset(levers) not in seen]
        turned = _turned(draws, (len(steps) + 1) * WANTED)
        standings = race(entered, turned, arena, goal, within, against=base.policy)
        standings = race_again(standings, turned, arena, goal, within, say, against=base.policy)
        tried = tuple(entry for entry in standings if entry.draws)
        seen.update(frozenset(entry.levers) for entry in tried)
        found = next((entry for entry in winners(standings) if entry.ratio <= _WORTH), None)
        steps.append(LeverStep(base=base.levers, standings=tried, found=found))
        if found is not None:
            base = found
            if goal == "time":
                cost *= found.ratio
        return found

    def raced_together(step: LeverStep) -> None:
        field = _bundles(step)
        if field and within(least_solves(len(field))):
            say(f"with {PLUS.join(base.levers)}, racing what else has helped together against it")
            raced(field)

    raced_together(LeverStep(base=(), standings=tuple(alone)))
    while within(2 * LEAST_DRAWS):
        say(f"with {PLUS.join(base.levers)}, racing one lever more against it")
        if raced(extensions(base.levers, names)) is None:
            break
        raced_together(steps[-1])
    return steps


def _bundles(step: LeverStep) -> list[tuple[str, ...]]:
    """Return the best two, three ... levers of a step together, one of a kind; most come first."""
    helped = [x for x in step.standings if x.draws >= _LEAST_HELP and x.ratio <= _WORTH]
    kinds: set[str] = set()
    found: list[tuple[str, ...]] = [step.base]
    for entry in sorted(helped, key=lambda entry: entry.ratio):
        (name,) = set(entry.levers) - set(step.base)
        if LEVERS[name].kind not in kinds and len(kinds) < _TOGETHER:
            kinds.add(LEVERS[name].kind)
            found += extensions(found[-1], [name])
    return found[:1:-1]


def _turned(draws: Sequence[Draw], by: int) -> list[Draw]:
    """Return the draws from one place on, those before it last."""
    start = by % max(len(draws), 1)
    return [*draws[start:], *draws[:start]]
