"""Batches of samples, and the losses that are taken over their candidates.

A new loss is a function from padded scores, batch and configuration to the loss of every sample,
with an entry in ``LOSSES`` and its name in ``config.TrainingConfig``.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from kida.learning.config import TrainingConfig
from kida.learning.samples import best_candidates
from kida.network.gnn import Graphs, Network
from kida.sample import Sample


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples as one graph, with what the losses need.

    ``b`` is the number of samples and ``w`` the largest number of candidates among them.

    Attributes
    ----------
    graphs
        The observations; its ``candidates`` are those of all samples, one sample after another.
    present
        Shape ``(b, w)``, bool: which places of the padded arrays are candidates.
    scores
        Shape ``(b, w)``, float64: the expert's; NaN where not evaluated, and in the padding.
    best
        Shape ``(b, w)``, bool: the candidates that share the best score.
    """

    graphs: Graphs
    present: Tensor
    scores: Tensor
    best: Tensor

    def padded(self, logits: Tensor) -> Tensor:
        """Return the network's ``(k,)`` scores as ``(b, w)``, minus infinity in the padding."""
        full = torch.full(self.present.shape, -math.inf, device=logits.device)
        return full.masked_scatter(self.present, logits)

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on ``device``."""
        if device.type == "cpu":
            return self
        graphs = Graphs(*(tensor.to(device) for tensor in vars(self.graphs).values()))
        rest = (self.present, self.scores, self.best)
        return Batch(graphs, *(tensor.to(device) for tensor in rest))

    def __len__(self) -> int:
        return len(self.present)


def collate(samples: Sequence[Sample], *, whole: bool = False) -> Batch:
    """Join samples into one batch: the part of each that its scores depend on, or the whole."""
    rows, variables, edges, values, candidates = [], [], [], [], []
    row, variable = 0, 0
    for sample in samples:
        seen, scored = sample.observation, sample.candidates
        if not whole:
            seen, scored = seen.around(scored)
        rows.append(seen.row_features)
        variables.append(seen.variable_features)
        edges.append(seen.edge_indices + np.array([[row], [variable]]))
        values.append(seen.edge_values)
        candidates.append(scored.astype(np.int64) + variable)
        row += len(rows[-1])
        variable += len(variables[-1])
    graphs = Graphs(
        torch.from_numpy(np.concatenate(rows)),
        torch.from_numpy(np.concatenate(variables)),
        torch.from_numpy(np.concatenate(edges, axis=1)),
        torch.from_numpy(np.concatenate(values)[:, None]),
        torch.from_numpy(np.concatenate(candidates)),
        torch.from_numpy(np.concatenate([sample.candidate_features for sample in samples])),
    )
    shape = len(samples), max(len(found) for found in candidates)
    present, best = np.zeros(shape, bool), np.zeros(shape, bool)
    scores = np.full(shape, np.nan)
    for place, sample in enumerate(samples):
        count = len(sample.candidates)
        present[place, :count] = True
        scores[place, :count] = sample.scores
        best[place, :count] = best_candidates(sample.scores)
    return Batch(
        graphs,
        torch.from_numpy(present),
        torch.from_numpy(scores),
        torch.from_numpy(best),
    )


def batches(
    samples: Iterable[Sample], edges_per_batch: int, *, whole: bool = False
) -> Iterator[Batch]:
    """Yield the samples in order, in batches of about so many edges.

    Edges are those of the whole observations, so that a batch has the same samples either way.
    """
    held: list[Sample] = []
    edges = 0
    for sample in samples:
        held.append(sample)
        edges += len(sample.observation.edge_columns)
        if edges >= edges_per_batch:
            yield collate(held, whole=whole)
            held, edges = [], 0
    if held:
        yield collate(held, whole=whole)


def hard_targets(batch: Batch, config: TrainingConfig) -> Tensor:
    """Return all mass on the best candidates, shared evenly; shape ``(b, w)``."""
    return batch.best / batch.best.sum(1, keepdim=True)


def soft_targets(batch: Batch, config: TrainingConfig) -> Tensor:
    """Return the softmax of the scores, scaled for each sample; shape ``(b, w)``.

    The unit of the temperature is the distance from the mean to the best score, so that the
    targets do not depend on the objective's scale.
    """
    best = batch.scores.nan_to_num(-math.inf).amax(1, keepdim=True)
    unit = (best - batch.scores.nanmean(1, keepdim=True)).clamp_min(1e-300)
    scaled = (batch.scores - best) / (config.temperature * unit)
    return scaled.nan_to_num(-math.inf).softmax(1).float()


def _cross_entropy(
    targets: Callable[[Batch, TrainingConfig], Tensor],
) -> Callable[[Tensor, Batch, TrainingConfig], Tensor]:
    def loss(logits: Tensor, batch: Batch, config: TrainingConfig) -> Tensor:
        target = targets(batch, config)
        if config.label_smoothing:
            even = batch.present / batch.present.sum(1, keepdim=True)
            target = target.lerp(even.float(), config.label_smoothing)
        # 0 x (-infinity) in the padding would be NaN.
        logarithms = logits.log_softmax(1).masked_fill(~batch.present, 0)
        return -(target * logarithms).sum(1)

    return loss


# Each maps padded logits, batch and configuration to the loss of every sample, shape (b,).
LOSSES: dict[str, Callable[[Tensor, Batch, TrainingConfig], Tensor]] = {
    "hard": _cross_entropy(hard_targets),
    "soft": _cross_entropy(soft_targets),
}


def teacher_loss(logits: Tensor, batch: Batch, teacher: Network) -> Tensor:
    """Return the cross-entropy to the teacher's softmax, shape ``(b,)``."""
    with torch.no_grad():
        target = batch.padded(teacher(batch.graphs)).softmax(1)
    return -(target * logits.log_softmax(1).masked_fill(~batch.present, 0)).sum(1)
