"""Spaces of networks: a vector of few or many numbers to the weights around a start.

Which parameters a search may change is a function here that returns a :class:`Space`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kida.network.architecture import Weights

Vector = NDArray[np.float64]
Parameters = Literal["neurons", "readout", "all", "subspace"]


@dataclass(frozen=True, eq=False)
class Space:
    """What is searched.

    Attributes
    ----------
    dimension
        Number of coordinates; 0 in all of them is the starting network.
    weights
        Returns the network at a point, shape ``(dimension,)``. Coordinates are without unit: 0.1
        changes every searched weight by about a tenth of its layer's root mean square.
    """

    dimension: int
    weights: Callable[[Vector], Weights]


def space(start: Weights, parameters: Parameters, dimension: int, seed: int) -> Space:
    """Return the space of some parameters around ``start``.

    Parameters
    ----------
    start
        The network at the origin.
    parameters
        ``"neurons"``, a factor for each hidden neuron; ``"readout"``, the weights of the layers
        that make a score of a candidate's embedding; ``"all"``, every weight and bias;
        ``"subspace"``, the same in ``dimension`` random directions.
    dimension
        See ``parameters``.
    seed
        Of the random directions.
    """
    names = [name for name in start if name.endswith((".weight", ".bias"))]
    if parameters == "neurons":
        return _neurons(start)
    if parameters == "readout":
        return _shifts(start, [name for name in names if name.startswith("output_module.")])
    whole = _shifts(start, names)
    if parameters == "all":
        return whole
    # Nearly orthogonal, and of unit variance in every parameter when the coordinates have it.
    directions = np.random.default_rng(seed).standard_normal(
        (whole.dimension, dimension), np.float32
    )
    directions /= math.sqrt(dimension)
    return Space(
        dimension,
        lambda point: whole.weights((directions @ point.astype(np.float32)).astype(np.float64)),
    )


def _shifts(start: Weights, names: Sequence[str]) -> Space:
    """Return the space of every entry of some arrays, in units of their layer's RMS."""
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(name.rpartition(".")[0], []).append(name)
    units: dict[str, float] = {}
    for members in layers.values():
        # A layer's biases, often 0 at first, share its unit.
        entries = np.concatenate([start[name].ravel() for name in members]).astype(np.float64)
        units |= dict.fromkeys(members, float(np.sqrt(np.mean(entries**2))) or 1.0)
    ends = np.cumsum([start[name].size for name in names])

    def weights(point: Vector) -> Weights:
        found = dict(start)
        for name, part in zip(names, np.split(point, ends[:-1]), strict=True):
            shift = units[name] * part.reshape(start[name].shape)
            found[name] = (start[name] + shift).astype(np.float32)
        return found

    return Space(int(ends[-1]), weights)


def _neurons(start: Weights) -> Space:
    """Return the space of the logarithms of a factor for each neuron: its weights' and bias's.

    Of the last layer only the score itself is a neuron, whose factor would change no choice.
    """
    names = [name for name, array in start.items() if name.endswith(".weight") and len(array) > 1]
    ends = np.cumsum([len(start[name]) for name in names])

    def weights(point: Vector) -> Weights:
        found = dict(start)
        for name, part in zip(names, np.split(np.exp(point), ends[:-1]), strict=True):
            found[name] = (start[name] * part[:, None]).astype(np.float32)
            bias = name.removesuffix("weight") + "bias"
            if bias in start:
                found[bias] = (start[bias] * part).astype(np.float32)
        return found

    return Space(int(ends[-1]), weights)
