"""Statistics against hand-computed values, published examples and known properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kida.evaluation.comparisons import (
    bootstrap_interval,
    compare_geometric,
    compare_paired,
    holm,
    performance_profile,
    shifted_geometric_mean,
)


def test_paired_comparison_by_hand():
    found = compare_paired([3.0, 5.0, 8.0, 2.0], [1.0, 6.0, 4.0, 2.0])
    assert found.instances == 4
    assert (found.mean, found.baseline_mean) == (4.5, 3.25)
    assert found.difference == 1.25
    assert found.relative == pytest.approx(1.25 / 3.25)
    assert (found.wins, found.losses) == (2, 1)
    # Every resampled mean lies between the least and the largest difference.
    assert -1 <= found.low <= found.difference <= found.high <= 4


def test_lower_can_be_better():
    found = compare_paired([1.0, 2.0], [2.0, 1.0 + 1e-13], higher_is_better=False)
    assert (found.wins, found.losses) == (1, 1)


def test_wilcoxon_agrees_with_the_exact_distribution():
    # All eight differences positive: the exact two-sided p-value is 2 / 2^8.
    found = compare_paired(np.arange(1.0, 9.0) ** 2, np.zeros(8))
    assert found.p_value == pytest.approx(2 / 2**8)


def test_equal_policies_do_not_differ():
    values = [1.0, 2.0, 3.0]
    found = compare_paired(values, values)
    assert (found.p_value, found.difference, found.low, found.high) == (1, 0, 0, 0)
    assert (found.wins, found.losses) == (0, 0)


def test_one_instance_has_no_interval():
    found = compare_paired([2.0], [1.0])
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.p_value == 1


@pytest.mark.parametrize(
    ("values", "baseline"), [([1.0], [1.0, 2.0]), ([], []), ([math.inf, 1.0], [1.0, 1.0])]
)
def test_what_cannot_be_paired_is_refused(values, baseline):
    with pytest.raises(ValueError, match=r"pair|finite"):
        compare_paired(values, baseline)


def test_geometric_comparison_by_hand():
    # Shifted by 1: geometric means of (2, 8) and (4, 16), which are 4 and 8.
    found = compare_geometric([1.0, 7.0], [3.0, 15.0], shift=1.0)
    assert (found.mean, found.baseline_mean) == pytest.approx((3.0, 7.0))
    assert found.ratio == pytest.approx(3 / 7)
    # A resample of the first instance alone has ratio 1/3, of the second alone 7/15.
    assert (found.low, found.high) == pytest.approx((1 / 3, 7 / 15))
    assert (found.instances, found.wins, found.losses) == (2, 2, 0)


def test_geometric_comparison_with_itself_and_of_nothing():
    same = compare_geometric([2.0, 3.0], [2.0, 3.0], shift=0.0)
    assert (same.ratio, same.low, same.high, same.p_value) == (1, 1, 1, 1)
    assert math.isinf(compare_geometric([1.0], [0.0], shift=1.0).ratio)
    with pytest.raises(ValueError, match="not above"):
        compare_geometric([0.0], [1.0], shift=0.0)


def test_bootstrap_is_close_to_theory_and_repeatable():
    sample = np.random.default_rng(1).normal(size=400)
    low, high = bootstrap_interval(sample)
    assert (low, high) == bootstrap_interval(sample)
    half = 1.96 * sample.std() / math.sqrt(400)
    assert (high - low) / 2 == pytest.approx(half, rel=0.05)
    narrow = bootstrap_interval(sample, confidence=0.5)
    assert low < narrow[0] < narrow[1] < high


def test_holm_by_hand():
    # 3 x 0.01, then max(that, 2 x 0.02), then max(that, 1 x 0.03).
    assert holm([0.02, 0.01, 0.03]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_order_and_never_lowers(p_values):
    adjusted = holm(p_values)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


def test_shifted_geometric_mean_by_hand():
    assert shifted_geometric_mean([0.0, 3.0], 1.0) == pytest.approx(1.0)
    assert shifted_geometric_mean([4.0, 9.0], 0.0) == pytest.approx(6.0)
    assert math.isnan(shifted_geometric_mean([], 1.0))
    with pytest.raises(ValueError, match="not above"):
        shifted_geometric_mean([0.0], 0.0)


def test_performance_profile_by_hand():
    profiles = performance_profile({"a": [1.0, 4.0, np.inf, np.inf], "b": [2.0, 2.0, 5.0, np.inf]})
    ratios, shares = profiles["a"]
    np.testing.assert_allclose(ratios, [1, 2])
    np.testing.assert_allclose(shares, [0.25, 0.5])
    ratios, shares = profiles["b"]
    np.testing.assert_allclose(ratios, [1, 1, 2])
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.75])
    with pytest.raises(ValueError, match="positive"):
        performance_profile({"a": [0.0], "b": [1.0]})
