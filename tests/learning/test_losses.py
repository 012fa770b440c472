import dataclasses

import numpy as np
import pytest
import torch

from kida.learning.config import TrainingConfig
from kida.learning.losses import LOSSES, batches, collate, hard_targets, soft_targets
from kida.network.architecture import Architecture
from kida.network.gnn import Network

CONFIG = TrainingConfig(label_smoothing=0.0)


@pytest.mark.parametrize("statistics", [False, True])
def test_a_batch_scores_each_sample_as_alone(samples, statistics):
    network = Network(Architecture(8, statistics)).eval()
    batch = collate(samples[:3])
    with torch.no_grad():
        together = batch.padded(network(batch.graphs))
        for place, sample in enumerate(samples[:3]):
            alone = network(collate([sample]).graphs)
            count = len(sample.candidates)
            torch.testing.assert_close(together[place, :count], alone, rtol=1e-4, atol=1e-5)
            assert torch.isinf(together[place, count:]).all()


def test_a_batch_holds_what_its_scores_depend_on(samples):
    few = [
        dataclasses.replace(
            sample,
            candidates=sample.candidates[:2],
            candidate_features=sample.candidate_features[:2],
            scores=sample.scores[:2],
        )
        for sample in samples[:3]
    ]
    part, whole = collate(few), collate(few, whole=True)
    assert len(part.graphs.rows) < len(whole.graphs.rows) / 2
    assert len(part.graphs.variables) < len(whole.graphs.variables)
    assert len(whole.graphs.rows) == sum(len(sample.observation.row_features) for sample in few)
    network = Network(Architecture(8)).eval()
    with torch.no_grad():
        torch.testing.assert_close(network(part.graphs), network(whole.graphs))


def test_batches_are_filled_by_edges(samples):
    edges = [len(sample.observation.edge_columns) for sample in samples]
    made = list(batches(samples, sum(edges[:3])))
    assert len(made[0]) == 3
    assert sum(len(batch) for batch in made) == len(samples)
    assert [len(batch) for batch in batches(samples, 1)] == [1] * len(samples)


def test_ties_share_the_mass(samples):
    scores = np.zeros(len(samples[0].candidates))
    scores[[1, 4]] = 2.0
    tied = dataclasses.replace(samples[0], scores=scores)
    batch = collate([tied, samples[1]])
    targets = hard_targets(batch, CONFIG)
    assert targets[0, [1, 4]].tolist() == [0.5, 0.5]
    torch.testing.assert_close(targets.sum(1), torch.ones(2))
    soft = soft_targets(batch, CONFIG)
    torch.testing.assert_close(soft.sum(1), torch.ones(2))
    assert soft[0, 1] == soft[0, 4] == soft[0].max()
    assert not soft[~batch.present].any()


def test_unevaluated_candidates_get_no_mass(samples):
    scores = samples[0].scores.copy()
    scores[1:] = np.nan
    scores[5] = 0.0
    batch = collate([dataclasses.replace(samples[0], scores=scores)])
    for targets in (hard_targets, soft_targets):
        assert set(targets(batch, CONFIG)[0].nonzero()[:, 0].tolist()) <= {0, 5}


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_loss_prefers_the_better_candidate_and_ignores_the_padding(samples, loss):
    # Two candidates beside a longer sample: the rest of the row is padding.
    first = samples[0]
    short = dataclasses.replace(
        first,
        candidates=first.candidates[:2],
        candidate_features=first.candidate_features[:2],
        scores=np.array([1.0, 3.0]),
        down_gains=first.down_gains[:2],
        up_gains=first.up_gains[:2],
    )
    batch = collate([short, samples[1]])
    logits = torch.zeros(batch.present.shape).masked_fill(~batch.present, -torch.inf)
    logits[0, :2] = torch.tensor([0.0, 5.0])
    right = LOSSES[loss](logits, batch, CONFIG)
    logits[0, :2] = torch.tensor([5.0, 0.0])
    wrong = LOSSES[loss](logits, batch, CONFIG)
    assert torch.isfinite(right).all()
    assert right[0] < 0.1 < wrong[0]
    assert right[1] == wrong[1]


def test_label_smoothing_spreads_mass_over_the_candidates(samples):
    config = TrainingConfig(label_smoothing=0.2)
    batch = collate([samples[0]])
    count = len(samples[0].candidates)
    logits = torch.randn(1, count, generator=torch.Generator().manual_seed(0))
    found = LOSSES["hard"](logits, batch, config)
    logarithms = logits.log_softmax(1)
    expected = 0.8 * LOSSES["hard"](logits, batch, CONFIG) - 0.2 * logarithms.mean(1)
    torch.testing.assert_close(found, expected)
