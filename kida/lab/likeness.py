"""How alike networks are on common samples, and how sure of themselves: without the solver."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from kida.learning.config import TrainingConfig
from kida.learning.losses import batches
from kida.learning.samples import Aggregate
from kida.network.architecture import Weights
from kida.network.gnn import Network
from kida.network.inheritance import loss_barriers
from kida.network.policy import Policy


@dataclass(frozen=True, eq=False)
class Answers:
    """What a network says of ``n`` samples with up to ``w`` candidates.

    Attributes
    ----------
    logits
        Shape ``(n, w)``; minus infinity where there is no candidate.
    best
        Shape ``(n, w)``: which candidates share the expert's best score.
    """

    logits: NDArray[np.float64]
    best: NDArray[np.bool_]

    @property
    def choices(self) -> NDArray[np.int64]:
        """The network's candidate of each sample."""
        return np.asarray(self.logits.argmax(axis=1), np.int64)

    def cross_entropy(self, factor: float = 1.0) -> float:
        """Return the mean cross-entropy to the best candidates, with the logits times a factor."""
        scaled = factor * self.logits
        top = scaled.max(axis=1, keepdims=True)
        normal = top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))
        share = self.best / self.best.sum(axis=1, keepdims=True)
        named = np.where(self.best, scaled, 0.0)
        return float((normal - (share * named).sum(axis=1)).mean())

    def calibration(self) -> float:
        """Return the factor on the logits that makes the cross-entropy least; below 1 if too sure.

        The inverse of the temperature of Guo et al. (2017, arXiv:1706.04599).
        """
        found = minimize_scalar(
            lambda log: self.cross_entropy(float(np.exp(log))), bounds=(-7, 3), method="bounded"
        )
        return float(np.exp(found.x))

    def accuracy(self) -> float:
        """Return the share of samples with one of the best candidates as the first."""
        return float(self.best[np.arange(len(self.best)), self.choices].mean())


@torch.no_grad()
def answers(policy: Policy, samples: Aggregate, config: TrainingConfig) -> Answers:
    """Return what a policy's network says of all samples."""
    network = Network(policy.card.shape)
    network.load_weights(policy.weights)
    network.eval()
    logits, best = [], []
    for batch in batches((samples[k] for k in range(len(samples))), config.edges_per_batch):
        logits.append(batch.padded(network(batch.graphs)).double().numpy())
        best.append(batch.best.numpy())
    width = max(part.shape[1] for part in logits)
    return Answers(_padded(logits, width, -np.inf), _padded(best, width, False))


def _padded(parts: Sequence[NDArray[Any]], width: int, empty: float | bool) -> NDArray[Any]:
    def wide(part: NDArray[Any]) -> NDArray[Any]:
        return np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=empty)

    return np.concatenate([wide(part) for part in parts])


def disagreement(found: Sequence[Answers]) -> float:
    """Return the share of samples on which two networks choose differently, mean over all pairs."""
    pairs = itertools.combinations(found, 2)
    return float(np.mean([(one.choices != other.choices).mean() for one, other in pairs]))


def churn(found: Sequence[Answers]) -> float:
    """Return the same from each network to the next one: from parent to child, of generations."""
    pairs = itertools.pairwise(found)
    return float(np.mean([(one.choices != other.choices).mean() for one, other in pairs]))


def barrier(members: Sequence[Policy], samples: Aggregate, config: TrainingConfig) -> float:
    """Return the loss barrier between two networks, mean over all pairs."""

    def loss(weights: Weights) -> float:
        return answers(Policy(weights, members[0].card), samples, config).cross_entropy()

    return float(np.mean([*loss_barriers([member.weights for member in members], loss).values()]))
