import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kida.errors import UserError
from kida.instances.combinatorial_auction import combinatorial_auction
from kida.instances.registry import generated_family, instances, sense_of
from kida.instances.source import Source


@pytest.mark.parametrize(("size", "bids"), [("easy", 500), ("medium", 1000), ("hard", 1500)])
def test_published_sizes(size: str, bids: int) -> None:
    instance = instances("combinatorial_auction", "test", 0, 1, size)[0]
    program = generated_family("combinatorial_auction").program(instance)
    assert (len(program.columns), program.sense, sense_of(instance)) == (
        bids,
        "maximize",
        "maximize",
    )


def test_statistics() -> None:
    programs = [combinatorial_auction("p", Source(seed), 100, 500) for seed in range(5)]
    dummies, lengths = [], []
    for program in programs:
        dummy = np.array([int(row.split("_")[1]) >= 100 for row in program.rows])
        row_lengths = np.diff(program.starts)
        dummies.append(dummy.sum())
        # A dummy item joins the bids of a bidder that has three to six.
        assert row_lengths[dummy].min() >= 3
        assert row_lengths[dummy].max() <= 6
        real = np.repeat(~dummy, row_lengths)
        lengths.append(np.bincount(program.indices[real], minlength=500))
        assert program.objective.min() >= 0.0
    # Bundles have 1 + geometric(0.3) items for the bidder, more when weighted by substitutes.
    assert np.concatenate(lengths).min() == 1
    assert 3.0 < np.concatenate(lengths).mean() < 7.0
    # About 193 rows in the published easy instances: some 100 items and some 93 dummies.
    assert 60 < np.mean(dummies) < 130


@given(seed=st.integers(0, 1000), items=st.integers(2, 15), bids=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_any_size(seed: int, items: int, bids: int) -> None:
    if items < 12 and bids > 2 ** (items - 1):
        with pytest.raises(UserError, match="does not exist"):
            combinatorial_auction("p", Source(seed), items, bids)
        return
    program = combinatorial_auction("p", Source(seed), items, bids)
    assert len(program.columns) == bids
    assert set(program.indices.tolist()) == set(range(bids))  # every bid wants something
