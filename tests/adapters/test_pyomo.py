"""Pyomo with a policy: the same optimum, the policy branches, and solves a changed model again."""

import pytest

pyo = pytest.importorskip("pyomo.environ", reason="the extra pyomo is not installed")

from kida.adapters import pyomo as adapter
from kida.adapters.pyomo import KidaDirect, KidaPersistent
from kida.errors import UserError


def model_of(packing):
    model = pyo.ConcreteModel()
    count = len(packing.values)
    model.x = pyo.Var(range(count), domain=pyo.Binary)
    model.capacity = pyo.Param(initialize=packing.capacity, mutable=True)
    values, weights = packing.values.tolist(), packing.weights.tolist()
    model.value = pyo.Objective(
        expr=sum(values[j] * model.x[j] for j in range(count)), sense=pyo.maximize
    )
    model.rows = pyo.Constraint(
        range(len(weights)),
        rule=lambda m, i: sum(weights[i][j] * m.x[j] for j in range(count)) <= m.capacity,
    )
    return model


def test_the_optimum_is_the_same_and_the_policy_branches(packing, plain) -> None:
    model = model_of(packing)
    solver = KidaDirect("set_cover")
    for _ in range(2):  # each solve builds a model of its own
        results = solver.solve(model, solver_options=plain)
        assert results.incumbent_objective == pytest.approx(packing.optimum())
        assert pyo.value(model.value) == pytest.approx(packing.optimum())
        assert solver.brancher.statistics.decisions > 0


def test_a_model_that_changes_is_solved_again(packing, plain) -> None:
    model = model_of(packing)
    solver, before = KidaPersistent("set_cover"), 0
    for capacity in (packing.capacity, 600, 800, packing.capacity):
        model.capacity = capacity
        results = solver.solve(model, solver_options=plain)
        changed = type(packing)(packing.weights, packing.values, capacity)
        assert results.incumbent_objective == pytest.approx(changed.optimum())
        decisions = solver.brancher.statistics.decisions
        assert decisions > before
        before = decisions
    other = model_of(packing)
    first = solver.brancher
    assert solver.solve(other, solver_options=plain).incumbent_objective == pytest.approx(
        packing.optimum()
    )
    assert solver.brancher is not first
    assert solver.brancher.statistics.decisions > 0


def test_what_is_not_called_any_more_is_an_error(packing, monkeypatch) -> None:
    monkeypatch.delattr(adapter._Branched, "_create_solver_model")
    with pytest.raises(UserError, match="builds its SCIP models elsewhere"):
        KidaDirect("set_cover").solve(model_of(packing))
