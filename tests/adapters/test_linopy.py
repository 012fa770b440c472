"""linopy with a policy: the same optimum, the policy branches, and the model has its values."""

import re

import numpy as np
import pytest

linopy = pytest.importorskip("linopy", reason="the extra linopy is not installed")

from kida.adapters.linopy import solve
from kida.errors import UserError


def model_of(packing):
    model = linopy.Model()
    count = len(packing.values)
    model.add_variables(lower=0, upper=3, coords=[range(4)], name="unused")
    x = model.add_variables(binary=True, coords=[range(count)], name="x")
    for row in packing.weights:
        model.add_constraints((row * x).sum() <= packing.capacity)
    model.add_objective((packing.values * x).sum(), sense="max")
    return model


def test_the_optimum_is_the_same_and_the_policy_branches(packing, plain) -> None:
    model = model_of(packing)
    statistics = solve(model, "set_cover", parameters=plain)
    assert statistics.decisions > 0
    assert (model.status, model.termination_condition) == ("ok", "optimal")
    assert model.objective.value == pytest.approx(packing.optimum())
    found = model.variables["x"].solution.to_numpy()
    assert packing.values @ found == pytest.approx(packing.optimum())
    assert (packing.weights @ found <= packing.capacity + 1e-6).all()
    twin = model_of(packing)
    twin.solve("scip", io_api="lp", progress=False)
    assert twin.objective.value == pytest.approx(packing.optimum())
    assert twin.variables["x"].solution.shape == found.shape


def test_problems_without_a_solution_say_so(packing) -> None:
    model = model_of(packing)
    model.add_constraints(model.variables["x"].sum() >= 31)
    assert solve(model, "set_cover").decisions == 0
    assert (model.status, model.termination_condition) == ("warning", "infeasible")
    limited = model_of(packing)
    solve(limited, "set_cover", parameters={"limits/time": 0})
    assert limited.termination_condition == "time_limit"
    assert not limited.objective.value > packing.optimum()


def test_a_solve_that_finds_nothing_keeps_nothing_of_the_one_before(packing) -> None:
    model = model_of(packing)
    solve(model, "set_cover")
    assert model.objective.value == pytest.approx(packing.optimum())
    model.add_constraints(model.variables["x"].sum() >= 31)
    solve(model, "set_cover")
    assert model.termination_condition == "infeasible"
    assert np.isnan(model.objective.value)
    assert "solution" not in model.variables["x"].data
    with pytest.raises(UserError, match="SCIP refuses no/such"):
        solve(model, "set_cover", parameters={"no/such": 1})


def test_other_names_in_the_file_are_an_error(packing, monkeypatch) -> None:
    write = linopy.Model.to_file

    def renamed(self, file, **options) -> None:
        write(self, file, **options)
        file.write_text(re.sub(r"\bx(\d)", r"y\1", file.read_text()))

    monkeypatch.setattr(linopy.Model, "to_file", renamed)
    with pytest.raises(UserError, match="names variables in another way"):
        solve(model_of(packing), "set_cover")
