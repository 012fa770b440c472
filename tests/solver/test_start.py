"""Starting values of a policy's card, as SCIP gets them."""

from pathlib import Path

import pytest
from pyscipopt import SCIP_PARAMSETTING, Model, quicksum

from kida import _core
from kida.network.card import Card
from kida.network.policy import Policy
from kida.solver.branching import attach, capsule

ITEMS = 30
#: Everything into the knapsack that fits, the heaviest first: no optimum, and easy to complete.
BEGUN = {f"x{i}": float(i >= 18) for i in range(ITEMS - 5)}


@pytest.fixture
def model() -> Model:
    """A knapsack that nothing but starting values finds a solution of before branching."""
    found = Model()
    found.hideOutput()
    found.setHeuristics(SCIP_PARAMSETTING.OFF)
    found.setPresolve(SCIP_PARAMSETTING.OFF)
    found.setSeparating(SCIP_PARAMSETTING.OFF)
    found.setParam("heuristics/completesol/freq", 0)
    found.setParam("limits/nodes", 1)
    x = [found.addVar(f"x{i}", "B") for i in range(ITEMS)]
    for k in range(3):
        weights = [(7 * i + 3 * k) % 11 + 5 for i in range(ITEMS)]
        found.addCons(quicksum(w * v for w, v in zip(weights, x, strict=True)) <= 120.5)
    objective = quicksum(((5 * i) % 13 + 4) * v for i, v in enumerate(x))
    found.setObjective(objective, "maximize")
    return found


def policy(start: dict[str, float]) -> Policy:
    return Policy({}, Card(None, start=start))


def test_the_search_begins_from_them(model) -> None:
    attach(model, policy(BEGUN))
    model.optimize()
    found = {v.name: round(model.getSolVal(model.getBestSol(), v)) for v in model.getVars()}
    assert sum(found[name] == value for name, value in BEGUN.items()) > 0.7 * len(BEGUN)
    assert model.getPrimalbound() > 0


def test_without_them_nothing_is_found(model) -> None:
    attach(model, policy({}))
    model.optimize()
    assert model.getNSols() == 0


def test_variables_of_other_problems_are_told_of(model) -> None:
    with pytest.warns(RuntimeWarning, match="none of the variables"):
        attach(model, policy({"y": 1.0}))
    model.optimize()


def test_what_is_not_there_or_out_of_bounds_is_left_out(model) -> None:
    assert _core.add_start(capsule(model), {"x0": 1.0, "x1": 2.0, "x2": -1.0, "y": 0.0}) == 1


def test_a_card_with_other_values_is_another_policy(tmp_path: Path) -> None:
    one, other = policy({"x0": 1.0}), policy({"x0": 0.0})
    assert len({one.identity(), other.identity(), policy({}).identity()}) == 3
    one.save(tmp_path)
    assert Policy.load(tmp_path).identity() == one.identity()
