"""The trajectory as it is stored: exact, and refused where it is none."""

import math
from dataclasses import replace

import numpy as np
import pytest

from kida.boundary import checked, plain, replaced
from kida.errors import UserError
from kida.evaluation.outcome import Trajectory
from kida.trajectory import BoundTrajectory


def test_trajectories_come_back_unchanged():
    bounds = BoundTrajectory.from_arrays(
        {
            "wall": [0.0, 1.0, 2.0],
            "cpu": [0.0, 0.5, 1.0],
            "dual": [-1e20, 1.0, 3.0],
            "primal": [1e20, 1e20, 9.0],
            "nodes": [0, 1, 2],
        },
        1.5,
        0.75,
        "minimize",
    )
    for original in (bounds, replace(bounds, root_end_wall=math.nan)):
        copy = checked(Trajectory.of(original)).bounds()
        for name in ("wall", "cpu", "dual", "primal", "nodes"):
            np.testing.assert_array_equal(getattr(copy, name), getattr(original, name))
        np.testing.assert_equal(copy.root_end_wall, original.root_end_wall)
        assert (copy.root_end_cpu, copy.sense) == (0.75, "minimize")


def test_a_trajectory_that_a_program_builds_is_checked():
    lists = {name: [0.0] for name in ("wall", "cpu", "dual", "primal")}
    good = Trajectory(sense="minimize", root_end_wall=None, root_end_cpu=None, nodes=[1], **lists)
    assert plain(good)["nodes"] == [1]
    with pytest.raises(UserError, match=r"primal\[0\] is inf"):
        replaced(good, primal=[math.inf])
    with pytest.raises(UserError, match=r"nodes\[0\] is -1"):
        replaced(good, nodes=[-1])
    with pytest.raises(ValueError, match="shape"):
        replaced(good, nodes=[1, 2])
