"""Knowledge inheritance: one network out of the weights of several generations.

Cao et al. (2022, arXiv:2201.10328, section 4.3) average all parameters, prenorm statistics
included, of generations trained on different stages of the aggregate; the rules here are that one
and its relatives from the literature on model soups. Those that average weights need parents that
descend from one initialisation. Pure arithmetic on arrays: which parents are good is told by a
``reward`` that the caller measures, in the solver, as validation accuracy does not predict it. A
new merge rule is a function here.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kida.network.architecture import Weights

#: Weights to mean reward in the solver; higher is better. Expensive.
Reward = Callable[[Weights], float]
#: What may have coefficients of its own: the beginnings of the names of its arrays.
LAYERS = (
    ("cons_embedding.", "edge_embedding.", "var_embedding."),
    ("conv_v_to_c.",),
    ("conv_c_to_v.",),
    ("output_module.",),
)
# Whose inputs all parents share: those that read the observation itself.
_READ = (
    "cons_embedding.1.weight",
    "var_embedding.1.weight",
    "feature_module_edge.0.weight",
)


def combine(parents: Sequence[Weights], coefficients: ArrayLike) -> Weights:
    """Return the sum of ``parents`` times their coefficients, which may be negative.

    Parameters
    ----------
    parents
        Of one architecture.
    coefficients
        Shape ``(parents,)``, finite, of sum 1; or ``(layers, parents)``: a row for each of
        ``LAYERS``.

    Raises
    ------
    ValueError
        If there are no parents, they differ in names or shapes, or the coefficients are others.
    """
    given = np.asarray(coefficients, np.float64)
    table = np.broadcast_to(given, (len(LAYERS), given.shape[-1] if given.ndim else 0))
    if not parents or table.shape[1] != len(parents):
        raise ValueError(f"{len(parents)} parents need as many coefficients, not {given.shape}")
    if not np.isfinite(table).all() or not np.allclose(table.sum(axis=1), 1):
        raise ValueError(f"the coefficients {given.tolist()} do not add up to 1")
    _check_kin(parents)
    # Summed in float64, so that averaging a network with itself changes nothing.
    return {
        name: np.tensordot(
            table[_layer(name)],
            np.stack([parent[name] for parent in parents]).astype(np.float64),
            axes=1,
        ).astype(np.float32)
        for name in parents[0]
    }


def uniform_average(parents: Sequence[Weights]) -> Weights:
    """Return the plain average: KIDA's rule, given the best generations."""
    return combine(parents, np.full(len(parents), 1 / max(len(parents), 1)))


def interpolate(first: Weights, second: Weights, share: float) -> Weights:
    """Return the point at ``share`` (0 to 1) of the way from ``first`` to ``second``."""
    return combine([first, second], [1 - share, share])


def loss_barriers(
    parents: Sequence[Weights], loss: Callable[[Weights], float]
) -> dict[tuple[int, int], float]:
    """Return, for each pair of parents, how much higher the loss is halfway between the two.

    Near 0 they lie in one basin, as averaging assumes; far above it they should not be merged
    (Frankle et al. 2020, arXiv:1912.05671).
    """
    ends = [loss(parent) for parent in parents]
    return {
        (i, j): loss(interpolate(parents[i], parents[j], 0.5)) - (ends[i] + ends[j]) / 2
        for i, j in itertools.combinations(range(len(parents)), 2)
    }


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


def regression_mean(
    parents: Sequence[Weights],
    inputs: Sequence[Mapping[str, NDArray[np.float64]]],
    share: float = 0.9,
) -> Weights:
    """Return the network whose linear layers best reproduce those of its parents.

    RegMean (Jin et al. 2023, arXiv:2212.09849, equation 2): in closed form, the weight that has the
    least squared distance from every parent's outputs on what the parent's layer has read. All else
    is averaged.

    Parameters
    ----------
    parents
        Of one architecture.
    inputs
        Of each parent, the name of a linear layer's weight, of shape ``(out, in)``, to the Gram
        matrix ``X.T @ X`` of what the layer has read, shape ``(in, in)``. Layers that are not in
        it are averaged.
    share
        Factor on entries off the diagonal: 0 is an average weighted by the inputs' squares.

    Raises
    ------
    ValueError
        See :func:`combine`.
    """
    merged = uniform_average(parents)
    for name in inputs[0]:
        grams = []
        for found in inputs:
            diagonal = np.diag(np.diag(found[name]))
            grams.append(share * found[name] + (1 - share) * diagonal)
        total = np.sum(grams, axis=0)
        # What no parent has ever read decides nothing, and is averaged.
        ridge = 1e-6 * max(float(np.trace(total)) / len(total), 1e-300) * np.eye(len(total))
        target = np.sum(
            [
                gram @ parent[name].T.astype(np.float64)
                for gram, parent in zip(grams, parents, strict=True)
            ],
            axis=0,
        )
        target = target + ridge @ merged[name].T.astype(np.float64)
        merged[name] = np.linalg.solve(total + ridge, target).T.astype(np.float32)
    return merged


def logit_average(parents: Sequence[Weights], factors: Sequence[float] = ()) -> Weights:
    """Return the wide network whose scores are the mean of the parents' scores, exactly.

    The parents stand beside each other in block-diagonal layers: it is as wide as all of them
    together. They need not be related.

    Parameters
    ----------
    parents
        Of one architecture, whose prenorm scales are positive.
    factors
        On each parent's scores; by default all 1.

    Raises
    ------
    ValueError
        If there are no parents, or they differ in names or shapes.
    """
    if not parents:
        raise ValueError("there are no parents")
    _check_kin(parents)
    shares = np.array(factors or [1.0] * len(parents)) / len(parents)
    plain = [_without_prenorms(parent) for parent in parents]
    size = len(plain[0]["cons_embedding.1.bias"])
    wide: dict[str, NDArray[np.float64]] = {}
    for name in plain[0]:
        blocks = [parent[name] for parent in plain]
        if name.endswith((".shift", ".scale")):
            wide[name] = blocks[0]
        elif name == "output_module.2.weight":
            wide[name] = np.concatenate(
                [share * block for share, block in zip(shares, blocks, strict=True)], axis=1
            )
        elif blocks[0].ndim == 1 or name.endswith(_READ):
            wide[name] = np.concatenate(blocks)
        else:
            # Each parent's part of what is read, side by side; then what all of them read alike.
            own = 2 if name.startswith("conv_") and ".output_module.0." in name else 1
            parts = [
                _block_diagonal([block[:, k * size : (k + 1) * size] for block in blocks])
                for k in range(own)
            ]
            parts.append(np.concatenate([block[:, own * size :] for block in blocks]))
            wide[name] = np.concatenate(parts, axis=1)
    return {name: array.astype(np.float32) for name, array in wide.items()}


def _check_kin(parents: Sequence[Weights]) -> None:
    for parent in parents[1:]:
        if {name: array.shape for name, array in parent.items()} != {
            name: array.shape for name, array in parents[0].items()
        }:
            raise ValueError("the parents are not of one architecture")


def _layer(name: str) -> int:
    return next(k for k, starts in enumerate(LAYERS) if name.startswith(starts))


def _block_diagonal(blocks: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    rows, columns = blocks[0].shape
    found = np.zeros((len(blocks) * rows, len(blocks) * columns))
    for k, block in enumerate(blocks):
        found[k * rows : (k + 1) * rows, k * columns : (k + 1) * columns] = block
    return found


def _without_prenorms(weights: Weights) -> dict[str, NDArray[np.float64]]:
    """Return the same function with its normalisations inside its linear layers."""
    found = {name: array.astype(np.float64) for name, array in weights.items()}
    for part in ("cons_embedding", "var_embedding"):
        shift, scale = found[f"{part}.0.shift"], found[f"{part}.0.scale"]
        found[f"{part}.1.weight"] *= scale
        found[f"{part}.1.bias"] += found[f"{part}.1.weight"] @ shift
    size = len(found["cons_embedding.1.bias"])
    for part in ("conv_v_to_c", "conv_c_to_v"):
        edge = found[f"{part}.feature_module_edge.0.weight"] * found["edge_embedding.0.scale"]
        found[f"{part}.feature_module_edge.0.weight"] = edge
        found[f"{part}.feature_module_left.0.bias"] += edge @ found["edge_embedding.0.shift"]
        # A positive factor passes through the rectifier.
        found[f"{part}.feature_module_final.2.weight"] *= found[
            f"{part}.feature_module_final.0.scale"
        ]
        found[f"{part}.output_module.0.weight"][:, :size] *= found[
            f"{part}.post_conv_module.0.scale"
        ]
    for name, array in found.items():
        if name.endswith(".shift"):
            array[:] = 0
        elif name.endswith(".scale"):
            array[:] = 1
    return found
