"""The examples, in short: the learners learn something within a few episodes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.slow


def ratio(script: str, *arguments: str) -> tuple[str, float]:
    """Run an example; return what it prints, and the nodes after learning by those before."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), *arguments],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = re.search(r"([\d.]+) before, ([\d.]+) after; ratio ([\d.]+)", done.stdout)
    assert found is not None
    before, after, shown = map(float, found.groups())
    assert after / before == pytest.approx(shown, abs=0.02)
    return done.stdout, shown


def test_reinforcement_learns_to_branch() -> None:
    printed, shown = ratio("reinforce.py", "--iterations", "6", "--tests", "12")
    assert printed.count("iteration ") == 6
    assert shown < 0.7


def test_a_program_hears_what_goes_on(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "embed.py"), "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [*command, "--episodes", "2"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    for told in (r"\d\.\d s: [\d.]+ \.\. [\d.]+", r"episode 3 of 3: \d+ samples", "epoch 1: .*"):
        assert re.search(f"^{told}$", done.stdout, re.MULTILINE), done.stdout
    assert done.stderr.count("kida.solver.solve: combinatorial_auction_easy_test_0: ") >= 2


def test_a_graph_network_in_torch_learns_to_branch(tmp_path: Path) -> None:
    weights = str(tmp_path / "imitated.safetensors")
    printed, shown = ratio(
        "imitate_torch.py", "--episodes", "4", "--epochs", "6", "--tests", "12", "--out", weights
    )
    assert printed.count("epoch ") == 6
    assert shown < 0.7
    policy = [sys.executable, "-m", "kida", "solve", "combinatorial_auction:test:0"]
    done = subprocess.run(
        [*policy, "--model", "imitate_torch:choose", "--node-limit", "10"],
        capture_output=True,
        text=True,
        cwd=EXAMPLES,
        env=os.environ | {"IMITATED": weights},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^branching +[1-9]\d* decisions", done.stdout, re.MULTILINE), done.stdout


def test_imitation_learns_to_branch() -> None:
    printed, shown = ratio("imitate.py", "--episodes", "4", "--tests", "12")
    assert "decisions of the expert" in printed
    assert shown < 0.7
