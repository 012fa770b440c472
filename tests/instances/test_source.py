import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kida.instances.family import Instance
from kida.instances.source import Source


def test_a_stream_belongs_to_its_instance() -> None:
    place = ("set_cover", "easy", "valid", 3)
    streams = [Source.of(Instance("any name", *place)).random(4) for _ in range(2)]
    np.testing.assert_array_equal(streams[0], streams[1])
    for other in (
        ("set_cov", "easy", "valid", 3),
        ("set_cover", "hard", "valid", 3),
        ("set_cover", "easy", "train", 3),
        ("set_cover", "easy", "valid", 4),
    ):
        assert not np.any(Source.of(Instance("any name", *other)).random(4) == streams[0])


def test_the_stream_is_that_of_every_other_machine() -> None:
    # Typed in: a change here would silently change every instance of every synthetic family.
    source = Source(2022)
    assert source.random(2).tolist() == [0.24742606345259932, 0.0929900616754864]
    assert source.integers(1, 100, 5).tolist() == [62, 7, 67, 76, 12]
    assert source.permutation(6).tolist() == [0, 4, 1, 5, 3, 2]
    assert source.weighted(np.array([0.0, 1.0, 3.0])) == 1


@given(low=st.integers(-5, 5), span=st.integers(0, 7), seed=st.integers(0, 2**130))
def test_integers_reach_both_ends_and_no_further(low: int, span: int, seed: int) -> None:
    drawn = Source(seed).integers(low, low + span, 400)
    assert set(drawn.tolist()) == set(range(low, low + span + 1))


def test_weighted_follows_the_weights() -> None:
    source = Source(1)
    weights = np.array([0.0, 1.0, 0.0, 3.0, 0.0])
    counts = np.bincount([source.weighted(weights) for _ in range(4000)], minlength=5)
    assert counts[[0, 2, 4]].tolist() == [0, 0, 0]
    assert counts[3] / 4000 == pytest.approx(0.75, abs=0.03)
