"""The benchmark of the environments, in short and on its own: without gyozas, a few nodes."""

import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_an_episode_is_measured(capsys) -> None:
    module = runpy.run_path(str(ROOT / "benchmarks" / "bench_env.py"))
    file = ROOT / "instances" / "fixed_charge_network_easy_valid_0.mps.gz"
    module["measure"](file, 8, 2, False)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("8 nodes at most")
    assert "with its bipartite observation" in lines[1]
    assert "ms CPU an observation" in lines[2]
    assert "us overhead of a step" in lines[2]
    assert "without observation" in lines[3]
    # One step for each node, the last of which the limit cuts off.
    episode = module["play_kida"](file, 8, True)
    assert episode.nodes == 8
    assert len(episode.overhead) == episode.steps >= 4
    assert episode.wall > 0
