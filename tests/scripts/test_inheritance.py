"""The study of inheritance as a command; what it does is in tests/lab/test_inheritance.py."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.learning.config import read_config
from kida.learning.plan import Plan
from kida.learning.preflight import check_run

SCRIPT = Path(__file__).parents[2] / "scripts" / "inheritance.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("inheritance_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_problem_can_begin(script):
    """Some begin after hours of others."""
    for problem in script.PROBLEMS.values():
        for size in ((), script.QUICK):
            config = problem.config(*size)
            check_run(config)
        assert problem.node_limit is None or problem.node_limit > 0
        # Nothing that selects is reported on.
        block = problem.selecting + problem.reported
        draws = Plan(config).selection(problem.replicates * block)
        assert len({draw.instance.name for draw in draws}) == len(draws)
    for family, options in script.MIXTURE.items():
        check_run(read_config(family, None, (*script.ONE_GENERATION, *options)))
    assert script.PROBLEMS["gisp"].family not in script.MIXTURE


def test_an_unknown_problem_is_refused(tmp_path):
    found = subprocess.run(
        [sys.executable, SCRIPT, "sudoku", "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 2
    assert "there is no problem 'sudoku'; the problems are gisp, " in found.stderr
    assert not (tmp_path / "out").exists()


def test_another_study_is_not_gone_on_with(script, tmp_path, monkeypatch):
    script._claim(tmp_path, report=80)
    script._claim(tmp_path, report=80)
    with pytest.raises(UserError, match="another study"):
        script._claim(tmp_path, report=300)
    monkeypatch.setattr(script, "DRAWS", 90)
    with pytest.raises(UserError, match="another --out"):
        script._claim(tmp_path, report=80)
