"""The score against hand-computed step functions, and a direct reading of the definition."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kida.reward import (
    ScoringRule,
    cumulated_reward,
    dual_integral,
    gap_seconds,
    primal_dual_integral,
    seconds_behind,
    starting_bound,
)
from kida.trajectory import BoundTrajectory


def trajectory(wall, dual, *, primal=None, root_end=math.nan, sense="minimize", cpu=None):
    none = 1e20 if sense == "minimize" else -1e20
    return BoundTrajectory.from_arrays(
        {
            "wall": wall,
            "cpu": wall if cpu is None else cpu,
            "dual": dual,
            "primal": [none] * len(wall) if primal is None else primal,
            "nodes": range(len(wall)),
        },
        root_end,
        root_end,
        sense,
    )


def test_time_counts_from_the_end_of_the_root():
    # In force at the root's end (2): 5. Then 6 from 3, 8 from 5; the limit falls at 2 + 10.
    path = trajectory([0, 1, 3, 5, 14], [-1e20, 5, 6, 8, 9], root_end=2)
    assert cumulated_reward(path, ScoringRule(10)) == 5 * 1 + 6 * 2 + 8 * 7


def test_the_floor_lifts_worse_bounds():
    path = trajectory([0, 1, 3, 5, 14], [-1e20, 5, 6, 8, 9], root_end=2)
    assert cumulated_reward(path, ScoringRule(10, initial_dual_bound=7)) == 7 * 3 + 8 * 7


def test_an_early_end_is_held():
    path = trajectory([0, 1, 3, 4], [-1e20, 5, 8, 10], root_end=2)
    assert cumulated_reward(path, ScoringRule(900)) == 5 * 1 + 8 * 1 + 10 * 898


def test_maximisation_mirrors():
    lower = trajectory([0, 1, 3, 5], [-1e20, -9, -7, -6], root_end=1, primal=[1e20, 0, -1, -6])
    upper = trajectory(
        [0, 1, 3, 5], [1e20, 9, 7, 6], root_end=1, primal=[-1e20, 0, 1, 6], sense="maximize"
    )
    for measure in (cumulated_reward, primal_dual_integral):
        assert measure(lower, ScoringRule(6, -8, 2)) == measure(upper, ScoringRule(6, 8, -2))
    assert cumulated_reward(upper, ScoringRule(6, 8)) == -8 * 2 - 7 * 2 - 6 * 2
    assert dual_integral(upper, ScoringRule(6), 6) == 3 * 2 + 1 * 2 + 0


def test_a_solve_that_never_branched_holds_its_final_bound():
    path = trajectory([0, 1, 3], [-1e20, 5, 8])
    assert cumulated_reward(path, ScoringRule(100)) == 800


def test_solved_in_presolving():
    assert cumulated_reward(trajectory([0.5], [3.0]), ScoringRule(10)) == 30


def test_proven_infeasible_counts_as_the_objective_limit():
    path = trajectory([0, 1, 4], [-1e20, 5, 1e20], root_end=1)
    rule = ScoringRule(10, initial_dual_bound=2, initial_primal_bound=7)
    assert cumulated_reward(path, rule) == 5 * 3 + 7 * 7
    assert primal_dual_integral(path, rule) == 2 * 3
    assert dual_integral(path, rule, best_known=7) == 2 * 3


def test_infeasible_without_any_known_bound_is_infinitely_good():
    path = trajectory([0, 1, 4], [-1e20, 5, 1e20], root_end=1)
    assert cumulated_reward(path, ScoringRule(10)) == math.inf


def test_infeasible_files_have_scores_that_are_numbers():
    # At once: both bounds are infinite, and there is nothing between them.
    for sense, none in (("minimize", 1e20), ("maximize", -1e20)):
        path = trajectory([0.5], [none], primal=[none], sense=sense)
        assert cumulated_reward(path, ScoringRule(10)) == math.inf
        assert primal_dual_integral(path, ScoringRule(10)) == 0
        assert dual_integral(path, ScoringRule(10), best_known=none * math.inf) == 0
        assert starting_bound(path, None, None) == math.inf
    # After a search, of which the first part was between a bound and nothing.
    path = trajectory([0, 1, 4], [-1e20, 5, 1e20], root_end=1, primal=[1e20] * 3)
    assert primal_dual_integral(path, ScoringRule(10)) == math.inf
    assert dual_integral(path, ScoringRule(10), best_known=math.inf) == math.inf
    # Nothing was known at the root's end, all of it later.
    path = trajectory([0, 1, 4], [-1e20, -1e20, 1e20], root_end=1)
    assert cumulated_reward(path, ScoringRule(10)) == -math.inf
    assert cumulated_reward(path, ScoringRule(10, initial_dual_bound=2)) == math.inf


def test_the_starting_bound_is_the_one_in_force_at_the_roots_end():
    # Also if it changes within a millionth of a second, or at that very instant.
    path = trajectory([0, 1, 2 + 1e-9, 5], [-1e20, 5, 6, 8], root_end=2)
    assert starting_bound(path, None, None) == 5
    assert starting_bound(path, 5.5, None) == 5.5
    assert starting_bound(trajectory([0, 1, 2], [-1e20, 5, 6], root_end=2), None, None) == 6
    assert starting_bound(trajectory([0, 1, 2], [-1e20, 5, 6]), None, None) == 6
    assert starting_bound(trajectory([0, 3], [-1e20, 5], root_end=2), None, None) == -math.inf
    upper = trajectory([0, 1, 3], [1e20, 5, 4], root_end=2, sense="maximize")
    assert starting_bound(upper, None, None) == -5


def test_infeasible_after_the_limit_does_not_count():
    path = trajectory([0, 1, 40], [-1e20, 5, 1e20], root_end=1)
    assert cumulated_reward(path, ScoringRule(10)) == 50


def test_the_offset_is_subtracted():
    path = trajectory([0, 1, 3], [-1e20, 5, 8], root_end=1)
    rule = ScoringRule(10, objective_offset=4)
    assert cumulated_reward(path, rule) == 1 * 2 + 4 * 8
    assert dual_integral(path, rule, best_known=9) == 4 * 2 + 1 * 8


def test_integrals_add_up():
    path = trajectory([0, 1, 3, 5], [-1e20, 5, 6, 8], root_end=2)
    rule = ScoringRule(10)
    assert dual_integral(path, rule, 9) == 9 * 10 - cumulated_reward(path, rule)


def test_primal_dual_integral_by_hand():
    path = trajectory([0, 1, 3, 5], [-1e20, 5, 6, 8], root_end=2, primal=[1e20, 20, 12, 8])
    assert primal_dual_integral(path, ScoringRule(10)) == 15 * 1 + 6 * 2 + 0
    assert primal_dual_integral(path, ScoringRule(10, initial_primal_bound=10)) == 5 + 4 * 2
    unsolved = trajectory([0, 1, 3], [-1e20, 5, 6], root_end=2)
    assert primal_dual_integral(unsolved, ScoringRule(10)) == math.inf


def test_the_cpu_clock_can_be_used():
    path = trajectory([0, 2, 6], [-1e20, 5, 6], root_end=2, cpu=[0, 1, 3])
    path = replace(path, root_end_cpu=1.0)
    assert cumulated_reward(path, ScoringRule(10), "wall") == 5 * 4 + 6 * 6
    assert cumulated_reward(path, ScoringRule(10), "cpu") == 5 * 2 + 6 * 8


@pytest.mark.parametrize("limit", [0, -1, math.inf, math.nan])
def test_the_limit_must_be_positive_and_finite(limit):
    with pytest.raises(ValueError, match="time limit"):
        ScoringRule(limit)


def by_definition(wall, dual, root_end, limit, floor, offset, sense):
    """Add up rectangle after rectangle, straight from the definition."""
    instants = sorted({root_end, root_end + limit, *(t for t in wall if t > root_end)})
    instants = [t for t in instants if t <= root_end + limit]
    total = 0.0
    for left, right in itertools.pairwise(instants):
        bound = [d for t, d in zip(wall, dual, strict=True) if t <= left][-1]
        if sense == "minimize":
            total += (right - left) * (max(bound, floor) - offset)
        else:
            total -= (right - left) * (min(bound, floor) - offset)
    return total


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.001, 50), st.floats(-1e4, 1e4)), min_size=1, max_size=30),
    st.floats(0.01, 1),
    st.floats(0.1, 900),
    st.floats(-1e4, 1e4),
    st.floats(-10, 10),
    st.sampled_from(["minimize", "maximize"]),
)
def test_agrees_with_a_direct_reading_of_the_definition(steps, root, limit, floor, offset, sense):
    wall = [0.0, *np.cumsum([gap for gap, _ in steps]).tolist()]
    dual = [0.5, *(bound for _, bound in steps)]
    root_end = root * wall[-1]
    path = trajectory(wall, dual, root_end=root_end, sense=sense)
    found = cumulated_reward(path, ScoringRule(limit, floor, objective_offset=offset))
    expected = by_definition(wall, dual, root_end, limit, floor, offset, sense)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_seconds_behind_count_from_the_worst_start_to_the_best_end():
    low = trajectory([0, 1, 4, 9], [-1e20, 2, 4, 4], root_end=1)
    high = trajectory([0, 2, 9], [-1e20, 4, 10], root_end=2)
    # The span is from 2 to 10; the first one is at 2 for three seconds, and then at a quarter.
    assert seconds_behind([low, high], ScoringRule(10), False) == [4 + 6 * 3 / 4, 2 + 7 * 3 / 4]
    assert seconds_behind([low, high], ScoringRule(7), True) == [3 + 4 * 3 / 4, 7 * 3 / 4]
    mirrored = [
        trajectory(path.wall, -path.dual, root_end=path.root_end_wall, sense="maximize")
        for path in (low, high)
    ]
    for paths in ([low, high], mirrored):
        assert seconds_behind(paths, ScoringRule(10), False) == [8.5, 7.25]
    # What is known beforehand counts as reached.
    floor = ScoringRule(10, initial_dual_bound=6)
    assert seconds_behind([low, high], floor, False) == [10, 9]


def test_seconds_behind_without_a_bound():
    none = trajectory([0, 5], [-1e20, -1e20])
    some = trajectory([0, 1, 5], [-1e20, 2, 4], root_end=1)
    assert seconds_behind([none, none], ScoringRule(5), False) == [5, 5]
    assert seconds_behind([none, some], ScoringRule(10), False) == [10, 5]
    # A proof that there is no solution is as good as the best bound.
    infeasible = trajectory([0, 1, 3], [-1e20, 2, 1e20], root_end=1)
    assert seconds_behind([infeasible, some], ScoringRule(10), False) == [3, 5]


def test_gap_seconds_by_hand():
    path = trajectory([0, 2, 3, 4, 6], [-1e20, -2, 2, 4, 8], primal=[1e20, 1e20, 8, 8, 8])
    # No bound, then no solution, a gap of 3/4 and one of a half, and then none.
    assert gap_seconds(path, ScoringRule(10), False) == 3 + 3 / 4 + 2 / 2
    opposite = trajectory([0, 1, 3], [-1e20, -5, 0], primal=[1e20, 5, 0])
    assert gap_seconds(opposite, ScoringRule(10), False) == 3
    assert gap_seconds(path, ScoringRule(10, initial_primal_bound=4), False) == 3 + 1 / 2
    infeasible = trajectory([0, 1, 3], [-1e20, 2, 1e20])
    assert gap_seconds(infeasible, ScoringRule(10), False) == 3
    upper = trajectory(path.wall, -path.dual, primal=-path.primal, root_end=3, sense="maximize")
    assert gap_seconds(upper, ScoringRule(10), True) == 3 / 4 + 2 / 2
