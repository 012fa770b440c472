"""How contestants of a race stand: their ratios to SCIP's default, and who is better by a test."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct
from scipy.stats import t as student_t

from kida.boundary import Natural
from kida.evaluation.comparisons import mean_interval
from kida.evaluation.outcome import Text
from kida.tuning.levers import check_names

#: The level at which a contestant counts as better than the default.
BETTER = 0.1
#: Draws without which nobody is called better.
LEAST_DRAWS = 4
# A ratio with which more draws may make a winner.
_NEAR = 0.97

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

    Raises
    ------
    UserError
        If there is no lever of a name.
    """

    name: Text
    policy: Text
    levers: tuple[Text, ...]
    draws: Natural
    ratio: _Ratio
    interval: tuple[_Ratio, _Ratio]
    p_value: Annotated[float, Meta(ge=0.0, le=1.0)]
    ended: Ended = ""

    def __post_init__(self) -> None:
        check_names(self.levers)

    @property
    def better(self) -> bool:
        """Whether it is better than the default, as far as a race can tell."""
        return self.draws >= LEAST_DRAWS and self.ratio < 1 and self.p_value < BETTER


def mean_of(logs: Sequence[float]) -> float:
    """Return the mean of logarithms; 0, as of no difference, if there are none."""
    return float(np.mean(logs)) if logs else 0.0


def ranked(standings: Iterable[Standing]) -> list[Standing]:
    """Return standings, best first: those in to the end before those that dropped out."""
    return sorted(
        standings, key=lambda entry: (entry.ended != "", entry.ratio if entry.draws else math.inf)
    )


def standing(contestant: Contestant, logs: Sequence[float], ended: Ended = "") -> Standing:
    """Return how a contestant stands with these logarithms of ratios."""
    mean = mean_of(logs)
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


def near_winners(standings: Iterable[Standing], most: int) -> list[Contestant]:
    """Return those that more draws may show to be better, the ``most`` likely ones."""
    near = [
        entry
        for entry in standings
        if entry.draws and entry.ratio < _NEAR and entry.ended in ("", "halved")
    ]
    near.sort(key=lambda entry: (entry.p_value, entry.ratio))
    return [Contestant(entry.name, entry.policy, entry.levers) for entry in near[:most]]
