"""A race: contestants against SCIP's default, or another policy, on common draws.

Losers are dropped early.

After F-Race (Birattari et al. 2002) and irace (López-Ibáñez et al. 2016): all that are still in
solve the next draws, and a contestant drops out when a paired test says that it is worse than the
best. Different from there, contestants are also dropped when they are far behind after two draws,
and, as in successive halving (Jamieson and Talwalkar 2016), when the time left is too short for
all: better a good answer on few than none on many. What is compared is the logarithm of shifted
seconds (:func:`kida.evaluation.verdict.paired`), so that instances count alike.
"""

import math
from collections.abc import Callable, Mapping, Sequence

from kida.evaluation.records import Record
from kida.evaluation.verdict import SHIFTS, Goal, Pair, paired
from kida.learning.judge import clearly_worse
from kida.learning.plan import Draw
from kida.tuning.measuring import Arena
from kida.tuning.standings import (
    LEAST_DRAWS,
    Contestant,
    Ended,
    Standing,
    mean_of,
    near_winners,
    ranked,
    standing,
    winners,
)

# The level at which a contestant counts as worse than the best.
_WORSE = 0.05
# Ratios beyond which a contestant is given up after so many draws.
_HOPELESS, _AFTER = 1.3, 2
# Ratios this near to 1 on as many draws are no difference.
_SAME, _SAME_AFTER = 0.01, 4
# A difference of logarithms that matters to nobody, however sure it is.
_EVEN = 0.02
# Contestants at most.
_LARGEST = 1000
# Contestants that halving leaves in at least.
_LEAST_LEFT = 3
# What is added to times before they are compared: of the default's, and seconds at least.
_TENTH, _LEAST_SHIFT = 0.1, 0.01
#: Draws that contestants are compared on, with time enough.
WANTED = 8


def race(
    contestants: Sequence[Contestant],
    draws: Sequence[Draw],
    arena: Arena,
    goal: Goal,
    affordable: Callable[[int], bool],
    *,
    wanted: int = WANTED,
    rivals: bool = True,
    against: str = "default",
) -> list[Standing]:
    """Race contestants; return their standings, best first.

    Parameters
    ----------
    contestants
        Those that are likely to win first: of equals the first one is kept.
    draws
        What may be solved, in this order.
    arena, goal
        Where and for what they are measured.
    affordable
        Whether there is time for so many more solves.
    wanted
        Draws that contestants are compared on; with less time, fewer contestants are.
    rivals
        Whether only one can win, so that who is worse than the best drops out; of levers that may
        be combined several can.
    against
        The policy that they are compared with, and that counts as the default here.
    """
    found: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    ended: dict[str, Ended] = {}
    alive = list(contestants)
    used = 0
    while len(alive) > 1 and not affordable(least_solves(len(alive))):
        ended[alive.pop().name] = "no time"
    most = min(wanted, len(draws))
    while alive and used < most:
        size = _round_size(len(alive) + 1, arena.workers.count, most - used)
        if not affordable(size * (len(alive) + 1)):
            break
        batch = draws[used : used + size]
        for name, logs in _measured(alive, batch, arena, goal, against).items():
            found[name] += logs
        used += size
        _drop(alive, found, ended, rivals=rivals)
        if not affordable(max(most - used, 0) * (len(alive) + 1)):
            for worst in _worse_half(alive, found):
                alive.remove(worst)
                ended[worst.name] = "halved"
    return _standings(contestants, found, ended)


def least_solves(contestants: int) -> int:
    """Return the solves that so many need, the default's with them, for one of them to win.

    If half of them go home every round, each has a draw, half of them a second, and so on; those
    left at last have the draws that it takes.
    """
    halved = 2 * contestants + LEAST_DRAWS * (_LEAST_LEFT + 1)
    return min(LEAST_DRAWS * (contestants + 1), halved)


def largest_field(solves: float) -> int:
    """Return how many contestants so many solves are enough for."""
    return max((n for n in range(1, _LARGEST) if least_solves(n) <= solves), default=0)


def _worse_half(alive: Sequence[Contestant], found: Mapping[str, list[float]]) -> list[Contestant]:
    """Return those that go home where the time is too short for all."""
    left = max(_LEAST_LEFT, -(-len(alive) // 2))
    return sorted(alive, key=lambda contestant: mean_of(found[contestant.name]))[left:]


def _round_size(solves: int, cores: int, left: int) -> int:
    """Return how many draws keep all cores at work."""
    return min(left, max(1, -(-2 * cores // solves)))


def _measured(
    alive: Sequence[Contestant], draws: Sequence[Draw], arena: Arena, goal: Goal, against: str
) -> dict[str, list[float]]:
    """Return each contestant's logarithms of its ratios to ``against``, draw by draw."""
    records = arena.measure([against, *(contestant.policy for contestant in alive)], draws)
    default = records.pop(against)
    return {
        contestant.name: ratios(goal, records[contestant.policy], default) for contestant in alive
    }


def ratios(goal: Goal, records: Sequence[Record], default: Sequence[Record]) -> list[float]:
    """Return the logarithms of the ratios of shifted seconds, one per run the default finished."""
    return [_log_ratio(goal, pair) for pair in paired(goal, records, default)]


def _log_ratio(goal: Goal, pair: Pair) -> float:
    shift = _shift(goal, pair.default_seconds)
    return math.log((pair.seconds + shift) / (pair.default_seconds + shift))


def _shift(goal: Goal, seconds: float) -> float:
    """Return what is added to seconds, given those of the default."""
    # A whole second would hide what is won where solves take less.
    most = SHIFTS[goal]
    return min(most, max(_TENTH * seconds, _LEAST_SHIFT)) if goal == "time" else most


def _drop(
    alive: list[Contestant],
    found: Mapping[str, list[float]],
    ended: dict[str, Ended],
    *,
    rivals: bool = True,
) -> None:
    """Drop those that have lost, of all still alive."""
    best = min((found[contestant.name] for contestant in alive), key=mean_of)
    for contestant in list(alive):
        logs = found[contestant.name]
        why: Ended = ""
        if len(logs) >= _AFTER and min(logs) > 0 and mean_of(logs) > math.log(_HOPELESS):
            why = "hopeless"
        elif len(logs) >= _SAME_AFTER and max(map(abs, logs)) < _SAME:
            why = "no difference"
        elif (rivals and _worse(logs, best)) or (
            len(logs) >= LEAST_DRAWS and _worse(logs, [0.0] * len(logs))
        ):
            why = "worse"
        if why:
            alive.remove(contestant)
            ended[contestant.name] = why


def _worse(logs: Sequence[float], best: Sequence[float]) -> bool:
    count = min(len(logs), len(best))
    if mean_of(logs[:count]) - mean_of(best[:count]) < _EVEN:
        return False
    return clearly_worse([-x for x in logs[:count]], [-x for x in best[:count]], _WORSE)


def _standings(
    contestants: Sequence[Contestant],
    found: Mapping[str, list[float]],
    ended: Mapping[str, Ended],
) -> list[Standing]:
    return ranked(
        standing(contestant, found[contestant.name], ended.get(contestant.name, ""))
        for contestant in contestants
    )


def race_again(
    standings: Sequence[Standing],
    draws: Sequence[Draw],
    arena: Arena,
    goal: Goal,
    affordable: Callable[[int], bool],
    say: Callable[[str], None],
    *,
    rivals: bool = True,
    against: str = "default",
) -> list[Standing]:
    """Return standings after more draws for those near winning, if nobody has won.

    What they have solved already is not solved again.

    Parameters
    ----------
    standings
        Of races that are over.
    draws, arena, goal, affordable, rivals, against
        As :func:`race` takes them.
    say
        Told who races again.
    """
    near = [] if any(winners(standings)) else near_winners(standings, _LEAST_LEFT)
    if not near or not affordable(LEAST_DRAWS * (len(near) + 1)):
        return ranked(standings)
    say(f"nothing has won yet; more pairs for {', '.join(entry.name for entry in near)}")
    again = race(
        near, draws, arena, goal, affordable, wanted=len(draws), rivals=rivals, against=against
    )
    names = {entry.name for entry in again}
    return ranked([*again, *(entry for entry in standings if entry.name not in names)])
