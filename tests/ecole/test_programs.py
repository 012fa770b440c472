"""Programs that say ``import ecole``, as they are, in processes of their own.

They are ours, and use the names that public programs use (the ML4CO competition's judge,
learn2branch-ecole, rl2branch), in the same way.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PROGRAMS = Path(__file__).parent / "programs"


def run(name, *arguments):
    command = [sys.executable, "-m", "kida.ecole", PROGRAMS / f"{name}.py", *arguments]
    process = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=600
    )
    assert process.returncode == 0, process.stderr
    return process


@pytest.mark.slow
@pytest.mark.parametrize("task", ["dual", "config"])
def test_a_judge_of_agents(instance, tmp_path, task):
    run("judge", task, instance, tmp_path / "results.csv")
    with (tmp_path / "results.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert int(row["steps"]) == 1 if task == "config" else int(row["steps"]) > 3
    info = json.loads(row["info"])
    assert info["nnodes"] >= int(row["steps"])
    assert np.isfinite(float(row["cumulated_reward"]))
    assert info["status"] in ("optimal", "nodelimit")


@pytest.mark.slow
def test_a_collector_in_threads(instance, tmp_path):
    process = run("collect", instance, tmp_path / "sample.npz")
    assert int(process.stdout) > 3
    # A trap of programs like this one is named, once for all its threads.
    assert process.stderr.count("RuntimeWarning") == 1
    assert "nanargmax" in process.stderr
    with np.load(tmp_path / "sample.npz") as sample:
        assert sample["variables"].shape[1] == 19
        assert sample["rows"].shape[1] == 5
        assert sample["indices"].shape == (2, len(sample["values"]))
        assert len(sample["scores"]) == len(sample["variables"])
        assert np.isnan(sample["scores"]).any()
        assert np.isfinite(sample["scores"]).any()


@pytest.mark.slow
def test_an_agent_of_tree_mdps(instance, tmp_path):
    run("agents", instance, tmp_path / "facts.json")
    facts = json.loads((tmp_path / "facts.json").read_text())
    tree = {int(node): parent for node, parent in facts["tree"].items()}
    assert tree[0] == -1
    assert all(parent in tree for node, parent in tree.items() if node)
    assert facts["info"]["nnodes"] == facts["nodes"] >= len(tree)
    assert facts["info"]["lpiters"] > 0
    assert facts["info"]["time"] > 0
    assert facts["depths"][:3] == [0, 1, 2]  # depth first
    assert facts["status"] == "optimal"
    assert facts["optimum"] > 0


def test_a_generator_of_instances(tmp_path):
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        run("generate", tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert len(names) == 8
    for name in names:
        text = (tmp_path / "first" / name).read_text()
        assert text == (tmp_path / "second" / name).read_text()
    assert len({(tmp_path / "first" / name).read_text() for name in names}) == 8


def test_the_default_of_a_version(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import ecole, sys\nprint(ecole.observation.StrongBranchingScores()._which, sys.argv[1:])\n"
    )
    for options, which in ([], "fractional"), (["0.8"], "fractional"), (["0.7"], "unfixed"):
        version = ["--ecole", *options] if options else []
        command = [sys.executable, "-m", "kida.ecole", *version, script, "--ecole"]
        process = subprocess.run(command, capture_output=True, text=True)
        assert process.stdout == f"{which} ['--ecole']\n"
    for wrong in (["--ecole"], ["--ecole", "0.6", script]):
        process = subprocess.run(
            [sys.executable, "-m", "kida.ecole", *wrong], capture_output=True, text=True
        )
        assert process.returncode == 2
        assert "0.7 or 0.8" in process.stderr


def test_help_and_a_missing_script():
    command = [sys.executable, "-m", "kida.ecole"]
    process = subprocess.run([*command, "--help"], capture_output=True, text=True)
    assert process.returncode == 0
    assert "SCRIPT" in process.stdout
    process = subprocess.run([*command, "nonesuch.py"], capture_output=True, text=True)
    assert process.returncode == 2
    assert "there is no file nonesuch.py" in process.stderr
