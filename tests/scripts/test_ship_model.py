"""Shipping a policy writes what was measured, and only of that policy."""

import runpy
import shutil
import sys
from pathlib import Path

import pytest

from kida.evaluation.records import Protocol
from kida.evaluation.results import load_results
from kida.evaluation.runner import evaluate
from kida.evaluation.trials import plan
from kida.instances.registry import instances
from kida.network.policy import Policy

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "ship_model.py"
HARD = ROOT / "instances" / "item_placement_9900.mps.gz"
COMMAND = "scripts/table_research.sh knapsack"


@pytest.fixture
def ship(tmp_path, monkeypatch):
    """Return the script's main, to be called with its arguments; models go below ``tmp_path``."""
    script = runpy.run_path(str(SCRIPT))
    main = script["main"]
    main.__globals__["MODELS"] = tmp_path / "models"

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["ship_model", *map(str, arguments)])
        return main()

    return call


@pytest.mark.parametrize(
    ("settings", "limit", "solved"),
    [("research", 20.0, True), ("research", 2.0, False), ("competition", 1.0, False)],
)
def test_a_card_gets_the_figures_of_its_results(
    ship, tmp_path, knapsack, make_policy, settings, limit, solved
):
    make_policy(1).save(tmp_path / "trained")
    make_policy(2).save(tmp_path / "other")
    (tmp_path / "problems").mkdir()
    source = knapsack if solved else HARD
    for name in ("a", "b"):
        shutil.copy(source, (tmp_path / "problems" / name).with_suffix("".join(source.suffixes)))
    problems = instances(str(tmp_path / "problems"), "all")
    runs = plan(problems, [0], [str(tmp_path / "trained"), "pscost"])
    evaluate(runs, Protocol(settings, limit), tmp_path / "results")
    assert ship("mine", tmp_path / "other", "--measured", tmp_path / "results", COMMAND) == 2
    assert not (tmp_path / "models").exists()
    assert ship("mine", tmp_path / "trained", "--measured", tmp_path / "results", COMMAND) == 0
    shipped = Policy.load(tmp_path / "models" / "mine")
    assert shipped.card.recipe["command"] == "scripts/train.sh mine"
    (result,) = shipped.card.results
    assert result["command"] == COMMAND
    assert "Student" in result["interval_method"]
    again = ("mine", tmp_path / "models" / "mine", "--keep", "--measured", tmp_path / "results")
    assert ship(*again, COMMAND) == ship(*again, COMMAND + " hard") == 0
    kept = Policy.load(tmp_path / "models" / "mine").card.results
    assert [entry["command"] for entry in kept] == [COMMAND, COMMAND + " hard"]
    assert kept[0] == result
    rows = load_results([tmp_path / "results"]).rows
    if settings == "research":
        share = "2 of 2" if solved else "0 of 2"
        assert result["solved"] == {"mine": share, "pscost": share}
    if solved:
        assert set(result["ratio"]) == {"mine / pscost"}
    else:
        rewards = [row.cumulated_reward for row in rows if row.policy == "pscost"]
        assert result["mean_cumulated_reward"]["pscost"] == pytest.approx(
            sum(rewards) / 2, abs=0.01
        )
        assert set(result["paired_difference"]) == {"mine - pscost"}
