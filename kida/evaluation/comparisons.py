"""Comparing policies honestly: paired differences, intervals, tests, means and profiles.

Instances differ far more than policies do, so everything here pairs runs on the same instance.
Seeds of one instance are not independent of each other: callers average over seeds first, and
pass one value per instance. Functions take plain arrays and know nothing of runs or files.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class PairedComparison:
    """How one policy differs from another on the same instances.

    Attributes
    ----------
    instances
        Number of pairs.
    mean, baseline_mean
        Mean value of the policy, and of the baseline.
    difference
        Mean of ``value - baseline``.
    low, high
        Student's interval of ``difference``; NaN with fewer than two instances.
    confidence
        The interval's level.
    wins, losses
        Instances on which the policy is better or worse by more than rounding; the rest are ties.
    p_value
        Two-sided Wilcoxon signed-rank test; 1 if nothing differs.
    """

    instances: int
    mean: float
    baseline_mean: float
    difference: float
    low: float
    high: float
    confidence: float
    wins: int
    losses: int
    p_value: float

    @property
    def relative(self) -> float:
        """Return ``difference`` as a fraction of the baseline's mean; NaN if that is 0."""
        if self.baseline_mean == 0:
            return math.nan
        return self.difference / abs(self.baseline_mean)


@dataclass(frozen=True)
class PairedRatio:
    """How much of another policy's effort one needs on the same instances.

    Attributes
    ----------
    instances
        Number of pairs.
    mean, baseline_mean
        Shifted geometric mean of the policy, and of the baseline.
    ratio
        ``mean / baseline_mean``; infinite if only the latter is 0, NaN if both are.
    low, high
        Interval of ``ratio``, see :func:`ratio_interval`; NaN with fewer than two instances.
    wins, losses
        Instances on which the policy needs less, or more, by more than rounding.
    p_value
        Two-sided Wilcoxon signed-rank test of the logarithms; 1 if nothing differs.
    """

    instances: int
    mean: float
    baseline_mean: float
    ratio: float
    low: float
    high: float
    wins: int
    losses: int
    p_value: float


def compare_paired(
    values: ArrayLike,
    baseline: ArrayLike,
    *,
    higher_is_better: bool = True,
    confidence: float = 0.95,
) -> PairedComparison:
    """Compare two policies on the same instances.

    Parameters
    ----------
    values, baseline
        Shape ``(n,)``: one finite value per instance, in the same order.
    higher_is_better
        Whether a larger value wins.
    confidence
        Level of the interval.

    Raises
    ------
    ValueError
        If the shapes differ, there are no instances, or a value is not finite.
    """
    new, old = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    if new.shape != old.shape or new.ndim != 1 or not len(new):
        raise ValueError(f"cannot pair values of shapes {new.shape} and {old.shape}")
    if not np.isfinite(new - old).all():
        raise ValueError("a value is not finite")
    # Bounds that agree to nine digits are the same bound.
    same = np.isclose(new, old, rtol=1e-9, atol=1e-12)
    differences = np.where(same, 0.0, new - old)
    better = differences > 0 if higher_is_better else differences < 0
    low, high = mean_interval(differences, confidence)
    return PairedComparison(
        instances=len(new),
        mean=float(new.mean()),
        baseline_mean=float(old.mean()),
        difference=float(differences.mean()),
        low=low,
        high=high,
        confidence=confidence,
        wins=int((better & ~same).sum()),
        losses=int((~better & ~same).sum()),
        p_value=_signed_rank(differences),
    )


def _signed_rank(differences: NDArray[np.float64]) -> float:
    """Return the p-value of the two-sided Wilcoxon signed-rank test, zeros left out."""
    # Only here, because importing it takes longer than all the rest of a short command.
    from scipy.stats import PermutationMethod, wilcoxon

    some = differences[differences != 0]
    if not len(some):
        return 1.0
    # Differences of equal size have no tabulated distribution. Up to 13 every choice of signs is
    # tried; of more, scipy draws some, here the same each time.
    tied = len(np.unique(np.abs(some))) < len(some)
    method = PermutationMethod(rng=np.random.default_rng(0)) if tied else "auto"
    return float(wilcoxon(some, method=method).pvalue)


def compare_geometric(
    values: ArrayLike, baseline: ArrayLike, shift: float, confidence: float = 0.95
) -> PairedRatio:
    """Compare what two policies need on the same instances, by shifted geometric means.

    Parameters
    ----------
    values, baseline
        Shape ``(n,)``: one value above ``-shift`` per instance, in the same order; lower is better.
    shift
        Of the geometric means, such as 1 s (Gasse et al. 2019).
    confidence
        Level of the interval.

    Raises
    ------
    ValueError
        If the shapes differ, there are no instances, or a value is not above ``-shift``.
    """
    new, old = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    if not ((new > -shift).all() and (old > -shift).all()):
        raise ValueError(f"a value is not above {-shift:g}")
    found = compare_paired(np.log(new + shift), np.log(old + shift), higher_is_better=False)

    means = [shifted_geometric_mean(values, shift) for values in (new, old)]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.divide(means[0], means[1]))
    low, high = ratio_interval(new, old, shift, confidence)
    return PairedRatio(
        instances=found.instances,
        mean=means[0],
        baseline_mean=means[1],
        ratio=ratio,
        low=low,
        high=high,
        wins=found.wins,
        losses=found.losses,
        p_value=found.p_value,
    )


def mean_interval(sample: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Return Student's interval of a mean: mean ± t s / sqrt(n).

    Of the intervals tried on samples like those of the tables it keeps its level best, see
    ``benchmarks/bench_coverage.py``; of two or three values it is wide, as little is known.

    Parameters
    ----------
    sample
        Shape ``(n,)``, finite.
    confidence
        The share of such intervals that cover the mean, if samples are about normal.

    Returns
    -------
    low, high
        (NaN, NaN) for ``n`` below 2; the mean twice if all values are equal.
    """
    # Only here, because importing it takes longer than all the rest of a short command.
    from scipy.stats import sem, t

    values = np.asarray(sample, np.float64)
    if len(values) < 2:
        return math.nan, math.nan
    half = float(t.ppf((1 + confidence) / 2, len(values) - 1) * sem(values))
    mean = float(values.mean())
    return mean - half, mean + half


def ratio_interval(
    values: ArrayLike, baseline: ArrayLike, shift: float, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a ratio of shifted geometric means.

    Student's on the logarithm of that ratio, as a first-order function of the instances: without a
    shift, simply of the logarithms of their ratios. With one, ``log((x + s) / (y + s))`` would
    belong to the ratio of the means before the shift is taken off again, which is nearer to 1 than
    the ratio that tables print.

    Parameters
    ----------
    values, baseline
        Shape ``(n,)``: one value above ``-shift`` per instance, in the same order.

    Returns
    -------
    low, high
        (NaN, NaN) for ``n`` below 2, or if a mean is not positive.
    """
    logs = np.log(np.array([values, baseline], np.float64) + shift)
    means = logs.mean(axis=1, keepdims=True)
    shifted = np.exp(means) - shift
    if logs.shape[1] < 2 or not (shifted > 0).all():
        return math.nan, math.nan
    # d log(exp(m) - s) / dm, for the mean m of the logarithms.
    slopes = np.exp(means) / shifted
    parts = slopes * (logs - means)
    low, high = mean_interval(parts[0] - parts[1], confidence)
    with np.errstate(over="ignore"):
        low, high = shifted[0, 0] / shifted[1, 0] * np.exp([low, high])
    return float(low), float(high)


def detectable_ratio(
    spread: float, count: int, confidence: float = 0.95, power: float = 0.8
) -> float:
    """Return the ratio, below 1, that so many instances will prove to be below 1 in most cases.

    A worse one, nearer to 1, will more often be missed. The usual approximation of the power of a
    t-test: its two quantiles added up.

    Parameters
    ----------
    spread
        Standard deviation of the logarithms of the instances' ratios.
    count
        Number of instances, at least 2.
    confidence
        Level of the interval that shall not contain 1.
    power
        The share of cases.
    """
    from scipy.stats import t

    quantiles = t.ppf([(1 + confidence) / 2, power], count - 1)
    return math.exp(-float(quantiles.sum()) * spread / math.sqrt(count))


def spread_of(interval: tuple[float, float], count: int, confidence: float = 0.95) -> float:
    """Return the standard deviation of the logarithms that Student's interval was made of.

    Parameters
    ----------
    interval
        Of a ratio; both ends positive and finite.
    count, confidence
        See :func:`detectable_ratio`.
    """
    from scipy.stats import t

    half = math.log(interval[1] / interval[0]) / 2
    return half * math.sqrt(count) / float(t.ppf((1 + confidence) / 2, count - 1))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for being several (Holm 1979), in the order given."""
    order = np.argsort(p_values, kind="stable")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, position in enumerate(order.tolist()):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[position]))
        adjusted[position] = largest
    return adjusted


def shifted_geometric_mean(values: ArrayLike, shift: float) -> float:
    """Return ``(prod (v + shift))^(1/n) - shift`` of values above ``-shift``; NaN of none.

    Raises
    ------
    ValueError
        If a value is not above ``-shift``.
    """
    exact = np.asarray(values, np.float64)
    if not exact.size:
        return math.nan
    if not (exact > -shift).all():
        raise ValueError(f"a value is not above {-shift:g}")
    return float(np.exp(np.log(exact + shift).mean()) - shift)


def performance_profile(
    costs: Mapping[str, ArrayLike],
) -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return each policy's performance profile (Dolan and Moré 2002).

    Parameters
    ----------
    costs
        Policy to cost per instance, shape ``(n,)``, positive; infinite where it failed. The
        instances must be the same, in the same order.

    Returns
    -------
    dict
        Policy to ``(ratios, shares)``, each of shape ``(k,)``: ``shares[i]`` of the instances were
        solved at a cost of at most ``ratios[i]`` times the best policy's. Instances that every
        policy failed count in the denominator.
    """
    table = np.array([np.asarray(row, np.float64) for row in costs.values()])
    if table.ndim != 2 or not (table > 0).all():
        raise ValueError("costs must be positive, and of equal number for every policy")
    best = table.min(axis=0)
    profiles = {}
    for name, row in zip(costs, table, strict=True):
        solved = np.isfinite(row)
        ratios = np.sort(row[solved] / best[solved])
        shares = np.arange(1, len(ratios) + 1) / len(row)
        profiles[name] = (ratios, shares)
    return profiles
