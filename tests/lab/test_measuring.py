"""Rewards of a population: real solves, one policy of which SCIP refuses."""

import numpy as np
import pytest

from kida.instances.registry import instances
from kida.jobs.run import ONE_AT_A_TIME
from kida.lab.measuring import known_mean, measure_all, plain_rows
from kida.learning.plan import Draw


@pytest.mark.slow
def test_what_fails_costs_its_policy_alone_and_is_not_done_again(tmp_path, knapsack, make_policy):
    (instance,) = instances(str(knapsack), "train")
    draws = [Draw(instance, seed) for seed in (0, 1)]
    policies = [make_policy(0, parameters={"branching/scorefac": 7.0}), make_policy(1)]
    told: list[tuple[int, int]] = []

    def measured():
        return measure_all(
            policies,
            draws,
            "competition",
            0.2,
            tmp_path / "work",
            ONE_AT_A_TIME,
            lambda *progress: told.append(progress),
        )

    solves = measured()
    assert told == [(number, 4) for number in (1, 2, 3, 4)]
    assert solves.rewards.shape == solves.roots.shape == (2, 2)
    assert np.isnan([solves.rewards[0], solves.roots[0]]).all()
    assert (solves.rewards[1] >= solves.roots[1]).all()
    assert [(entry["point"], entry["seed"]) for entry in solves.errors] == [(0, 0), (0, 1)]
    assert all("SCIP refuses branching/scorefac" in entry["error"] for entry in solves.errors)
    told.clear()
    again = measured()
    assert not told
    np.testing.assert_array_equal(again.rewards, solves.rewards)
    assert again.errors == solves.errors


def test_json_has_no_nan():
    values = np.array([[1.0, np.nan], [3.0, 2.0]])
    assert plain_rows(values) == [[1.0, None], [3.0, 2.0]]
    assert known_mean(values) == pytest.approx(2.0)
    assert known_mean(values[:0]) is None
