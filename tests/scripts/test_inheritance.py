"""The study of inheritance as a command; what it does is in tests/lab/test_inheritance.py."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from kida.learning.config import read_config
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
    for family, recipe, options, node_limit in script.PROBLEMS.values():
        for size in ((), script.QUICK):
            check_run(read_config(family, recipe, (*options, *size)))
        assert node_limit is None or node_limit > 0
    for family, options in script.MIXTURE.items():
        check_run(read_config(family, None, (*script.ONE_GENERATION, *options)))
    assert script.PROBLEMS["gisp"][0] not in script.MIXTURE


def test_an_unknown_problem_is_refused(tmp_path):
    found = subprocess.run(
        [sys.executable, SCRIPT, "sudoku", "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 2
    assert "there is no problem 'sudoku'; the problems are gisp, " in found.stderr
    assert not (tmp_path / "out").exists()
