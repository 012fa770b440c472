"""The example in C: built with the installed libkida and the libscip of PySCIPOpt, and the same
nodes as from Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pyscipopt import Model

import kida
from kida.network.card import Card
from kida.network.policy import Policy, shipped

ROOT = Path(__file__).parents[2]
NODES = 30

pytestmark = pytest.mark.slow


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*map(str, command)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs; without a problem, the last step is the program's usage."""
    if shutil.which("cmake") is None or shutil.which("cc") is None:
        pytest.skip("there is no CMake or no C compiler")
    if sys.platform == "darwin":
        pytest.skip("no program can be linked to the SCIP inside PySCIPOpt's wheel for macOS")
    folder = tmp_path_factory.mktemp("c") / "build"
    done = run(ROOT / "examples" / "c" / "run.sh", sys.executable, folder)
    assert done.stderr.startswith("usage: "), done.stderr
    assert done.returncode == 2
    return folder


@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_the_header_is_also_for_cpp(tmp_path: Path, standard: str) -> None:
    if shutil.which("c++") is None:
        pytest.skip("there is no C++ compiler")
    # As SCIP's def.h and type_retcode.h have them.
    (tmp_path / "program.cpp").write_text(
        "#include <kida.h>\n"
        "enum SCIP_Retcode { SCIP_OKAY = 1, SCIP_ERROR = 0 };\n"
        "typedef enum SCIP_Retcode SCIP_RETCODE;\n"
        "#define SCIP_CALL(x) do { SCIP_RETCODE _restat_; \\\n"
        "  if( (_restat_ = (x)) != SCIP_OKAY ) return _restat_; } while( false )\n"
        "SCIP_RETCODE include(Scip* scip) {\n"
        '  SCIP_CALL( SCIP_RETCODE(kida_include(scip, "models/set_cover")) );\n'
        "  KidaStatistics seen;\n"
        "  return SCIP_RETCODE(kida_statistics(scip, &seen, sizeof seen));\n"
        "}\n"
    )
    warnings = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-std={standard}")
    header = f"-I{ROOT / 'kida' / 'cpp' / 'include'}"
    done = run("c++", "-fsyntax-only", *warnings, header, tmp_path / "program.cpp")
    assert done.returncode == 0, done.stderr


def test_it_takes_the_same_nodes_as_python(built: Path) -> None:
    problem = ROOT / "instances" / "item_placement_9900.mps.gz"
    done = run(built / "solve", problem, shipped()["item_placement"], NODES)
    assert done.returncode == 0, done.stderr
    model = Model()
    model.hideOutput()
    model.readProblem(str(problem))
    model.setParam("limits/nodes", NODES)
    brancher = kida.attach(model, "item_placement")
    model.optimize()
    decisions = brancher.statistics.decisions
    assert decisions > 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"primal bound {model.getPrimalbound():.9g}"
    assert lines[1] == f"dual bound {model.getDualbound():.9g}"
    assert lines[2] == f"nodes {model.getNNodes()}"
    assert lines[3].startswith(f"decisions {decisions}, of ")


def test_what_is_wrong_is_said(built: Path, knapsack: Path, tmp_path: Path) -> None:
    done = run(built / "solve", knapsack, tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path} holds no card.json" in done.stderr


def test_a_policy_may_bring_starting_values(built: Path, knapsack: Path, tmp_path: Path) -> None:
    Policy({}, Card(None, start={f"x{k}": 0.0 for k in range(25)})).save(tmp_path / "policy")
    done = run(built / "solve", knapsack, tmp_path / "policy", 1)
    assert done.returncode == 0, done.stderr
    assert "decisions 0," in done.stdout


def test_the_shell_branches_by_the_policy(built: Path, knapsack: Path) -> None:
    commands = f"set presolving maxrounds 0 read {knapsack} optimize display statistics quit"
    done = run(built / "shell", "-c", commands, KIDA_POLICY=str(shipped()["set_cover"]))
    assert done.returncode == 0, done.stderr
    assert "\n  kida             :" in done.stdout
    done = run(built / "shell", "-c", "quit", KIDA_POLICY="nowhere")
    assert done.returncode == 2
    assert "there is no policy nowhere" in done.stderr
