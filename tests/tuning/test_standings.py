"""Who is called better than SCIP's default, and whom more draws may show to be."""

import math

import numpy as np
import pytest

from kida.errors import UserError
from kida.tuning.standings import Contestant, near_winners, p_value, standing, winners

FAST, SLOW, SAME = Contestant("fast", "f"), Contestant("slow", "s"), Contestant("same", "x")


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


def test_those_near_winning_are_the_likeliest_first():
    unsure = standing(SAME, [-0.9, 0.5, -0.6, 0.8, -0.5])
    likely = standing(FAST, [-0.3, 0.05, -0.2, -0.02], "halved")
    worse = standing(SLOW, [-0.3, 0.01, -0.2, -0.02], "worse")
    untried = standing(Contestant("new", "n"), [], "no time")
    assert near_winners([unsure, worse, untried, likely], 3) == [FAST, SAME]
    assert near_winners([unsure, likely], 1) == [FAST]


def test_a_lever_that_is_none_is_refused():
    with pytest.raises(UserError, match="no lever 'warp'; choose of"):
        standing(Contestant("warp", "w", ("warp",)), [])
