"""Whole tunings of small folders: to the end, interrupted, with little time, in an order."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kida.cli import main
from kida.evaluation.verdict import read_verdict
from kida.jobs.run import ONE_AT_A_TIME
from kida.learning.events import EpisodeEnded
from kida.learning.inventory import Inventory
from kida.network.policy import Policy
from kida.tuning.config import TuneConfig
from kida.tuning.events import Planned, Said, Solves
from kida.tuning.folder import rounds
from kida.tuning.tune import tune

pytestmark = pytest.mark.slow
#: Seconds: enough for a little of every step.
BUDGET = 36.0


def files_solved(run: Path, step: str) -> set[str]:
    records = (run / "round_1" / "results" / step / "runs").glob("*.json")
    return {json.loads(path.read_text())["job"]["instance"]["name"] for path in records}


@pytest.fixture(scope="module")
def tuned(knapsacks, tmp_path_factory):
    """A tuning that has come to its end, of a folder with a broken and an infeasible file."""
    place = tmp_path_factory.mktemp("tuned")
    folder = knapsacks(place / "mine", 14)
    (folder / "broken.lp").write_text("Minimize\n x\nSubject To\n c: x >= = 5\nEnd\n")
    (folder / "nothing.lp").write_text(
        "Minimize\n x + y\nSubject To\n c: x + y >= 5\n d: x + y <= 4\nGenerals\n x y\nEnd\n"
    )
    events = []
    config = TuneConfig(problems=str(folder), time_limit=10.0)
    found = tune(place / "run", config, BUDGET, workers=ONE_AT_A_TIME, listener=events.append)
    return place / "run", found, events


def test_a_tuning_ends_with_a_verdict_and_a_policy(tuned):
    run, found, events = tuned
    verdict = read_verdict(run)
    assert verdict == found.verdict
    assert verdict.seconds_used <= 1.3 * BUDGET + 30
    policy = Policy.load(run)
    assert policy.has_network == found.network
    assert (run / "policy" / "scip.set").exists() == policy.is_parameters_only
    assert bool(policy.card.parameters) == bool(found.levers)
    assert (verdict.proven and bool(found.levers or found.network)) or not (
        found.levers or found.network
    )
    said = [event.text for event in events if isinstance(event, Said)]
    assert any("left out: broken.lp is not readable" in text for text in said)
    assert any(isinstance(event, Planned) for event in events)
    assert found.sentence in (run / "report.html").read_text().replace("&#x27;", "'")


def test_a_step_counts_its_solves_over_all_batches(tuned):
    run, _, events = tuned
    told = [event for event in events if isinstance(event, Solves) and event.phase == "survey"]
    assert [event.done for event in told] == sorted(event.done for event in told)
    solved = len(list((run / "round_1" / "results" / "survey" / "runs").glob("*.json")))
    assert told[-1].done == told[-1].of == solved > 1


def test_the_verdicts_files_are_seen_by_nothing_before(tuned):
    run, _, events = tuned
    kept = json.loads((run / "round_1" / "instances.json").read_text())["files"]
    verdict = {entry["name"] for entry in kept["test"]}
    for step in ("survey", "levers", "policies"):
        assert not verdict & files_solved(run, step)
    played = {event.instance for event in events if isinstance(event, EpisodeEnded)}
    assert not verdict & played
    assert files_solved(run, "verdict") <= verdict


def test_the_delivered_policy_solves(tuned, capsys):
    run, _, _ = tuned
    file = run.parent / "mine" / "k_0.mps"
    assert main(["solve", str(file), "--model", str(run)]) == 0
    assert "optimal" in capsys.readouterr().out


def test_a_finished_tuning_is_told_again(tuned):
    run, found, _ = tuned
    config = TuneConfig(problems=str(run.parent / "mine"), time_limit=10.0)
    assert tune(run, config, BUDGET) == found


def test_a_killed_tuning_goes_on(knapsacks, tmp_path):
    folder, run = knapsacks(tmp_path / "mine", 12), tmp_path / "run"
    command = [sys.executable, "-m", "kida", "tune", str(folder), "--out", str(run)]
    command += ["--budget", "24s", "--time-limit", "10", "--jobs", "1"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    results = run / "round_1" / "results" / "survey" / "runs"
    until = time.monotonic() + 300
    while not list(results.glob("*.json")) and time.monotonic() < until:
        assert running.poll() is None
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "kida: interrupted; everything finished so far is on disk, run the same" in said
    before = {path: path.stat().st_mtime_ns for path in results.glob("*.json")}
    used = json.loads((run / "round_1" / "clock.json").read_text())["seconds"]
    assert used > 0
    assert subprocess.run(command, capture_output=True, text=True).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert read_verdict(run).seconds_used > used
    assert not list(run.rglob(".*.json"))
    assert os.path.isdir(run / "policy")


def test_a_series_goes_on_with_the_files_that_have_come(knapsacks, tmp_path, monkeypatch):
    folder, run = knapsacks(tmp_path / "mine", 8, items=30), tmp_path / "run"
    config = TuneConfig(problems=str(folder), ordered=True, time_limit=10.0)
    tune(run, config, 15.0)
    assert len(rounds(run)) == 1
    knapsacks(folder, 3, first=8, items=30)
    told = []
    tune(run, config, 15.0, listener=told.append)
    assert "begins with 5 new files; there are 3" in told[-1].text
    assert len(rounds(run)) == 1
    knapsacks(folder, 2, first=11, items=30)
    tune(run, config, 15.0)
    assert [place.name for place in rounds(run)] == ["round_1", "round_2"]
    second = json.loads((run / "round_2" / "instances.json").read_text())
    assert [entry["name"] for entry in second["files"]["test"]] == [f"k_{n}" for n in range(8, 13)]
    assert (run / "round_2" / "former" / "card.json").exists()


def test_instances_are_told_apart(tuned):
    run, _, _ = tuned
    found = Inventory(**json.loads((run / "round_1" / "instances.json").read_text()))
    assert [Path(path).name for path in found.left_out] == ["broken.lp"]
