"""Who stays in a race, who is called better, and who is kept of equals."""

import math

import numpy as np
import pytest

from kida.tuning.race import Contestant, _drop, p_value, standing, winners

FAST, SLOW, SAME = Contestant("fast", "f"), Contestant("slow", "s"), Contestant("same", "x")


def dropped(found: dict[Contestant, list[float]], **options) -> dict[str, str]:
    """Return who drops out with these logarithms of ratios, and why."""
    alive, ended = [*found], {}
    _drop(alive, {contestant.name: logs for contestant, logs in found.items()}, ended, **options)
    assert {c.name for c in alive} | {*ended} == {c.name for c in found}
    return ended


def test_who_is_far_behind_twice_is_given_up():
    assert dropped({FAST: [-0.1, -0.2], SLOW: [0.4, 0.5]}) == {"slow": "hopeless"}
    assert dropped({FAST: [-0.1], SLOW: [0.9]}) == {}
    assert dropped({FAST: [-0.1, -0.2], SLOW: [0.9, -0.1]}) == {}


def test_who_is_worse_than_the_best_drops_out():
    logs = [-0.5, -0.45, -0.55, -0.5]
    assert dropped({FAST: logs, SLOW: [-0.05, 0.03, -0.02, 0.01]}) == {"slow": "worse"}
    assert dropped({FAST: logs, SLOW: [-0.2, -0.9, -0.1, -0.8]}) == {}


def test_of_levers_that_combine_the_second_best_stays():
    found = {FAST: [-0.5, -0.45, -0.55, -0.5], SLOW: [-0.2, -0.21, -0.19, -0.2]}
    assert dropped(found) == {"slow": "worse"}
    assert dropped(found, rivals=False) == {}


def test_a_difference_that_matters_to_nobody_sends_nobody_home():
    assert dropped({FAST: [-0.51, -0.52, -0.53, -0.5], SLOW: [-0.5, -0.51, -0.52, -0.49]}) == {}


def test_who_is_worse_than_the_default_drops_out_even_if_nobody_is_better():
    assert dropped({SLOW: [0.1, 0.12, 0.09, 0.11]}) == {"slow": "worse"}
    assert dropped({SLOW: [0.1, -0.12, 0.09, 0.11]}) == {}


def test_what_changes_nothing_drops_out():
    assert dropped({SAME: [0.001, -0.002, 0.0, 0.003]}) == {"same": "no difference"}


def test_p_values_are_those_of_the_paired_t_test():
    from scipy.stats import ttest_1samp

    logs = np.random.default_rng(0).normal(-0.1, 0.3, 9).tolist()
    assert p_value(logs) == pytest.approx(ttest_1samp(logs, 0, alternative="less").pvalue)
    assert p_value([-1.0]) == 1.0
    assert p_value([0.0, 0.0, 0.0]) == 1.0


def test_a_winner_has_enough_draws_and_is_better_beyond_chance():
    sure = standing(FAST, [-0.5, -0.45, -0.55, -0.5])
    assert sure.better
    assert sure.ratio == pytest.approx(math.exp(-0.5))
    assert sure.interval[0] < sure.ratio < sure.interval[1]
    few = standing(FAST, [-0.5, -0.45, -0.55])
    unsure = standing(SAME, [-0.9, 0.5, -0.6, 0.8])
    gone = standing(SLOW, [-0.5, -0.45, -0.55, -0.5], "halved")
    assert [*winners([gone, unsure, few, sure])] == [sure]
    assert standing(SAME, []).ratio == 1
