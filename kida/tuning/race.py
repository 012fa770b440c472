"""A race: contestants against SCIP's default on common draws, losers dropped early.

After F-Race (Birattari et al. 2002) and irace (López-Ibáñez et al. 2016): all that are still in
solve the next draws, and a contestant drops out when a paired test says that it is worse than the
best. Different from there, contestants are also dropped when they are far behind after two draws,
and, as in successive halving (Jamieson and Talwalkar 2016), when the time left is too short for
all: better a good answer on few than none on many. What is compared is the logarithm of shifted
seconds (:func:`kida.evaluation.verdict.paired`), so that instances count alike.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct
from scipy.stats import t as student_t

from kida.boundary import Natural
from kida.evaluation.comparisons import mean_interval
from kida.evaluation.outcome import Text
from kida.evaluation.records import Record
from kida.evaluation.summary import TIME_SHIFT
from kida.evaluation.verdict import Goal, paired
from kida.learning.judge import clearly_worse
from kida.learning.plan import Draw
from kida.tuning.measuring import Arena

#: The level at which a contestant counts as better than the default, and as worse than the best.
BETTER, WORSE = 0.1, 0.05
#: Draws without which nobody is called better.
LEAST_DRAWS = 4
# Ratios beyond which a contestant is given up after so many draws.
_HOPELESS, _AFTER = 1.3, 2
# Ratios this near to 1 on as many draws are no difference.
_SAME, _SAME_AFTER = 0.01, 4
# A difference of logarithms that matters to nobody, however sure it is.
_EVEN = 0.02
# Contestants that halving leaves in at least.
_LEAST_LEFT = 3

Ended = Literal["", "worse", "hopeless", "no difference", "halved", "no time"]
_Ratio = Annotated[float, Meta(ge=0.0, le=1e20)]


@dataclass(frozen=True)
class Contestant:
    """Something that may be better than SCIP's default.

    Attributes
    ----------
    name
        For people.
    policy
        Name or folder, as :mod:`kida.solver.policies` takes it.
    levers
        Names of the levers in it.
    """

    name: str
    policy: str
    levers: tuple[str, ...] = ()


class Standing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a contestant did.

    Attributes
    ----------
    name, policy, levers
        See :class:`Contestant`.
    draws
        On how many draws it was compared with the default.
    ratio, interval
        Of its shifted seconds to the default's: the geometric mean over draws and its interval;
        below 1 is better.
    p_value
        One-sided, of being no better than the default.
    ended
        Why it dropped out; empty if it was in to the end.
    """

    name: Text
    policy: Text
    levers: tuple[Text, ...]
    draws: Natural
    ratio: _Ratio
    interval: tuple[_Ratio, _Ratio]
    p_value: Annotated[float, Meta(ge=0.0, le=1.0)]
    ended: Ended = ""

    @property
    def better(self) -> bool:
        """Whether it is better than the default, as far as a race can tell."""
        return self.draws >= LEAST_DRAWS and self.ratio < 1 and self.p_value < BETTER


def race(
    contestants: Sequence[Contestant],
    draws: Sequence[Draw],
    arena: Arena,
    goal: Goal,
    affordable: Callable[[int], bool],
    *,
    wanted: int = 8,
    rivals: bool = True,
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
    """
    found: dict[str, list[float]] = {contestant.name: [] for contestant in contestants}
    ended: dict[str, Ended] = {}
    alive = list(contestants)
    used = 0
    while len(alive) > 1 and not affordable(LEAST_DRAWS * (len(alive) + 1)):
        ended[alive.pop().name] = "no time"
    most = min(wanted, len(draws))
    while alive and used < most:
        size = _round_size(len(alive) + 1, arena.workers.count, most - used)
        if not affordable(size * (len(alive) + 1)):
            break
        batch = draws[used : used + size]
        for name, logs in _measured(alive, batch, arena, goal).items():
            found[name] += logs
        used += size
        _drop(alive, found, ended, rivals=rivals)
        # One draw is too little to send half of them home.
        while (
            used >= _AFTER
            and len(alive) > _LEAST_LEFT
            and not affordable(max(wanted - used, 0) * (len(alive) + 1))
        ):
            worst = max(alive, key=lambda contestant: _mean(found[contestant.name]))
            alive.remove(worst)
            ended[worst.name] = "halved"
    return _standings(contestants, found, ended)


def _round_size(solves: int, cores: int, left: int) -> int:
    """Return how many draws keep all cores at work."""
    return min(left, max(1, -(-2 * cores // solves)))


def _measured(
    alive: Sequence[Contestant], draws: Sequence[Draw], arena: Arena, goal: Goal
) -> dict[str, list[float]]:
    """Return each contestant's logarithms of its ratios to the default, draw by draw."""
    records = arena.measure(["default", *(contestant.policy for contestant in alive)], draws)
    default = records.pop("default")
    return {
        contestant.name: ratios(goal, records[contestant.policy], default) for contestant in alive
    }


def ratios(goal: Goal, records: Sequence[Record], default: Sequence[Record]) -> list[float]:
    """Return the logarithms of the ratios of shifted seconds, one per run the default finished."""
    return [
        math.log((pair.seconds + TIME_SHIFT) / (pair.default_seconds + TIME_SHIFT))
        for pair in paired(goal, records, default)
    ]


def _drop(
    alive: list[Contestant],
    found: Mapping[str, list[float]],
    ended: dict[str, Ended],
    *,
    rivals: bool = True,
) -> None:
    """Drop those that have lost, of all still alive."""
    best = min((found[contestant.name] for contestant in alive), key=_mean)
    for contestant in list(alive):
        logs = found[contestant.name]
        why: Ended = ""
        if len(logs) >= _AFTER and min(logs) > 0 and _mean(logs) > math.log(_HOPELESS):
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


def _mean(logs: Sequence[float]) -> float:
    return float(np.mean(logs)) if logs else 0.0


def _worse(logs: Sequence[float], best: Sequence[float]) -> bool:
    count = min(len(logs), len(best))
    if _mean(logs[:count]) - _mean(best[:count]) < _EVEN:
        return False
    return clearly_worse([-x for x in logs[:count]], [-x for x in best[:count]], WORSE)


def _standings(
    contestants: Sequence[Contestant],
    found: Mapping[str, list[float]],
    ended: Mapping[str, Ended],
) -> list[Standing]:
    return ranked(
        standing(contestant, found[contestant.name], ended.get(contestant.name, ""))
        for contestant in contestants
    )


def ranked(standings: Iterable[Standing]) -> list[Standing]:
    """Return standings, best first: those in to the end before those that dropped out."""
    return sorted(
        standings, key=lambda entry: (entry.ended != "", entry.ratio if entry.draws else math.inf)
    )


def standing(contestant: Contestant, logs: Sequence[float], ended: Ended = "") -> Standing:
    """Return how a contestant stands with these logarithms of ratios."""
    mean = _mean(logs)
    low, high = mean_interval(logs) if len(logs) > 1 else (-math.inf, math.inf)
    return Standing(
        name=contestant.name,
        policy=contestant.policy,
        levers=contestant.levers,
        draws=len(logs),
        ratio=_ratio(mean),
        interval=(_ratio(low), _ratio(high)),
        p_value=p_value(logs),
        ended=ended,
    )


def _ratio(logarithm: float) -> float:
    return min(math.exp(min(logarithm, 46.0)), 1e20) if logarithm > -math.inf else 0.0


def p_value(logs: Sequence[float]) -> float:
    """Return the p-value of the one-sided paired t-test: that the mean is not below 0."""
    if len(logs) < 2 or not np.any(logs):
        return 1.0
    spread = max(float(np.std(logs, ddof=1)), 1e-12 * float(np.abs(logs).max()))
    statistic = float(np.mean(logs)) / (spread / math.sqrt(len(logs)))
    return float(student_t.cdf(statistic, len(logs) - 1))


def winners(standings: Sequence[Standing]) -> Iterator[Standing]:
    """Yield those in to the end that are better than the default, best first."""
    return (entry for entry in standings if entry.better and not entry.ended)
