"""Where the time of a solve went: parts of SCIP's clocks that add up to the whole."""

import pytest

from kida.instances.registry import instances
from kida.settings import Limits
from kida.solver.solve import solve
from kida.solver.time_split import PARTS, time_split


def test_the_parts_add_up_to_the_solve():
    result = solve(instances("combinatorial_auction", count=1)[0], limits=Limits(nodes=20))
    assert tuple(result.time_split) == PARTS
    assert all(seconds >= 0 for seconds in result.time_split.values())
    assert result.time_split["strong branching"] == result.strong_branching_time > 0
    assert sum(result.time_split.values()) == pytest.approx(result.wall_time, rel=0.3, abs=0.05)


def test_a_solve_that_came_to_nothing_has_spent_nothing():
    assert time_split({}) == dict.fromkeys(PARTS, 0.0)


def test_what_is_counted_nowhere_is_the_rest():
    found = time_split(
        {
            "timing": {"solving_time": 10.0, "presolving_time": 1.0},
            "lp": {"dual_lp": {"time": 2.0}, "strongbranch_lp": {"time": 3.0}},
            "heuristics": {"plugins": {"rins": {"time": 0.5, "setup_time": 0.25}, "odd": 3}},
        }
    )
    assert found["lp"] == 2.0
    assert found["heuristics"] == 0.75
    assert found["rest"] == 3.25
