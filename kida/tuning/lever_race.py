"""The levers' race: each alone, then combinations of those that have won."""

import math
import statistics
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct

from kida.boundary import read_json, write_json
from kida.evaluation.outcome import Text
from kida.learning.plan import Draw
from kida.tuning.clock import Clock
from kida.tuning.contestants import combinations, of_levers, simplest
from kida.tuning.lever_choice import applicable, combined
from kida.tuning.levers import Lever
from kida.tuning.measuring import Arena
from kida.tuning.race import largest_field, race, race_again
from kida.tuning.standings import LEAST_DRAWS, Contestant, Standing, winners
from kida.tuning.survey import Survey, cost_within

RACE_FILE = "levers.json"
# Of the time for levers, what those alone have; combinations have the rest.
_ALONE = 0.7
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
    alone, combined
        Standings, best first.
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
    combined: tuple[Standing, ...] = ()
    untried: tuple[Text, ...] = ()
    levers: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        combined(self.levers)


def race_draws(survey: Survey, draws: Sequence[Draw]) -> list[Draw]:
    """Return draws to race on: cheap surveyed files with a tree first, then those not surveyed."""
    known = {file.name: file for file in survey.files}
    usable = [file.seconds for file in survey.files if file.branched and file.solved]
    median = statistics.median(usable or [file.seconds for file in survey.files])

    def fits(draw: Draw) -> bool:
        file = known[draw.instance.name]
        if (survey.branched and not file.branched) or (survey.goal == "time" and not file.solved):
            return False
        return survey.goal != "time" or _CHEAP[0] * median <= file.seconds <= _CHEAP[1] * median

    surveyed = [draw for draw in draws if draw.instance.name in known]
    others = [draw for draw in draws if draw.instance.name not in known]
    chosen = sorted(filter(fits, surveyed), key=lambda draw: known[draw.instance.name].seconds)
    return [*chosen, *others] or list(draws)


def race_limit(survey: Survey) -> float:
    """Return the seconds per solve of a race: what is much slower need not be waited for."""
    if survey.goal != "time":
        # Twice as many draws say more than the second half of each does.
        tree = min(3 * survey.root_seconds, survey.time_limit) if survey.branched else 0.0
        return max(survey.time_limit / 2, tree)
    usual = sorted(file.seconds for file in survey.files)
    longest = _PATIENCE * _CHEAP[1] * statistics.median(usual)
    return min(survey.time_limit, float(math.ceil(max(longest, 2.0))))


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
        with suppress(FileNotFoundError):
            return read_json(folder / RACE_FILE, LeverRace, "a race of levers")
    cost = cost_within(survey, arena.protocol.seconds) / arena.workers.count
    kept = (1 - _ALONE) * clock.left_for("levers")

    def affordable(solves: int, kept: float = 0.0) -> bool:
        return cost * solves <= clock.left_for("levers") - kept

    applies = applicable(survey.shares, tree=survey.branched > 0)
    within = partial(affordable, kept=kept)
    alone = [] if former is None else [entry for entry in former.alone if entry.draws]
    tried_before = {entry.name for entry in alone}
    waiting = [lever for lever in applies if lever.name not in tried_before]
    # Those that lose early leave time for further ones; the default's solves are there already.
    while waiting and (not alone or affordable(LEAST_DRAWS, kept)):
        tried = _affordable_levers(waiting, (clock.left_for("levers") - kept) / cost)
        waiting = waiting[len(tried) :]
        say(f"racing against SCIP's default: {', '.join(lever.name for lever in tried)}")
        entered = [of_levers(folder / "contestants", [lever.name]) for lever in tried]
        alone += race(entered, draws, arena, survey.goal, within, rivals=False)
    alone = race_again(alone, draws, arena, survey.goal, affordable, say, rivals=False)
    won = list(winners(alone))
    together: list[Standing] = []
    if field := _combined(won, folder / "contestants"):
        say(f"combining the winners: {', '.join(entry.name for entry in won)}")
        together = race(field, draws, arena, survey.goal, affordable)
    # Who was compared longer, with the combinations, is judged by that.
    later = {entry.name for entry in together}
    found = simplest(winners([*together, *(entry for entry in won if entry.name not in later)]))
    names = {entry.name for entry in alone if entry.draws}
    result = LeverRace(
        alone=tuple(alone),
        combined=tuple(together),
        untried=tuple(x.name for x in applies if x.name not in names),
        levers=() if found is None else found.levers,
    )
    write_json(folder / RACE_FILE, result)
    return result


def _combined(won: Sequence[Standing], policies: Path) -> list[Contestant]:
    """Return who races when winners are combined: groups, and the best two alone; or nobody."""
    groups = [of_levers(policies, group) for group in combinations(won)]
    singles = [Contestant(entry.name, entry.policy, entry.levers) for entry in won[:2]]
    return [*singles, *groups] if groups else []


def _affordable_levers(levers: Sequence[Lever], solves: float) -> list[Lever]:
    """Return the most promising levers, so many that there is time for the best of them."""
    return list(levers[: max(largest_field(solves), _FEWEST)])
