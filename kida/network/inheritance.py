"""Knowledge inheritance: one network out of the weights of several generations.

Cao et al. (2022, arXiv:2201.10328, section 4.3) average all parameters, prenorm statistics
included, of generations trained on different stages of the aggregate; the rules here are that one
and its relatives from the literature on model soups. All need parents that descend from one
initialisation. Pure arithmetic on arrays: which parents are good is told by a ``reward`` that the
caller measures, in the solver, as validation accuracy does not predict it. A new merge rule is a
function here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kida.network.architecture import Weights

#: Weights to mean reward in the solver; higher is better. Expensive.
Reward = Callable[[Weights], float]


def weighted_average(parents: Sequence[Weights], shares: Sequence[float]) -> Weights:
    """Return the average of ``parents`` in proportion to ``shares``.

    Raises
    ------
    ValueError
        If there are no parents, they differ in names or shapes, or the shares are negative, not
        finite or all 0.
    """
    portions = np.asarray(shares, np.float64)
    if not parents or portions.shape != (len(parents),):
        raise ValueError(f"{len(parents)} parents cannot be averaged with {len(portions)} shares")
    if not np.isfinite(portions).all() or (portions < 0).any() or portions.sum() == 0:
        raise ValueError(f"the shares {list(shares)} are no proportions")
    for parent in parents[1:]:
        if {name: array.shape for name, array in parent.items()} != {
            name: array.shape for name, array in parents[0].items()
        }:
            raise ValueError("the parents are not of one architecture")
    portions = portions / portions.sum()
    # Summed in float64, so that averaging a network with itself changes nothing.
    return {
        name: np.tensordot(
            portions, np.stack([parent[name] for parent in parents]).astype(np.float64), axes=1
        ).astype(np.float32)
        for name in parents[0]
    }


def uniform_average(parents: Sequence[Weights]) -> Weights:
    """Return the plain average: KIDA's rule, given the best generations."""
    return weighted_average(parents, [1.0] * len(parents))


def interpolate(first: Weights, second: Weights, share: float) -> Weights:
    """Return the point at ``share`` (0 to 1) of the way from ``first`` to ``second``."""
    return weighted_average([first, second], [1 - share, share])


def best_parents(rewards: Sequence[float], count: int) -> list[int]:
    """Return the indices of the ``count`` highest rewards, best first; the later one on ties."""
    order = sorted(range(len(rewards)), key=lambda k: (rewards[k], k), reverse=True)
    return order[:count]


@dataclass(frozen=True, eq=False)
class Soup:
    """What :func:`greedy_soup` found.

    Attributes
    ----------
    weights
        The average.
    members
        Indices of the parents in it, in the order in which they entered.
    reward
        Its measured reward.
    """

    weights: Weights
    members: tuple[int, ...]
    reward: float


def greedy_soup(parents: Sequence[Weights], rewards: Sequence[float], reward: Reward) -> Soup:
    """Return a uniform average that grows, best parent first, only while the reward rises.

    The rule of Wortsman et al. (2022, arXiv:2203.05482), with reward in place of accuracy.

    Parameters
    ----------
    parents
        Who may enter.
    rewards
        The reward of each alone.
    reward
        Measures an average; called once for every parent but the best.
    """
    best, *others = best_parents(rewards, len(parents))
    soup = Soup(parents[best], (best,), rewards[best])
    for parent in others:
        members = (*soup.members, parent)
        weights = uniform_average([parents[k] for k in members])
        measured = reward(weights)
        if measured > soup.reward:
            soup = Soup(weights, members, measured)
    return soup
