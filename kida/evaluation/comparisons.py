"""Comparing policies honestly: paired differences, intervals, tests, means and profiles.

Instances differ far more than policies do, so everything here pairs runs on the same instance.
Seeds of one instance are not independent of each other: callers average over seeds first, and
pass one value per instance. Functions take plain arrays and know nothing of runs or files.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000


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
        Bootstrap interval of ``difference``; NaN with fewer than two instances.
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
        Bootstrap interval of ``ratio`` at 95 %; NaN with fewer than two instances.
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
    seed: int = 0,
) -> PairedComparison:
    """Compare two policies on the same instances.

    Parameters
    ----------
    values, baseline
        Shape ``(n,)``: one finite value per instance, in the same order.
    higher_is_better
        Whether a larger value wins.
    confidence
        Level of the bootstrap interval.
    seed
        Of the resampling: the same data always give the same interval.

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
    # Only here, because importing it takes longer than all the rest of a short command.
    from scipy.stats import wilcoxon

    # Bounds that agree to nine digits are the same bound.
    same = np.isclose(new, old, rtol=1e-9, atol=1e-12)
    differences = np.where(same, 0.0, new - old)
    better = differences > 0 if higher_is_better else differences < 0
    low, high = bootstrap_interval(differences, confidence=confidence, seed=seed)
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
        p_value=1.0 if same.all() else float(wilcoxon(differences).pvalue),
    )


def compare_geometric(values: ArrayLike, baseline: ArrayLike, shift: float) -> PairedRatio:
    """Compare what two policies need on the same instances, by shifted geometric means.

    Parameters
    ----------
    values, baseline
        Shape ``(n,)``: one value above ``-shift`` per instance, in the same order; lower is better.
    shift
        Of the geometric means, such as 1 s (Gasse et al. 2019).

    Raises
    ------
    ValueError
        If the shapes differ, there are no instances, or a value is not above ``-shift``.
    """
    new, old = np.asarray(values, np.float64), np.asarray(baseline, np.float64)
    if not ((new > -shift).all() and (old > -shift).all()):
        raise ValueError(f"a value is not above {-shift:g}")
    logs = np.log(np.stack([new, old], axis=-1) + shift)
    found = compare_paired(logs[..., 0], logs[..., 1], higher_is_better=False)

    def ratio(log_means: NDArray[np.float64]) -> NDArray[np.float64]:
        means = np.exp(log_means) - shift
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(means[..., 0] / means[..., 1])

    low, high = bootstrap_interval(logs, ratio)
    return PairedRatio(
        instances=found.instances,
        mean=shifted_geometric_mean(new, shift),
        baseline_mean=shifted_geometric_mean(old, shift),
        ratio=float(ratio(logs.mean(axis=0))),
        low=low,
        high=high,
        wins=found.wins,
        losses=found.losses,
        p_value=found.p_value,
    )


def bootstrap_interval(
    sample: NDArray[np.float64],
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean, or of a function of means.

    Parameters
    ----------
    sample
        Shape ``(n,)``, or ``(n, k)`` for ``k`` values that belong together.
    statistic
        Makes of means, shape ``(m, k)``, the ``m`` numbers whose interval is wanted.

    Returns
    -------
    low, high
        (NaN, NaN) for ``n`` below 2. The interval is known to be too narrow for small ``n`` (by
        about a tenth for ten values).
    """
    if len(sample) < 2:
        return math.nan, math.nan
    generator = np.random.default_rng(seed)
    # In blocks, so that memory does not grow with the sample.
    found = np.empty(RESAMPLES)
    block = max(1, 1_000_000 // len(sample))
    for start in range(0, RESAMPLES, block):
        size = min(block, RESAMPLES - start)
        drawn = generator.integers(len(sample), size=(size, len(sample)))
        means = sample[drawn].mean(axis=1)
        found[start : start + size] = means if statistic is None else statistic(means)
    tail = 50 * (1 - confidence)
    low, high = np.percentile(found, [tail, 100 - tail])
    return float(low), float(high)


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
