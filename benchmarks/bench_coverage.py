"""Simulate how often a table's 95 % interval covers the true value, per kind of data and size.

    python benchmarks/bench_coverage.py

Prints the tables of docs/evaluation.md, in some minutes on one core, the same each time. An
interval that keeps its word covers in 95 % of the samples. What tables print is Student's, by the
very functions that make them; the bootstraps beside it are scipy's. To try another kind of data,
add it to ``DIFFERENCES`` or ``RATIOS``; the true values are means of four million draws.
"""

import argparse
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import bootstrap

from kida.evaluation.comparisons import mean_interval, ratio_interval, shifted_geometric_mean

Array = NDArray[np.float64]
Intervals = dict[str, tuple[Array, Array]]

SIZES = (2, 4, 8, 10, 12, 20, 40)
TRUTH_DRAWS = 4_000_000

#: Limit and shift of the simulated times, in seconds, as in the research protocol.
LIMIT = 600.0
SHIFT = 1.0


def _ties(rng: np.random.Generator, shape: Any) -> Array:
    skewed = rng.lognormal(0, 1, shape) - 0.5
    return np.where(rng.random(shape) < 0.25, 0.0, skewed)


DIFFERENCES: dict[str, Callable[[np.random.Generator, Any], Array]] = {
    "normal": lambda rng, shape: rng.normal(0.5, 1, shape),
    "heavy tails (t, 3 degrees)": lambda rng, shape: rng.standard_t(3, shape),
    "skewed (lognormal, 0.5)": lambda rng, shape: rng.lognormal(0, 0.5, shape),
    "very skewed (lognormal, 1)": lambda rng, shape: rng.lognormal(0, 1, shape),
    "very skewed, a quarter ties": _ties,
}


def _times(median: float, spread: float, ratio: float, noise: float, tails: bool = False) -> Any:
    def draw(rng: np.random.Generator, shape: Any) -> tuple[Array, Array]:
        base = median * rng.lognormal(0, spread, shape)
        wobble = rng.standard_t(3, shape) if tails else rng.normal(0, 1, shape)
        return base * ratio * np.exp(noise * wobble), base

    return draw


def _timeouts(rng: np.random.Generator, shape: Any) -> tuple[Array, Array]:
    new, base = _times(200, 1.2, 0.7, 0.5)(rng, shape)
    return np.minimum(new, LIMIT), np.minimum(base, LIMIT)


def _root(rng: np.random.Generator, shape: Any) -> tuple[Array, Array]:
    new, base = _times(0.9, 1, 0.6, 0.5)(rng, shape)
    return np.where(rng.random(shape) < 0.3, base, new), base


RATIOS: dict[str, Callable[[np.random.Generator, Any], tuple[Array, Array]]] = {
    "times near 30 s, lognormal": _times(30, 1, 0.7, 0.35),
    "the same, heavy tails": _times(30, 1, 0.7, 0.3, tails=True),
    "times near 200 s, a sixth time-outs": _timeouts,
    "times below the shift": _times(0.6, 1, 0.6, 0.4),
    "the same, three in ten equal": _root,
}


def of_differences(samples: Array, resamples: int, seed: int) -> Intervals:
    """Return each kind of interval for samples of shape ``(m, n)``: lows and highs, ``(m,)``."""
    found = _bootstraps((samples,), np.mean, resamples, seed)
    found["Student"] = _stack([mean_interval(sample) for sample in samples])
    return found


def of_ratios(new: Array, base: Array, resamples: int, seed: int) -> Intervals:
    """Return the same for ratios of shifted geometric means of times."""

    def log_ratio(x: Array, y: Array, axis: int = -1) -> Array:
        new, base = (np.log(np.exp(part.mean(axis=axis)) - SHIFT) for part in (x, y))
        return np.asarray(new - base)

    found = _bootstraps((np.log(new + SHIFT), np.log(base + SHIFT)), log_ratio, resamples, seed)
    pairs = zip(new, base, strict=True)
    found["Student"] = _stack([ratio_interval(*pair, SHIFT) for pair in pairs], np.log)
    logs = np.log((new + SHIFT) / (base + SHIFT))
    found["Student on log((x + s) / (y + s))"] = _stack([mean_interval(sample) for sample in logs])
    return found


def _bootstraps(data: Any, statistic: Any, resamples: int, seed: int) -> Intervals:
    found, earlier = {}, None
    for name, method in (("percentile bootstrap", "percentile"), ("BCa bootstrap", "BCa")):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # samples of equal values, which have no BCa interval
            earlier = bootstrap(
                data,
                statistic,
                axis=-1,
                paired=True,
                method=method,
                batch=50,
                n_resamples=0 if earlier else resamples,
                bootstrap_result=earlier,
                rng=np.random.default_rng(seed),
            )
        found[name] = (earlier.confidence_interval.low, earlier.confidence_interval.high)
    return found


def _stack(intervals: list[tuple[float, float]], scale: Any = np.asarray) -> tuple[Array, Array]:
    low, high = scale(np.array(intervals).T)
    return low, high


def _print_coverage(
    title: str, found: dict[tuple[str, int], Intervals], truths: dict[str, float]
) -> None:
    print(f"\n{title}\n")
    print("| data | interval | " + " | ".join(f"{size}" for size in SIZES) + " |")
    print("|---|---|" + "---|" * len(SIZES))
    for name in truths:
        for method in found[name, SIZES[0]]:
            cells = []
            for size in SIZES:
                low, high = found[name, size][method]
                covered = (low <= truths[name]) & (truths[name] <= high)
                cells.append(f"{100 * covered.mean():.0f}")
            print(f"| {name} | {method} | " + " | ".join(cells) + " |")


def _print_widths(found: dict[tuple[str, int], Intervals]) -> None:
    print("\nWidth as a multiple of the percentile bootstrap's, median of all samples above:\n")
    print("| interval | " + " | ".join(f"{size}" for size in SIZES) + " |")
    print("|---|" + "---|" * len(SIZES))
    for method in ("BCa bootstrap", "Student"):
        cells = []
        for size in SIZES:
            factors = []
            for (_, n), intervals in found.items():
                if n == size:
                    width, other = (
                        high - low
                        for low, high in (intervals[method], intervals["percentile bootstrap"])
                    )
                    factors.append(width[other > 0] / other[other > 0])
            cells.append(f"{np.nanmedian(np.concatenate(factors)):.2f}")
        print(f"| {method} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--simulations", type=int, default=2_000)
    parser.add_argument("--resamples", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    differences: dict[tuple[str, int], Intervals] = {}
    ratios: dict[tuple[str, int], Intervals] = {}
    means, log_ratios = {}, {}
    for name, draw in DIFFERENCES.items():
        means[name] = float(draw(np.random.default_rng(a.seed + 1), TRUTH_DRAWS).mean())
        for size in SIZES:
            samples = draw(np.random.default_rng([a.seed, size]), (a.simulations, size))
            differences[name, size] = of_differences(samples, a.resamples, a.seed)
    for name, draw_pair in RATIOS.items():
        large = draw_pair(np.random.default_rng(a.seed + 1), TRUTH_DRAWS)
        new, base = (shifted_geometric_mean(times, SHIFT) for times in large)
        log_ratios[name] = math.log(new / base)
        for size in SIZES:
            pair = draw_pair(np.random.default_rng([a.seed, size]), (a.simulations, size))
            ratios[name, size] = of_ratios(*pair, a.resamples, a.seed)
    title = "Intervals that cover, in %, by the number of instances: "
    _print_coverage(title + "mean differences", differences, means)
    _print_coverage(title + "ratios of shifted geometric means", ratios, log_ratios)
    _print_widths(differences | ratios)


if __name__ == "__main__":
    main()
