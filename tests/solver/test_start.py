"""Starting values of a policy's card, as SCIP gets them."""

from pathlib import Path

import pytest
from pyscipopt import SCIP_PARAMSETTING, Model, quicksum

from kida import _core
from kida.errors import UserError
from kida.network.card import Card
from kida.network.policy import Policy
from kida.solver.branching import attach, capsule
from kida.solver.solve import scip_statistics

ITEMS = 30
#: Seven things are in the knapsack, the last five are undecided.
BEGUN = {f"x{i}": float(i >= 18) for i in range(ITEMS - 5)}


@pytest.fixture
def model() -> Model:
    """A knapsack of which no heuristic but one looks for solutions."""
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


def completed(model: Model) -> int:
    """Return how many solutions SCIP has found beginning from starting values."""
    found: int = scip_statistics(model)["heuristics"]["plugins"]["completesol"]["solutions_found"]
    return found


def policy(start: dict[str, float]) -> Policy:
    return Policy({}, Card(None, start=start))


@pytest.mark.parametrize(("start", "found"), [(BEGUN, 1), ({}, 0)])
def test_scip_completes_them(model, start, found) -> None:
    attach(model, policy(start))
    model.optimize()
    assert completed(model) == found


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


def test_what_scip_refuses_leaves_the_model_as_it_was(model) -> None:
    model.setParam("limits/maxorigsol", 0)
    card = Card(None, start=BEGUN, parameters={"branching/pscost/priority": 12345})
    with pytest.raises(UserError, match="limits/maxorigsol"):
        attach(model, Policy({}, card))
    assert model.getParam("branching/pscost/priority") == 2000
    model.setParam("limits/maxorigsol", 10)
    attach(model, Policy({}, card))
    assert model.getParam("branching/pscost/priority") == 12345
