"""Statistics against hand-computed values, published examples and known properties."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kida.evaluation.comparisons import (
    compare_geometric,
    compare_paired,
    detectable_ratio,
    holm,
    mean_interval,
    performance_profile,
    ratio_interval,
    shifted_geometric_mean,
    spread_of,
)


def test_paired_comparison_by_hand():
    found = compare_paired([3.0, 5.0, 8.0, 2.0], [1.0, 6.0, 4.0, 2.0])
    assert found.instances == 4
    assert (found.mean, found.baseline_mean) == (4.5, 3.25)
    assert found.difference == 1.25
    assert found.relative == pytest.approx(1.25 / 3.25)
    assert (found.wins, found.losses) == (2, 1)
    # Differences 2, -1, 4, 0: s² = 59/12, and 3.1824 is Student's quantile for 3 degrees.
    half = 3.182446 * math.sqrt(59 / 12 / 4)
    assert (found.low, found.high) == pytest.approx((1.25 - half, 1.25 + half))


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
    # Logarithms of the shifted values differ from their means by ∓ln 2; the logarithm of the mean
    # less the shift moves 4/3, and 8/7, times as much as that of the shifted mean.
    half = 12.7062 * (4 / 3 - 8 / 7) * math.log(2)
    assert math.log(found.low * 7 / 3) == pytest.approx(-half, rel=1e-5)
    assert math.log(found.high * 7 / 3) == pytest.approx(half, rel=1e-5)
    assert (found.instances, found.wins, found.losses) == (2, 2, 0)


def test_geometric_comparison_with_itself_and_of_nothing():
    same = compare_geometric([2.0, 3.0], [2.0, 3.0], shift=0.0)
    assert (same.ratio, same.low, same.high, same.p_value) == (1, 1, 1, 1)
    assert math.isinf(compare_geometric([1.0], [0.0], shift=1.0).ratio)
    with pytest.raises(ValueError, match="not above"):
        compare_geometric([0.0], [1.0], shift=0.0)


def test_without_a_shift_a_ratios_interval_is_students_of_the_logarithms():
    new, old = [2.0, 3.0, 4.0, 9.0], [3.0, 5.0, 4.0, 20.0]
    expected = np.exp(mean_interval(np.log(np.divide(new, old))))
    assert ratio_interval(new, old, 0.0) == pytest.approx(tuple(expected))


def test_the_interval_belongs_to_the_ratio_that_is_printed():
    # Ten times the shift apart or far below it, a policy that halves every time halves their mean.
    for scale in (0.001, 1.0, 1000.0):
        old = scale * np.linspace(1, 2, 10)
        found = compare_geometric(old / 2, old, shift=1.0)
        assert found.low <= found.ratio <= found.high
        assert found.low == pytest.approx(0.5, rel=0.1)
        assert found.high == pytest.approx(0.5, rel=0.1)


def test_intervals_that_cannot_be_made():
    assert all(map(math.isnan, ratio_interval([1.0], [2.0], 1.0)))
    assert all(map(math.isnan, ratio_interval([0.0, 0.0], [1.0, 2.0], 1.0)))
    assert ratio_interval([1e-9, 1e30], [1e30, 1e-9], 1e-9)[1] == math.inf
    assert mean_interval([3.0, 3.0]) == (3.0, 3.0)


def test_intervals_cover_as_often_as_they_say():
    generator = np.random.default_rng(1)
    for confidence in (0.5, 0.95):
        intervals = [mean_interval(row, confidence) for row in generator.normal(size=(1000, 8))]
        covered = np.mean([low <= 0 <= high for low, high in intervals])
        assert covered == pytest.approx(confidence, abs=4 * math.sqrt(0.25 / 1000))


def test_ties_have_one_p_value():
    # The same sizes, so that no exact table applies, and too many signs to try them all.
    differences = np.tile([1.0, -1.0, 2.0, 2.0], 5)
    p_values = {compare_paired(differences, np.zeros(20)).p_value for _ in range(3)}
    assert len(p_values) == 1
    # All four signs alike: 2 / 2^4, equal sizes or not, and instances without a difference aside.
    tied = compare_paired([1.0, 1.0, 1.0, 1.0, 0.0], np.zeros(5))
    assert tied.p_value == pytest.approx(2 / 2**4)


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


@pytest.mark.parametrize(("count", "quantile"), [(5, 2.776), (10, 2.262), (20, 2.093)])
def test_a_detectable_ratio_is_proven_four_times_in_five(count, quantile):
    ratio = detectable_ratio(0.3, count)
    drawn = np.random.default_rng(count).normal(math.log(ratio), 0.3, (100_000, count))
    ends = drawn.mean(axis=1) + quantile * drawn.std(axis=1, ddof=1) / math.sqrt(count)
    assert 0.785 < np.mean(ends < 0) < 0.805


def test_the_spread_is_that_of_the_logarithms():
    logs = np.array([-0.5, -0.1, -0.9, -0.4])
    low, high = np.exp(mean_interval(logs))
    assert spread_of((low, high), 4) == pytest.approx(logs.std(ddof=1))
