"""Heirs for a study of inheritance: what the members of a cell can be merged into, side by side.

The rules themselves are in ``kida.network.inheritance``; here is what they need of samples and of
the solver, and which of them are tried. A new rule is an entry of :data:`RULES`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from msgspec.structs import replace
from numpy.typing import NDArray
from torch import Tensor, nn

from kida.lab.evolution import Evolution
from kida.lab.likeness import answers
from kida.lab.members import Pool
from kida.lab.space import Vector
from kida.lab.yardstick import Yardstick
from kida.learning.losses import batches
from kida.learning.plan import Draw
from kida.learning.samples import Aggregate
from kida.learning.train import initial_network
from kida.network.architecture import Weights
from kida.network.gnn import Network
from kida.network.inheritance import (
    combine,
    logit_average,
    regression_mean,
    uniform_average,
)
from kida.network.policy import Policy

# Samples of which the layers' inputs are taken.
_GRAM_SAMPLES = 300
#: The search for coefficients: points, iterations, and the draws of each.
POPULATION, ITERATIONS, SEARCH_DRAWS = 8, 10, 48
#: What the logits' average counts in distillation, the expert counting 1.
TEACHER_WEIGHT = 9.0
# The first step of the search.
_SIGMA = 0.3


@dataclass(frozen=True)
class Will:
    """What there is to merge, and what for.

    Attributes
    ----------
    pool
        The members'.
    name
        Of the heir.
    members
        The members' weights.
    yardstick, draws
        What choices are made by: nothing that is reported on. None for rules that make none.
    """

    pool: Pool
    name: str
    members: Sequence[Weights]
    yardstick: Yardstick | None
    draws: Sequence[Draw]


def _weights(will: Will) -> Weights:
    return uniform_average(will.members)


def _logits(will: Will) -> Weights:
    return logit_average(will.members)


def _calibrated_logits(will: Will) -> Weights:
    pool = will.pool
    samples = pool.validation()
    found = [answers(Policy(w, pool.card), samples, pool.config) for w in will.members]
    return logit_average(will.members, [answer.calibration() for answer in found])


def _regression_mean(will: Will) -> Weights:
    samples = will.pool.samples()
    found = [layer_inputs(weights, will.pool, samples) for weights in will.members]
    return regression_mean(will.members, found)


def _refitted(will: Will) -> Weights:
    pool, weights = will.pool, uniform_average(will.members)
    samples = pool.samples()
    return initial_network(samples, pool.config, pool.run.config.seed, weights).weights()


def _coefficients(will: Will) -> Weights:
    """Return the combination that CMA-ES finds by worth; its coefficients may be negative.

    It is the plain average if that is worth more on all draws. After an interruption it is told
    again what the yardstick has kept, and goes on.
    """
    count, card, yardstick = len(will.members), will.pool.judged_card, will.yardstick
    assert yardstick is not None

    def weights(point: Vector) -> Weights:
        return combine(will.members, point - point.mean() + 1 / count)

    evolution = Evolution(count, population=POPULATION, sigma=_SIGMA, learning_rate=1.0, seed=0)
    size = min(SEARCH_DRAWS, len(will.draws))
    for iteration in range(ITERATIONS):
        points = evolution.ask()
        turn = range(iteration * size, (iteration + 1) * size)
        worth = yardstick.compared(
            [Policy(weights(point), card) for point in points],
            [will.draws[k % len(will.draws)] for k in turn],
        )
        evolution.tell(points, worth.mean(axis=1))
    found = [uniform_average(will.members), weights(evolution.mean)]
    worth = yardstick.compared([Policy(each, card) for each in found], will.draws)
    return found[int(worth.mean(axis=1).argmax())]


def _distilled(will: Will) -> Weights:
    shape = will.pool.card.shape
    teacher = Network(replace(shape, embedding_size=len(will.members) * shape.embedding_size))
    teacher.load_weights(logit_average(will.members))
    teacher.eval()
    return _trained_further(will, teacher, teacher_weight=TEACHER_WEIGHT)


def _further(will: Will) -> Weights:
    return _trained_further(will, None)


def _trained_further(will: Will, teacher: Network | None, **options: float) -> Weights:
    """Return the weights' average after a training of a member's length."""
    pool, samples = will.pool, will.pool.samples()
    config = replace(pool.config, epochs=pool.length(samples), **options)
    start = uniform_average(will.members)
    return pool.train(will.name, samples, config, start=start, teacher=teacher).weights


#: The rule that leaves the plain average where it finds nothing better.
SEARCHED = "coefficients"
#: What an heir is called, and how it is made.
RULES: Mapping[str, Callable[[Will], Weights]] = {
    "weights": _weights,
    "logits": _logits,
    "calibrated logits": _calibrated_logits,
    "RegMean": _regression_mean,
    "refitted prenorms": _refitted,
    "distilled logits": _distilled,
    "further training": _further,  # what of the distilled ones is the training
    SEARCHED: _coefficients,
}


def make_heir(rule: str, will: Will) -> None:
    """Merge the members by one of :data:`RULES`, unless the heir is there."""
    pool = will.pool
    if not pool.has(will.name):
        weights = RULES[rule](will)
        pool.keep(will.name, weights, rule=rule)


@torch.no_grad()
def layer_inputs(
    weights: Weights, pool: Pool, samples: Aggregate
) -> dict[str, NDArray[np.float64]]:
    """Return the Gram matrix of what each linear layer reads on some of ``samples``.

    Returns
    -------
    dict
        The name of the layer's weight to ``X.T @ X``, shape ``(in, in)``.
    """
    network = Network(pool.card.shape)
    network.load_weights(weights)
    network.eval()
    found: dict[str, Tensor] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def add(layer: nn.Module, inputs: tuple[Tensor]) -> None:
            values = inputs[0].double()
            found[name] = found.get(name, 0) + values.T @ values

        return add

    for name, layer in network.named_modules():
        if isinstance(layer, nn.Linear):
            layer.register_forward_pre_hook(watch(f"{name}.weight"))
    order = np.random.default_rng(0).permutation(len(samples))[:_GRAM_SAMPLES]
    chosen = (samples[int(number)] for number in order)
    for batch in batches(chosen, pool.config.edges_per_batch):
        # The fast form reads some of the layers' weights without calling them.
        network(batch.graphs, per_edge=True)
    return {name: gram.numpy() for name, gram in found.items()}
