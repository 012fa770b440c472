"""The trajectory as data: checks and step values."""

import math
from dataclasses import replace

import numpy as np
import pytest

from kida.trajectory import BoundTrajectory, step_values, with_infinities


@pytest.fixture
def trajectory() -> BoundTrajectory:
    return BoundTrajectory.from_arrays(
        {
            "wall": [0.0, 1.0, 2.0, 2.0, 4.0],
            "cpu": [0.0, 0.5, 1.0, 1.0, 2.0],
            "dual": [-1e20, 1.0, 3.0, 4.0, 4.0],
            "primal": [1e20, 1e20, 9.0, 9.0, 8.0],
            "nodes": [0, 1, 1, 2, 9],
        },
        1.5,
        0.75,
        "minimize",
    )


def test_bounds_are_right_continuous_step_functions(trajectory):
    at = trajectory.dual_at([-1.0, 0.5, 1.0, 1.99, 2.0, 3.0, 99.0])
    np.testing.assert_array_equal(at, [-np.inf, -np.inf, 1, 1, 4, 4, 4])
    np.testing.assert_array_equal(trajectory.dual_at([0.5, 1.0], clock="cpu"), [1, 4])


def test_scip_infinities_become_infinite(trajectory):
    assert trajectory.dual[0] == -math.inf
    assert trajectory.primal[0] == math.inf
    np.testing.assert_array_equal(with_infinities([1e20, -2e20, 1e19]), [np.inf, -np.inf, 1e19])


def test_without_branching_the_root_ends_with_the_solve(trajectory):
    assert trajectory.root_end() == 1.5
    assert trajectory.root_end("cpu") == 0.75
    rooted = replace(trajectory, root_end_wall=math.nan, root_end_cpu=math.nan)
    assert rooted.root_end() == 4.0
    assert rooted.root_end("cpu") == 2.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wall": np.array([0.0, 2, 1, 3, 4])}, "wall decreases"),
        ({"wall": np.array([0.0, 1, np.nan, 3, 4])}, "not a number"),
        ({"wall": np.arange(2.0, 7.0)}, "after the root node ended, by its wall clock"),
        ({"root_end_cpu": -1.0}, "after the root node ended, by its cpu clock"),
        ({"dual": np.zeros(4)}, "dual has shape"),
        ({"primal": np.full(5, np.nan)}, "primal holds NaN"),
        ({"sense": "min"}, "sense"),
        ({name: np.zeros(0) for name in ("wall", "cpu", "dual", "primal", "nodes")}, "one event"),
    ],
)
def test_nonsense_is_refused(trajectory, change, message):
    with pytest.raises(ValueError, match=message):
        replace(trajectory, **change)


def test_step_values_keep_the_shape_asked_for():
    values = step_values(np.array([1.0]), np.array([5.0]), np.array([[0.0, 1.0]]), before=2.0)
    np.testing.assert_array_equal(values, [[2.0, 5.0]])
