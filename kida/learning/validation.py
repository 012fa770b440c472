"""How well a network does on samples, without the solver."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from kida.learning.config import TrainingConfig
from kida.learning.losses import LOSSES, batches
from kida.network.gnn import Network
from kida.sample import Sample


@dataclass(frozen=True)
class Validation:
    """How a network does on samples; every number is a mean over them.

    Attributes
    ----------
    loss
        The training loss, without the teacher's part.
    top1, top5
        Share of samples with a best candidate as the first, or among the first five.
    score_ratio
        Strong-branching score of the network's choice / best score; unevaluated counts as 0.
    """

    loss: float
    top1: float
    top5: float
    score_ratio: float


@torch.no_grad()
def validate(network: Network, samples: Iterable[Sample], config: TrainingConfig) -> Validation:
    """Measure ``network`` on ``samples``."""
    network.eval()
    device = next(network.parameters()).device
    sums, count = np.zeros(4), 0
    for batch in batches(samples, config.edges_per_batch):
        batch = batch.to(device)
        logits = batch.padded(network(batch.graphs))
        first = logits.argsort(dim=1, descending=True, stable=True)[:, :5]
        scores = batch.scores.nan_to_num(0)
        best = scores.amax(1)
        ratio = scores.gather(1, first[:, :1])[:, 0] / best.clamp_min(1e-300)
        hits = batch.best.gather(1, first)
        sums += [
            float(LOSSES[config.loss](logits, batch, config).double().sum()),
            float(hits[:, 0].sum()),
            float(hits.any(1).sum()),
            float(ratio.clamp(0, 1).sum()),
        ]
        count += len(batch)
    return Validation(*(sums / max(count, 1)).tolist())
