"""The parts of ``scripts/table_any.sh`` on a small problem."""

import importlib.util
from pathlib import Path

import pytest

from kida.evaluation.records import Protocol
from kida.evaluation.runner import evaluate
from kida.evaluation.trials import plan
from kida.instances.registry import instances
from kida.network.steering import Steering, load_policy

SCRIPT = Path(__file__).parents[2] / "scripts" / "any_benchmark.py"


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("any_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_policies_instances_and_verdict(script, knapsack, tmp_path, monkeypatch, capsys) -> None:
    assert script.main(["policies", str(tmp_path / "policies")]) == 0
    folders = sorted((tmp_path / "policies").iterdir())
    assert [folder.name for folder in folders] == sorted(script.POLICIES)
    assert all(isinstance(load_policy(folder), Steering) for folder in folders)

    policies = ["default", "pscost", str(tmp_path / "policies" / "random")]
    trials = plan(instances(str(knapsack), "all"), [0], policies)
    evaluate(trials, Protocol("default", 20.0), tmp_path / "results")
    with pytest.raises(script.UserError, match="solves none in 2 to 300 s"):
        script.main(["instances", str(tmp_path / "results"), str(tmp_path / "none")])
    monkeypatch.setattr(script, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(script, "LEAST_NODES", 1)
    chosen = tmp_path / "chosen"
    for _ in range(2):  # again, as when a benchmark is gone on with
        assert script.main(["instances", str(tmp_path / "results"), str(chosen)]) == 0
    assert [path.resolve() for path in chosen.iterdir()] == [knapsack.resolve()]

    capsys.readouterr()
    assert script.main(["verdict", str(tmp_path / "results")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    assert all("lost of 1, worst knapsack" in line for line in said)
    assert [("scoring:" in line) for line in said] == ["random" in line for line in said]
