"""The registry of levers: every entry is one that the installed SCIP takes, and a card may hold."""

from pathlib import Path

import pytest
from pyscipopt import Model

from kida.errors import UserError
from kida.network.card import Card
from kida.network.policy import Policy
from kida.solver.branching import attach
from kida.tuning.levers import LEVERS, applicable, combined


@pytest.mark.parametrize("name", LEVERS)
def test_scip_takes_every_lever_and_a_card_may_hold_it(name):
    parameters = LEVERS[name].parameters
    model = Model()
    untouched = model.getParams()
    attach(model, Policy({}, Card(None, parameters=parameters)))
    assert {key: model.getParam(key) for key in parameters} == parameters
    # A lever that sets what is set already would be raced for nothing.
    assert any(untouched[key] != value for key, value in parameters.items())
    model.free()


def test_levers_have_different_names_and_effects():
    effects = [sorted(lever.parameters.items()) for lever in LEVERS.values()]
    assert all(effects.count(effect) == 1 for effect in effects)
    assert [lever.name for lever in LEVERS.values()] == [*LEVERS]
    assert all(lever.meaning and lever.when for lever in LEVERS.values())


def test_levers_apply_where_the_time_goes():
    idle = {lever.name for lever in applicable({})}
    assert "depth-first" in idle
    assert "pseudocosts" not in idle
    busy = {lever.name for lever in applicable({"strong branching": 0.4, "heuristics": 0.1})}
    assert busy - idle >= {"pseudocosts", "no-heuristics"}


def test_one_of_each_kind_is_tried_first():
    found = applicable({"strong branching": 0.4, "separation": 0.2, "heuristics": 0.1})
    assert [lever.name for lever in found[:2]] == ["pseudocosts", "root-cuts"]
    kinds = len({lever.kind for lever in found})
    assert len({lever.kind for lever in found[:kinds]}) == kinds


def test_levers_of_different_kinds_combine():
    found = combined(["orbital", "no-heuristics"])
    assert found["misc/usesymmetry"] == 2
    assert found["heuristics/rins/freq"] == -1
    assert combined([]) == {}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["depth-first", "best-bound"], "both about order of nodes"),
        (["magic"], "there is no lever 'magic'"),
    ],
)
def test_levers_that_do_not_combine_are_refused(names, said):
    with pytest.raises(UserError, match=said):
        combined(names)


def test_every_lever_is_in_the_documentation():
    document = Path(__file__).resolve().parents[2] / "docs" / "tuning.md"
    text = document.read_text(encoding="utf-8")
    assert [name for name in LEVERS if f"`{name}`" not in text] == []
