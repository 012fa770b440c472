"""What holds of every observation: shapes, numbers, and that looking changes nothing."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pyscipopt import Model

from kida.env import observation as o
from kida.env.functions import composed
from kida.errors import UserError
from kida.observation import VariableFeature

FUNCTIONS = {
    "bipartite": lambda: o.NodeBipartite(),
    "bipartite without incumbent": lambda: o.NodeBipartite(incumbent=False),
    "statistics": lambda: o.CandidateStatistics(),
    "statistics, unfixed": lambda: o.CandidateStatistics("unfixed"),
    "khalil": lambda: o.Khalil2016(),
    "khalil, unfixed": lambda: o.Khalil2016("unfixed"),
    "tree gate": lambda: o.TreeGate(),
    "tree gate, unfixed": lambda: o.TreeGate("unfixed"),
    "pseudocosts": lambda: o.Pseudocosts(),
    "pseudocosts, unfixed": lambda: o.Pseudocosts("unfixed"),
    "strong branching": lambda: o.StrongBranchingScores(),
    "strong branching, unfixed": lambda: o.StrongBranchingScores("unfixed"),
    "strong branching, artefact": lambda: o.StrongBranchingScores("unfixed", artefact=True),
    "static graph": lambda: o.StaticGraph(),
    "focus node": lambda: o.FocusNode(),
    "tuple": lambda: composed((o.FocusNode(), [o.Pseudocosts(), o.TreeGate()]), "it"),
    "dict": lambda: composed({"node": o.FocusNode(), "khalil": o.Khalil2016()}, "it"),
}
pytestmark = pytest.mark.slow

PROBLEMS = ("maximisation", "minimisation", "infeasible children")

#: The one feature that depends on the time.
TIMED = o.TreeGateTreeFeature.LOG_PRIMAL_DUAL_INTEGRAL


def parts(observation: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The arrays and numbers of an observation, by name."""
    if isinstance(observation, dict):
        for key, value in observation.items():
            yield from parts(value, f"{name}.{key}")
    elif isinstance(observation, tuple | list):
        for k, value in enumerate(observation):
            yield from parts(value, f"{name}.{k}")
    elif dataclasses.is_dataclass(observation):
        for entry in dataclasses.fields(observation):
            value = getattr(observation, entry.name)
            if entry.name == "tree_features":
                value = value.copy()
                value[TIMED] = 0
            yield from parts(value, f"{name}.{entry.name}")
    else:
        yield name, observation


@pytest.fixture(scope="module")
def alone(observe):
    """Each problem as it is solved when nobody looks."""
    return {problem: observe(problem) for problem in PROBLEMS}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_looking_is_repeatable_and_changes_nothing(observe, alone, name, problem):
    plain = alone[problem]
    first, second = (observe(problem, FUNCTIONS[name]()) for _ in range(2))
    for solve in (first, second):
        assert solve.choices == plain.choices
        assert (solve.nodes, solve.lp_iterations) == (plain.nodes, plain.lp_iterations)
        assert solve.bound == plain.bound
    assert len(first.observed) == len(second.observed) > 3
    for left, right in zip(first.observed, second.observed, strict=True):
        for (place, a), (_, b) in zip(parts(left), parts(right), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=place)


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_numbers_are_finite_where_they_are_said_to_be(observe, name, problem):
    solve = observe(problem, FUNCTIONS[name](), heuristics=problem != "infeasible children")
    assert min(solve.depths) == 0
    assert max(solve.depths) > 2
    incumbent = [VariableFeature.INCUMBENT_VALUE, VariableFeature.AVERAGE_INCUMBENT_VALUE]
    for observation in solve.observed:
        for place, value in parts(observation):
            if value is None:
                continue
            value = np.asarray(value, float)
            if name.startswith("bipartite") and place == ".variable_features":
                value = np.delete(value, incumbent, axis=1)
            assert np.isfinite(value).all(), place


def test_the_problems_are_what_they_are_named(observe):
    infeasible = observe("infeasible children", nodes=100)
    assert infeasible.infeasible_leaves > 0
    assert infeasible.solutions == 0
    assert observe("maximisation", heuristics=True).solutions > 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nothing_is_observed_when_the_solve_is_over(observe, name):
    after = observe("maximisation", FUNCTIONS[name]()).after
    assert all(value is None for _, value in parts(after))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_another_solve_is_another_beginning(observe, name):
    function = FUNCTIONS[name]()
    observe("minimisation", function)
    again = observe("maximisation", function)
    fresh = observe("maximisation", FUNCTIONS[name]())
    for left, right in zip(again.observed, fresh.observed, strict=True):
        for (place, a), (_, b) in zip(parts(left), parts(right), strict=True):
            np.testing.assert_array_equal(a, b, err_msg=place)


CANDIDATE_FUNCTIONS = {
    "statistics": o.CandidateStatistics,
    "khalil": o.Khalil2016,
    "tree gate": o.TreeGate,
    "pseudocosts": o.Pseudocosts,
    "strong branching": o.StrongBranchingScores,
}


@pytest.mark.parametrize("which", ["fractional", "unfixed"])
@pytest.mark.parametrize("name", CANDIDATE_FUNCTIONS)
def test_rows_are_the_candidates(observe, name, which):
    function = CANDIDATE_FUNCTIONS[name](which)

    def look(model):
        found = function.extract(model, False)
        if which == "fractional":
            variables = model.getLPBranchCands()[0]
        else:
            variables = model.getPseudoBranchCands()[0]
        place = {v.name: j for j, v in enumerate(model.getVars(transformed=True))}
        return found, [place[v.name] for v in variables]

    for found, candidates in observe("minimisation", function, look).observed:
        assert found.candidates.dtype == np.int32
        assert found.candidates.tolist() == candidates
        rows = [
            value for name_, value in parts(found) if name_ not in (".chosen", ".tree_features")
        ]
        assert all(len(value) == len(candidates) for value in rows)


@pytest.mark.parametrize("function", CANDIDATE_FUNCTIONS.values())
def test_other_sets_of_candidates_are_refused(function):
    with pytest.raises(UserError, match="candidates"):
        function("all")


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "static graph"])
def test_without_a_node_there_is_nothing_to_look_at(name):
    function, model = FUNCTIONS[name](), Model()
    function.before_reset(model)
    with pytest.raises(RuntimeError, match="there is no focus node"):
        function.extract(model, False)
    model.free()
