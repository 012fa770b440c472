"""The registry of levers: every entry is one that the installed SCIP takes, and a card may hold."""

from pathlib import Path

import pytest
from pyscipopt import Model

from kida.network.card import Card
from kida.network.policy import Policy
from kida.solver.branching import attach
from kida.tuning.levers import LEVERS


@pytest.mark.parametrize("name", LEVERS)
def test_scip_takes_every_lever_and_a_card_may_hold_it(name):
    parameters = LEVERS[name].parameters
    model = Model()
    untouched = model.getParams()
    attach(model, Policy({}, Card(None, parameters=parameters)))
    assert {key: model.getParam(key) for key in parameters} == parameters
    # A lever that sets what is set already, and brings nothing, would be raced for nothing.
    changed = any(untouched[key] != value for key, value in parameters.items())
    assert changed or LEVERS[name].remembers
    model.free()


def test_levers_have_different_names_and_effects():
    effects = [(sorted(x.parameters.items()), x.remembers) for x in LEVERS.values()]
    assert all(effects.count(effect) == 1 for effect in effects)
    assert [lever.name for lever in LEVERS.values()] == [*LEVERS]
    assert all(lever.meaning and lever.when for lever in LEVERS.values())


def test_every_lever_is_in_the_documentation():
    document = Path(__file__).resolve().parents[2] / "docs" / "tuning.md"
    text = document.read_text(encoding="utf-8")
    assert [name for name in LEVERS if f"`{name}`" not in text] == []
