"""The shipped models: each loads, says how it was made and measured, and branches."""

from pathlib import Path

import pytest
from pyscipopt import SCIP_PARAMSETTING

import kida
from kida.instances.registry import instances
from kida.learning.config import config_from, first_difference, read_config
from kida.network.policy import Policy, shipped
from kida.solver.problem import open_model

REPOSITORY = Path(__file__).resolve().parents[1]
MODELS = sorted(path.name for path in (REPOSITORY / "models").iterdir() if path.is_dir())


def test_all_models_of_the_repository_are_shipped() -> None:
    assert sorted(shipped()) == MODELS
    assert "item_placement" in MODELS


@pytest.mark.parametrize("name", MODELS)
def test_a_card_names_its_recipe_and_its_measurements(name: str) -> None:
    card = Policy.load(name).card
    for command in (card.recipe["command"], *(result["command"] for result in card.results)):
        assert (REPOSITORY / command.split()[0]).is_file()
    recipe = read_config(name, REPOSITORY / "scripts" / f"train_{name}.toml")
    assert first_difference(config_from(card.recipe["config"]), recipe) is None
    assert card.results
    for result in card.results:
        compared = result.get("ratio") or result.get("paired_difference")
        assert ("interval_method" in result) or not compared


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_a_model_decides_as_its_card_says(name: str) -> None:
    """What it is worth takes minutes to measure: see the commands in the cards."""
    card = Policy.load(name).card
    # The size it was trained on: the root node of an official load balancing takes over a minute.
    size = card.recipe["config"]["size"] or None
    (instance,) = instances(name, split="valid", start=2, count=1, size=size)
    model = open_model(instance)
    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", 25)  # some are infeasible, and decided by nobody
    brancher = kida.attach(model, name)
    model.optimize()
    statistics = brancher.statistics
    model.free()
    assert statistics.decisions >= 10
    assert (statistics.expert_decisions > 0) == (card.expert_depth >= 0)
    assert statistics.expert_decisions + statistics.network_decisions == statistics.decisions
