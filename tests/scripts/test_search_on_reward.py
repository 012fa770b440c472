"""The script tunes a policy; what a search does is tested in tests/lab."""

import json
import runpy
import shutil
from pathlib import Path

import pytest

from kida.cli import main as kida
from kida.errors import UserError

SCRIPT = Path(__file__).parents[2] / "scripts" / "search_on_reward.py"
SETTINGS = (
    "generations=1",
    "search.generations=1",
    "search.parameters=subspace",
    "search.dimension=2",
    "search.population=4",
    "search.iterations=1",
    "search.instances=1",
    "search.first_seconds=0.1",
    "search.last_seconds=0.1",
    "search.comparison=1",
)


@pytest.mark.slow
def test_a_policy_is_tuned(tmp_path, knapsack, make_policy, capsys):
    make_policy(0).save(tmp_path / "start")
    (tmp_path / "problems").mkdir()
    for number in range(3):
        shutil.copy(knapsack, tmp_path / "problems" / f"{number}.mps")
    main = runpy.run_path(str(SCRIPT))["main"]
    command = [str(tmp_path / "problems"), "--out", str(tmp_path / "run"), "--jobs", "1"]
    for setting in (*SETTINGS, f"search.start='{tmp_path / 'start'}'"):
        command += ["--set", setting]
    assert main(command) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    events = [json.loads(line) for line in lines]
    kinds = [event["event"] for event in events]
    assert kinds == [
        *("survey", "instances", "started"),
        *("searching", "search_iteration", "searched"),
        *("generation", "selecting", "finished"),
    ]
    assert last.startswith("The policy is in")
    assert kida(["train", "--status", str(tmp_path / "run")]) == 0
    assert "done" in capsys.readouterr().out


def test_without_a_generation_to_search_there_is_nothing_to_do(tmp_path):
    main = runpy.run_path(str(SCRIPT))["main"]
    with pytest.raises(UserError, match=r"search\.generations names no generation"):
        main(["item_placement", "--out", str(tmp_path / "run")])
