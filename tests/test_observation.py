"""The observation against Ecole's, against a recomputation through PySCIPOpt, and its layout."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyscipopt import SCIP_PARAMSETTING, Model
from pyscipopt.scip import PY_SCIP_BRANCHDIR

from kida import _core
from kida.instances.registry import instances
from kida.observation import (
    NETWORK_VARIABLE_FEATURES,
    CandidateFeature,
    Observation,
    RowFeature,
    VariableFeature,
)
from kida.solver.branching import attach_callable, observe_candidates
from kida.solver.problem import open_model

R, V, C = RowFeature, VariableFeature, CandidateFeature
NODES = 5
# What Ecole's golden runs switch off; they also had heuristics and restarts off.
BARE = {
    "presolving/maxrounds": 0,
    "separating/maxrounds": 0,
    "separating/maxroundsroot": 0,
    "propagating/maxrounds": 0,
    "propagating/maxroundsroot": 0,
    "conflict/enable": False,
    "estimation/restarts/restartpolicy": "n",
}


def bare(model: Model) -> Model:
    """Switch off everything that could change the LP between SCIP versions."""
    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParams(BARE)
    return model


def item_placement_9900() -> Model:
    (instance,) = instances("item_placement", split="valid", start=0, count=1)
    return open_model(instance)


def observe_nodes(model: Model, actions: list[str] | None = None) -> list[dict[str, Any]]:
    """Observe the first nodes, branching on the named variables (or the first candidates)."""
    nodes: list[dict[str, Any]] = []

    def branch(observation: Observation, candidates: np.ndarray) -> int:
        variables = model.getVars(transformed=True)
        names = [variable.name for variable in variables]
        node = {
            "observation": observation,
            "names": names,
            "values": np.array([variable.getLPSol() for variable in variables]),
            "objective": model.getLPObjVal(),
            "rows": recomputed_rows(model, names),
            "variables": recomputed_variables(model, variables),
        }
        nodes.append(node)
        if len(nodes) == NODES:
            model.interruptSolve()
        if actions is None:
            return 0
        return list(candidates).index(names.index(actions[len(nodes) - 1]))

    attach_callable(model, branch, candidates="unfixed")
    model.optimize()
    model.free()
    assert len(nodes) == NODES
    return nodes


def recomputed_variables(model: Model, variables: list[Any]) -> np.ndarray:
    """The variable features from PySCIPOpt's own getters: an oracle that needs no file."""
    norm = np.sqrt(sum(variable.getObj() ** 2 for variable in variables)) or 1.0
    features = np.full((len(variables), len(V)), np.nan)
    types = {"BINARY": 1, "INTEGER": 2, "IMPLINT": 3, "CONTINUOUS": 4}
    basis = {"lower": 15, "basic": 16, "upper": 17, "zero": 18}
    for row, variable in zip(features, variables, strict=True):
        column, value = variable.getCol(), variable.getLPSol()
        lower, upper = variable.getLbLocal(), variable.getUbLocal()
        row[:] = 0.0
        row[V.OBJECTIVE] = variable.getObj() / norm
        row[types[variable.vtype()]] = 1.0
        row[V.HAS_LOWER_BOUND] = not model.isInfinity(-lower)
        row[V.HAS_UPPER_BOUND] = not model.isInfinity(upper)
        row[V.NORMED_REDUCED_COST] = model.getVarRedcost(variable) / norm
        row[V.SOLUTION_VALUE] = value
        row[V.SOLUTION_FRAC] = 0 if variable.vtype() == "CONTINUOUS" else model.feasFrac(value)
        row[V.IS_SOLUTION_AT_LOWER_BOUND] = model.isEQ(value, lower)
        row[V.IS_SOLUTION_AT_UPPER_BOUND] = model.isEQ(value, upper)
        row[V.SCALED_AGE] = column.getAge() / (model.getNLPs() + 5)
        row[V.INCUMBENT_VALUE] = row[V.AVERAGE_INCUMBENT_VALUE] = np.nan
        row[basis[column.getBasisStatus()]] = 1.0
    return features


def recomputed_rows(model: Model, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Row features and the dense matrix of edge values from PySCIPOpt's own getters."""
    position = {name: j for j, name in enumerate(names)}
    objective = np.array([variable.getObj() for variable in model.getVars(transformed=True)])
    norm = np.linalg.norm(objective) or 1.0
    features, edges = [], []
    for row in model.getLPRowsData():
        coefficients = np.zeros(len(names))
        for column, value in zip(row.getCols(), row.getVals(), strict=True):
            coefficients[position[column.getVar().name]] = value
        row_norm = np.linalg.norm(coefficients) or 1.0
        activity = coefficients @ [v.getLPSol() for v in model.getVars(transformed=True)]
        activity += row.getConstant()
        for sign, side in ((-1, row.getLhs()), (1, row.getRhs())):
            if model.isInfinity(abs(side)):
                continue
            features.append(
                [
                    sign * (side - row.getConstant()) / row_norm,
                    sign * (coefficients @ objective) / (row_norm * norm),
                    abs(activity - side) <= 1e-9,
                    sign * row.getDualsol() / (row_norm * norm),
                    row.getAge() / (model.getNLPs() + 5),
                ]
            )
            edges.append(sign * coefficients / row_norm)
    return np.array(features), np.array(edges)


def dense_edges(observation: Observation) -> np.ndarray:
    dense = np.zeros((len(observation.row_features), len(observation.variable_features)))
    dense[tuple(observation.edge_indices)] = observation.edge_values
    return dense


def test_the_native_enumerations_are_the_schema() -> None:
    for ours, native in (
        (RowFeature, _core.RowFeature),
        (VariableFeature, _core.VariableFeature),
        (CandidateFeature, _core.CandidateFeature),
    ):
        assert {f.name: f.value for f in ours} == {f.name: f.value for f in native}


def test_the_network_reads_all_but_the_incumbents_columns() -> None:
    unused = set(VariableFeature) - set(NETWORK_VARIABLE_FEATURES)
    assert unused == {V.INCUMBENT_VALUE, V.AVERAGE_INCUMBENT_VALUE}


@pytest.mark.parametrize(
    "broken", ["row_features", "variable_features", "row_starts", "edge_values"]
)
def test_arrays_that_do_not_fit_together_are_refused(broken: str) -> None:
    arrays = {
        "row_features": np.zeros((2, 5), np.float32),
        "variable_features": np.zeros((3, 19), np.float32),
        "row_starts": np.array([0, 1, 2], np.int32),
        "edge_columns": np.array([0, 2], np.int32),
        "edge_values": np.ones(2, np.float32),
    }
    np.testing.assert_array_equal(Observation(**arrays).edge_indices, [[0, 1], [0, 2]])
    arrays[broken] = arrays[broken][:-1] if arrays[broken].ndim == 1 else arrays[broken][:, :-1]
    with pytest.raises(ValueError, match=r"row|edge|variable"):
        Observation(**arrays)


@pytest.fixture(scope="module")
def item_placement_nodes() -> list[dict[str, Any]]:
    return observe_nodes(bare(item_placement_9900()))


def test_every_feature_agrees_with_a_recomputation(
    item_placement_nodes: list[dict[str, Any]],
) -> None:
    for node in item_placement_nodes:
        observation = node["observation"]
        rows, edges = node["rows"]
        np.testing.assert_allclose(observation.variable_features, node["variables"], atol=2e-6)
        np.testing.assert_allclose(observation.row_features, rows, atol=2e-6)
        np.testing.assert_allclose(dense_edges(observation), edges, atol=1e-6)


def test_ecoles_facts_about_item_placement_9900(item_placement_nodes: list[dict[str, Any]]) -> None:
    """Column sums of Ecole 0.8.1's observation of the root, typed in: exact on any SCIP."""
    observation = item_placement_nodes[0]["observation"]
    assert observation.row_features.shape == (300, 5)
    assert observation.variable_features.shape == (1083, 19)
    assert len(observation.edge_values) == 8490
    sums = observation.variable_features.astype(float).sum(axis=0)
    assert sums[V.OBJECTIVE] == pytest.approx(1.7896864102, rel=1e-6)
    assert sums[V.IS_TYPE_BINARY] == 1050
    assert sums[V.IS_TYPE_CONTINUOUS] == 33
    assert sums[V.HAS_LOWER_BOUND] == sums[V.HAS_UPPER_BOUND] == 1083
    rows = observation.row_features.astype(float)
    assert rows[:, R.BIAS].sum() == pytest.approx(14.65994538, rel=1e-6)
    assert np.abs(rows[:, R.BIAS]).sum() == pytest.approx(105.64726940, rel=1e-6)
    assert rows[:, R.OBJECTIVE_COSINE_SIMILARITY].sum() == pytest.approx(-12.2295961100, rel=1e-6)
    values = observation.edge_values.astype(float)
    assert values.sum() == pytest.approx(-0.4386735465, rel=1e-4)
    assert np.abs(values).sum() == pytest.approx(976.4404792440, rel=1e-6)
    assert item_placement_nodes[0]["objective"] == pytest.approx(7.3067e-05, rel=1e-5)


GOLDEN = ["setcover_60x120", "item_placement_9900"]


def golden_nodes(folder: Path, name: str) -> list[Any]:
    return [np.load(folder / "golden" / f"{name}.bare.node{k}.npz") for k in range(NODES)]


@pytest.mark.slow
@pytest.mark.parametrize("name", GOLDEN)
def test_parity_with_ecole(shared_data: Path, name: str) -> None:
    golden = golden_nodes(shared_data, name)
    if name == "item_placement_9900":
        model = item_placement_9900()
    else:
        model = Model()
        model.hideOutput()
        model.readProblem(str(shared_data / "golden" / f"{name}.lp"))
    actions = [str(g["var_names"][json.loads(str(g["info"]))["action"]]) for g in golden]
    same_solution = 0
    for node, g in zip(observe_nodes(bare(model), actions), golden, strict=True):
        observation = node["observation"]
        assert np.isnan(observation.variable_features[:, V.INCUMBENT_VALUE]).all()
        order = [list(g["var_names"]).index(n) for n in node["names"]]
        theirs = g["column_features"][order]
        ours = observation.variable_features
        static = [V.OBJECTIVE, *range(V.IS_TYPE_BINARY, V.HAS_UPPER_BOUND + 1)]
        np.testing.assert_allclose(ours[:, static], theirs[:, static], atol=1e-6)
        edges = np.zeros(g["edge_shape"])
        edges[tuple(g["edge_indices"].astype(int))] = g["edge_values"]
        edges, rows = edges[:, order], g["row_features"]
        # Rows may come in another order: sort both by their edges and bias.
        ours_edges = dense_edges(observation)
        key = [R.BIAS, R.OBJECTIVE_COSINE_SIMILARITY]
        us = np.lexsort(np.round(np.c_[ours_edges, observation.row_features[:, key]], 5).T)
        them = np.lexsort(np.round(np.c_[edges, rows[:, key]], 5).T)
        np.testing.assert_allclose(ours_edges[us], edges[them], atol=1e-5)
        np.testing.assert_allclose(
            observation.row_features[us][:, key], rows[them][:, key], atol=1e-5
        )
        assert node["objective"] == pytest.approx(float(g["lp_objval"]), rel=1e-6)
        if np.allclose(node["values"], g["var_lpsol"][order], atol=1e-6):
            same_solution += 1
            without_incumbent = list(NETWORK_VARIABLE_FEATURES)
            np.testing.assert_allclose(
                ours[:, without_incumbent], theirs[:, without_incumbent], atol=1e-6
            )
            np.testing.assert_allclose(observation.row_features[us], rows[them], atol=1e-6)
    # Item placement's LP is degenerate: another SCIP stops at another vertex of the same value.
    assert same_solution == NODES or name == "item_placement_9900"


def record_candidates(family: str, which: str, nodes: int) -> list[dict[str, Any]]:
    """The candidates' features at a solve's nodes, with what PySCIPOpt's getters tell of them."""
    (instance,) = instances(family, split="valid", start=3, count=1)
    model = open_model(instance)
    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", nodes)
    found: list[dict[str, Any]] = []

    def branch(observation: Observation, candidates: np.ndarray) -> int:
        variables = [model.getVars(transformed=True)[j] for j in candidates]
        values = np.array([variable.getLPSol() for variable in variables])
        # Beyond a variable's bounds there is no child, and nothing to gain.
        low = np.array([variable.getLbLocal() for variable in variables])
        high = np.array([variable.getUbLocal() for variable in variables])
        steps = (
            values - np.maximum(np.ceil(values - 1 - 1e-6), low),
            np.minimum(np.floor(values + 1 + 1e-6), high) - values,
        )
        directions = (PY_SCIP_BRANCHDIR.DOWNWARDS, PY_SCIP_BRANCHDIR.UPWARDS)
        gains = [
            step * [model.getVarPseudocost(variable, direction) for variable in variables]
            for step, direction in zip(steps, directions, strict=True)
        ]
        node = {
            "features": observe_candidates(model, candidates),
            "candidates": candidates,
            "gains": gains,
            "fractional": np.abs(values - np.round(values)) > 1e-6,
            "scores": np.array(
                [
                    model.getVarPseudocostScore(variable, value)
                    for variable, value in zip(variables, values, strict=True)
                ]
            ),
            "depth": model.getDepth(),
        }
        found.append(node)
        return int(node["features"][:, C.PSEUDOCOST_SCORE].argmax())

    attach_callable(model, branch, candidates=which)
    model.optimize()
    model.free()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "which"), [("item_placement", "fractional"), ("set_cover", "unfixed")]
)
def test_the_candidates_features_agree_with_scips(family: str, which: str) -> None:
    nodes = record_candidates(family, which, 40)
    assert len(nodes) > 20
    for node in nodes:
        features, fractional = node["features"], node["fractional"]
        assert features.shape == (len(node["candidates"]), len(C))
        assert features.dtype == np.float32
        assert ((features >= 0) & (features <= 1)).all()
        assert features[:, C.PSEUDOCOST_SCORE].max() == 1
        columns = (C.PSEUDOCOST_DOWN, C.PSEUDOCOST_UP)
        for column, gains in zip(columns, node["gains"], strict=True):
            expected = gains / (gains + gains.mean())
            np.testing.assert_allclose(features[:, column], expected, atol=1e-5)
        # SCIP's score of an integral variable counts children that do not exist.
        scores = node["scores"][fractional]
        found = features[fractional, C.PSEUDOCOST_SCORE]
        np.testing.assert_allclose(found, scores / scores.max(), atol=1e-5)
        assert fractional[features[:, C.PSEUDOCOST_SCORE].argmax()]
        assert fractional.all() == (which == "fractional")
        depth = node["depth"]
        np.testing.assert_allclose(features[:, C.DEPTH], depth / (depth + 10))


@pytest.mark.slow
def test_what_the_solver_learns_shows_in_the_features() -> None:
    nodes = record_candidates("set_cover", "unfixed", 40)
    first, last = nodes[0]["features"], nodes[-1]["features"]
    counts = [C.PSEUDOCOST_COUNT_DOWN, C.PSEUDOCOST_COUNT_UP]
    unknown = [C.CONFLICT_SCORE, C.INFERENCE_SCORE, C.CUTOFF_SCORE]
    assert not first[:, counts].any()
    np.testing.assert_allclose(first[:, unknown], 0.5)  # each is as the average
    numbers = 4 * last[:, counts] / (1 - last[:, counts])
    np.testing.assert_allclose(numbers, np.round(numbers), atol=1e-4)
    assert numbers.max() >= 2
    # What one node learned the later ones know: branching on a variable is never forgotten.
    known = {}
    for node in nodes:
        for j, row in zip(node["candidates"], node["features"][:, counts], strict=True):
            assert (row >= known.get(j, 0)).all()
            known[j] = row


def test_features_of_no_variable_are_refused() -> None:
    model = item_placement_9900()
    bare(model)
    refused = []

    def branch(observation: Observation, candidates: np.ndarray) -> int:
        for wrong in (-1, len(observation.variable_features)):
            with pytest.raises(ValueError, match="does not exist"):
                observe_candidates(model, np.array([wrong], np.int32))
            refused.append(wrong)
        assert observe_candidates(model, candidates[:0]).shape == (0, len(C))
        model.interruptSolve()
        return 0

    attach_callable(model, branch)
    model.optimize()
    assert len(refused) == 2
    model.free()
    with pytest.raises(RuntimeError, match="no focus node"):
        observe_candidates(Model(), np.zeros(1, np.int32))
