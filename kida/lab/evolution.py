"""CMA-ES on populations of points, and what a point is worth by its rewards in the solver.

The algorithm is the library ``cma``'s, separable when the parameters are many.
"""

import importlib.util
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from kida.errors import missing_extra
from kida.lab.space import Vector

Fitness = Literal["gain", "rank"]

#: Differences below this share of the root's bound are rounding.
ROUNDING = 1e-6
# Up to so many dimensions the full covariance is learned: beyond, more than a search can afford.
_FULL_COVARIANCE = 100


def check_library() -> None:
    """Refuse, with the remedy, if the library ``cma`` is not there."""
    if importlib.util.find_spec("cma") is None:
        raise missing_extra("search on reward", "cma", "train")


class Evolution:
    """CMA-ES with antithetic pairs; what it proposes follows from its seed and what it was told.

    Of each pair only the better point is selected: two that cancel each other would shrink the
    step size without reason (Auger, Brockhoff and Hansen 2011, "Mirrored sampling in evolution
    strategies with weighted recombination").

    Parameters
    ----------
    dimension
        Of the points, at least 2.
    population
        Points per iteration: an even number.
    sigma
        Standard deviation of the first perturbations.
    learning_rate
        Share of the step to the mean of the selected points that is taken.
    seed
        Of all random numbers.
    """

    def __init__(
        self, dimension: int, *, population: int, sigma: float, learning_rate: float, seed: int
    ) -> None:
        import cma

        generator = np.random.default_rng(seed)

        def mirrored(number: int, size: int) -> Vector:
            half = generator.standard_normal((number // 2, size))
            return np.concatenate([half, -half])

        self._strategy = cma.CMAEvolutionStrategy(
            np.zeros(dimension),
            sigma,
            {
                "randn": mirrored,
                "seed": math.nan,  # the library leaves numpy's global generator alone then
                "popsize": population,
                "CMA_mu": population // 2,
                "CMA_active": False,
                "CMA_mirrors": 0,
                "CMA_cmean": learning_rate,
                "CMA_diagonal": dimension > _FULL_COVARIANCE,
                # Its default for diagonal covariances needs samples that are not mirrored.
                "AdaptSigma": cma.sigma_adaptation.CMAAdaptSigmaCSA,
                "signals_filename": "",
                "verbose": -9,
                "verb_log": 0,
            },
        )

    @property
    def mean(self) -> Vector:
        """The centre of the distribution."""
        return np.array(self._strategy.mean, np.float64)

    @property
    def sigma(self) -> float:
        """The step size."""
        return float(self._strategy.sigma)

    def ask(self) -> list[Vector]:
        """Return a population; the second half mirrors the first."""
        return [np.array(point) for point in self._strategy.ask()]

    def tell(self, points: Sequence[Vector], fitness: Vector) -> None:
        """Move towards the better points of the last population.

        Parameters
        ----------
        points
            What :meth:`ask` returned.
        fitness
            Shape ``(population,)``, higher is better. If all are equal, nothing moves.
        """
        if not np.ptp(fitness):
            return
        first, second = np.split(fitness, 2)
        loses = np.concatenate([first < second, second <= first])
        order = np.lexsort((-fitness, loses))
        costs = np.empty(len(points))
        costs[order] = np.arange(len(points))
        self._strategy.tell(list(points), costs.tolist())


def fitness_of(rewards: Vector, roots: Vector, kind: Fitness) -> Vector:
    """Return what each point is worth, shape ``(points,)``; higher is better.

    Parameters
    ----------
    rewards
        Shape ``(points, draws)``: the mean bound over the time limit. NaN, a failure, counts
        as the worst on its draw; draws on which all failed are left out.
    roots
        Same shape: the bound at the end of the root node; NaN where there is none.
    kind
        ``"gain"``: the rise of the mean dual bound above that of the root, in units of the
        population's mean rise on the same instance, averaged over the instances; ``"rank"``: the
        mean rank.

    Raises
    ------
    ValueError
        If everything failed.
    """
    worth = []
    for reward, root in zip(rewards.T, roots.T, strict=True):
        succeeded = np.isfinite(reward)
        if not succeeded.any():
            continue
        reward = np.where(succeeded, reward, reward[succeeded].min())
        known = root[np.isfinite(root)]
        base = float(np.median(known)) if len(known) else float(reward.min())
        # Rounded, or on instances whose bound does not move the last digits would decide.
        unit = ROUNDING * max(abs(base), 1.0)
        gains = np.round((reward - base) / unit) * unit
        if kind == "rank":
            worth.append(rankdata(gains) / len(gains))
        else:
            worth.append(gains / max(float(np.abs(gains).mean()), unit))
    if not worth:
        raise ValueError("every solve failed")
    mean: Vector = np.mean(worth, axis=0)
    return mean
