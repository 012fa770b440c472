"""The whole problem as a graph, before the solve and in it."""

import numpy as np
import pytest
from pyscipopt import SCIP_PARAMSETTING, Model

from kida import _core
from kida.env.observation import ProblemVariableFeature as V
from kida.env.observation import StaticGraph


def small() -> Model:
    model = Model()
    model.hideOutput()
    x = model.addVar("x", vtype="B", obj=3)
    y = model.addVar("y", vtype="I", lb=-2, ub=5, obj=-1)
    z = model.addVar("z", lb=None)
    model.addCons(x + 2 * y >= 1)
    model.addCons((3 * y - z <= 4) >= -4)
    model.addCons(x - z == 2)
    return model


def dense(graph) -> np.ndarray:
    matrix = np.zeros((len(graph.bias), len(graph.variable_features)))
    matrix[tuple(graph.edge_indices)] = graph.edge_values
    return matrix


def test_a_problem_before_its_solve():
    model = small()
    graph = StaticGraph().extract(model, False)
    assert graph.variable_features.tolist() == [
        [3, 1, 0, 0, 0, 1, 1, 0, 1],
        [-1, 0, 1, 0, 0, 1, 1, -2, 5],
        [0, 0, 0, 0, 1, 0, 0, 0, 0],
    ]
    assert dense(graph).tolist() == [
        [-1, -2, 0],
        [0, -3, 1],
        [0, 3, -1],
        [-1, 0, 1],
        [1, 0, -1],
    ]
    assert graph.bias.tolist() == [-1, 4, 4, -2, 2]
    assert graph.left_out == 0
    model.free()


def test_a_maximisation_is_negated_and_what_is_not_linear_is_left_out():
    model = small()
    x, y, _ = model.getVars()
    model.addCons(x * x + y * y * y <= 20)
    model.setObjective(3 * x - y, "maximize")
    graph = StaticGraph().extract(model, False)
    assert graph.variable_features[:, V.OBJECTIVE].tolist() == [-3, 1, 0]
    assert (graph.left_out, len(graph.bias)) == (1, 5)
    model.free()


@pytest.mark.parametrize("problem", ["maximisation", "minimisation", "infeasible children"])
def test_in_the_solve_it_holds_the_lps_solution(observe, problem):
    """The presolved problem: every LP solution is within its bounds and its constraints."""
    function = StaticGraph()

    def look(model):
        graph = function.extract(model, False)
        solution = np.array([v.getLPSol() for v in model.getVars(transformed=True)])
        objective = graph.variable_features[:, V.OBJECTIVE] @ solution
        return graph, solution, objective - model.getLPObjVal()

    solve = observe(problem, function, look, nodes=10)
    offsets = [offset for *_, offset in solve.observed]
    for graph, solution, _ in solve.observed:
        features = graph.variable_features
        assert len(features) == len(solution)
        assert (features[:, V.IS_TYPE_BINARY : V.IS_TYPE_CONTINUOUS + 1].sum(axis=1) == 1).all()
        assert (dense(graph) @ solution <= graph.bias + 1e-6).all()
        bounded = features[:, V.HAS_UPPER_BOUND] == 1
        assert (solution[bounded] <= features[bounded, V.UPPER_BOUND] + 1e-6).all()
    # The objective is the LP's, but for a constant.
    np.testing.assert_allclose(offsets, offsets[0], atol=1e-6)


def test_before_and_after_presolving_without_presolving_it_is_the_same():
    model = small()
    model.setPresolve(SCIP_PARAMSETTING.OFF)
    before = StaticGraph().extract(model, False)
    model.presolve()
    after = StaticGraph().extract(model, False)
    np.testing.assert_array_equal(before.variable_features[:, :5], after.variable_features[:, :5])
    for row, side in zip(dense(after), after.bias, strict=True):
        same = (dense(before) == row).all(axis=1) & np.isclose(before.bias, side)
        assert same.sum() == 1
    model.free()


def test_there_must_be_a_problem():
    model = small()
    model.optimize()
    with pytest.raises(RuntimeError, match="no problem to observe"):
        StaticGraph().extract(model, False)
    model.free()


def test_the_native_list_is_this_one():
    native = [(feature.name.upper(), feature.value) for feature in _core.ProblemVariableFeature]
    assert native == [(feature.name, feature.value) for feature in V]
