"""``scripts/train_steering.py`` on the samples of real, small episodes."""

import importlib.util
from pathlib import Path

import pytest
from pyscipopt import SCIP_PARAMSETTING, Model

from kida.learning.samples import write_shard
from kida.network.steering import Steering, load_policy
from kida.rule import Recording
from kida.solver.branching import attach, attach_collector

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script():
    path = ROOT / "scripts" / "train_steering.py"
    spec = importlib.util.spec_from_file_location("train_steering", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def opened(name: str) -> Model:
    model = Model()
    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", 30)
    model.setParam("presolving/maxrestarts", 0)
    model.readProblem(ROOT / "instances" / f"{name}_easy_valid_0.mps.gz")
    return model


@pytest.mark.slow
def test_the_samples_of_a_run_become_a_policy_that_branches(script, tmp_path, capsys) -> None:
    run = tmp_path / "run"
    for seed, kind in enumerate(("train", "valid")):
        model = opened("fixed_charge_network")
        recording = Recording(probability_by_depth=(1.0,), samples_per_episode=12)
        brancher = attach_collector(model, None, recording, acting="random", seed=seed)
        model.optimize()
        write_shard(run / "gen_01" / "episodes" / f"{kind}_0.safetensors", brancher.samples())
        model.free()
    out = tmp_path / "policy"
    assert script.main([str(run), "--out", str(out), "--hidden", "4"]) == 0
    assert "of the model's" in capsys.readouterr().out
    policy = load_policy(out)
    assert isinstance(policy, Steering)
    assert policy.card.hidden == 4
    model = opened("combinatorial_auction")
    brancher = attach(model, out)
    model.optimize()
    assert brancher.statistics.looks > 0
    model.free()
    with pytest.raises(script.UserError, match="holds no train samples"):
        script.main([str(out), "--out", str(tmp_path / "other")])
