"""The trajectory as it is stored: exact, and refused where it is none."""

import math
from dataclasses import replace

import numpy as np
import pytest
from pyscipopt import Model, quicksum

from kida.boundary import checked, plain, read_json, replaced, write_json
from kida.errors import UserError
from kida.evaluation.outcome import Outcome, Trajectory
from kida.evaluation.solving import outcome
from kida.instances.registry import instances
from kida.settings import Limits, named_settings
from kida.solver.solve import solve
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


@pytest.mark.parametrize(
    ("kind", "settings", "reason", "solved"),
    [
        ("infeasible", "default", "infeasible", True),
        ("unbounded", "default", "unbounded", True),
        ("unbounded", "competition", "infeasible or unbounded", False),
    ],
)
def test_outcomes_without_finite_bounds_are_recorded(tmp_path, kind, settings, reason, solved):
    model = Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", "I", ub=None) for i in range(3)]
    model.addCons(2 * x[0] - 2 * x[1] <= 5)
    if kind == "infeasible":
        model.addCons(2 * x[0] - 2 * x[1] + 2 * x[2] == 5)
    model.setObjective(quicksum(x), "maximize")
    model.writeProblem(str(tmp_path / "problem.mps"), verbose=False)
    (instance,) = instances(str(tmp_path / "problem.mps"))
    found = outcome(solve(instance, settings=settings))
    write_json(tmp_path / "outcome.json", checked(found))
    read = read_json(tmp_path / "outcome.json", Outcome, "an outcome")
    assert read == found
    assert (read.reason, read.solved) == (reason, solved)
    assert math.isinf(read.trajectory.bounds().dual[-1])


def test_a_gap_that_the_user_asks_for_is_an_end(knapsack):
    (instance,) = instances(str(knapsack))
    found = outcome(solve(instance, settings=named_settings("default").under({"limits/gap": 0.5})))
    assert (found.limit, found.solved) == ("gap", True)
    cut = outcome(solve(instance, "mostinf", limits=Limits(nodes=1)))
    assert (cut.limit, cut.solved) == ("nodes", False)
