"""Pseudocosts out of one solve and into another, and what SCIP makes of them."""

from pathlib import Path
from typing import Any

import pytest
from pyscipopt import SCIP_EVENTTYPE, SCIP_PARAMSETTING, Eventhdlr, Model

from kida import _core
from kida.network.card import Card
from kida.network.policy import Policy
from kida.solver.branching import attach, capsule

INSTANCE = Path(__file__).parents[2] / "instances" / "set_cover_easy_valid_0.mps.gz"

Costs = dict[str, tuple[float | None, float | None]]


def about(pair: tuple[float | None, float | None]) -> Any:
    """Return what compares as equal: SCIP adds 0.0001 to every observation."""
    return pytest.approx(pair, abs=1e-3)


class Seen(Eventhdlr):
    """Notes the pseudocosts that are known at the first branching."""

    def __init__(self) -> None:
        self.costs: Costs | None = None

    def eventinit(self) -> None:
        self.model.catchEvent(SCIP_EVENTTYPE.NODEBRANCHED, self)

    def eventexec(self, event: object) -> None:
        if self.costs is None:
            self.costs = _core.learned_pseudocosts(capsule(self.model))


def problem(nodes: int, scale: float = 1.0) -> tuple[Model, Seen]:
    model, seen = Model(), Seen()
    model.hideOutput()
    model.readProblem(INSTANCE)
    model.setObjective(scale * model.getObjective())
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    # Which learns by branching alone.
    model.setParam("branching/pscost/priority", 100_000)
    model.setParam("limits/nodes", nodes)
    model.includeEventhdlr(seen, "seen", "notes pseudocosts")
    return model, seen


@pytest.fixture(scope="module")
def learned() -> Costs:
    model, seen = problem(30)
    model.optimize()
    # Without any, SCIP has nothing to begin with.
    assert seen.costs == {}
    found: Costs = _core.learned_pseudocosts(capsule(model))
    names = {variable.name for variable in model.getVars()}
    model.free()
    assert len(found) > 10
    assert found.keys() <= names
    known = [cost for pair in found.values() for cost in pair if cost is not None]
    assert min(known) >= 0 < max(known)
    return found


def begun(learned: Costs, scale: float = 1.0) -> Costs:
    """Return what is known at the first branching of a solve that begins with these."""
    model, seen = problem(3, scale)
    attach(model, Policy({}, Card(None, pseudocosts=learned)))
    model.optimize()
    assert seen.costs is not None
    return seen.costs


@pytest.mark.parametrize("scale", [1.0, 0.125])
def test_a_solve_begins_with_what_another_has_learned(learned, scale) -> None:
    """SCIP scales an objective to integers; pseudocosts are in the one that the user wrote."""
    found = begun(learned, scale)
    assert found.keys() == learned.keys()
    for name, pair in learned.items():
        assert found[name] == about(pair)


def test_before_a_tree_nothing_is_learned() -> None:
    model, _ = problem(1)
    assert _core.learned_pseudocosts(capsule(model)) == {}


def test_attaching_again_replaces_them(learned) -> None:
    model, seen = problem(3)
    name = next(iter(learned))
    attach(model, Policy({}, Card(None, pseudocosts=learned)))
    attach(model, Policy({}, Card(None, pseudocosts={name: (None, 2.5), "nobody": (1.0, 1.0)})))
    model.optimize()
    assert seen.costs == {name: about((None, 2.5))}


def test_a_policy_that_brings_none_takes_those_of_one_before_away(learned) -> None:
    model, seen = problem(3)
    attach(model, Policy({}, Card(None, pseudocosts=learned)))
    attach(model, Policy({}, Card(None)))
    model.optimize()
    assert seen.costs == {}
