"""What users point the commands at: few files, odd names, maximisation, nonlinear problems."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pyscipopt import Model, quicksum

from kida.cli import main
from kida.network.policy import shipped


@pytest.fixture
def nonlinear(tmp_path: Path) -> Path:
    """A problem with products of variables, which is not solved at the root."""
    draw, model = random.Random(0), Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", "I", ub=9) for i in range(14)]
    y = [model.addVar(f"y{i}", lb=-5, ub=5) for i in range(4)]
    for row in range(4):
        products = (x[i] * y[(i + row) % 4] * draw.randint(-4, 4) for i in range(14))
        squares = (draw.randint(1, 3) * v * v for v in x)
        model.addCons(quicksum(products) + quicksum(squares) <= 190.5)
    model.addCons(quicksum(draw.randint(1, 9) * v for v in x) <= 131.5)
    gains = quicksum(draw.randint(1, 9) * v for v in x)
    model.setObjective(gains + quicksum(draw.randint(-9, 9) * v for v in y), "maximize")
    path = tmp_path / "bent.cip"
    model.writeProblem(str(path), verbose=False)
    return path


def kida(*arguments: object) -> str:
    """Run the command as a shell does, and return all that it says."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "kida", *map(str, arguments)],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).decode()


def folder_of(knapsack: Path, *names: str) -> Path:
    folder = knapsack.parent / "mine"
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(knapsack, folder / name)
    return folder


def evaluated(capsys, *arguments: object) -> str:
    more = ["--policies", "pscost,mostinf", "--time-limit", "0.5"]
    assert main(["evaluate", *map(str, arguments), *more]) == 0
    return capsys.readouterr().out


@pytest.mark.slow
def test_evaluate_takes_what_the_user_points_at_and_says_so(capsys, knapsack, tmp_path):
    folder = folder_of(knapsack, "实例甲.mps", "实例乙.mps", "c.mps")
    said = evaluated(capsys, folder, "--out", tmp_path / "all")
    assert f"evaluating all 3 files of {folder} ('kida train' keeps 1 of them for tests" in said
    assert "[6/6]" in said
    said = evaluated(capsys, folder, "--split", "test", "--out", tmp_path / "test")
    assert "[2/2]" in said
    folder = folder_of(knapsack, "test/a.mps", "train/b.mps", "train/c.mps")
    said = evaluated(capsys, folder, "--out", tmp_path / "named")
    assert "evaluating the 1 in the folder test of the 6 files of" in said
    assert main(["evaluate", str(folder), "--split", "valid", "--policies", "default"]) == 2
    assert "no file in its valid split, or that range (2 in train, 0 in" in capsys.readouterr().err


@pytest.mark.slow
def test_a_maximisation_is_shown_as_one(capsys, knapsack, tmp_path):
    best = Model()
    best.hideOutput()
    best.readProblem(str(knapsack))
    best.optimize()
    value, out = best.getObjVal(), tmp_path / "out"
    said = evaluated(capsys, knapsack, "--out", out)
    (line,) = [row.split() for row in said.splitlines() if row.split()[:3] == ["pscost", "1", "0"]]
    reward, bound = float(line[4]), float(line[5])
    # Over half a second the bound fell from above the optimum.
    assert value / 2 <= reward < value
    assert bound >= value - 1e-6
    assert "cumulated reward (lower is better)" in said
    assert "lower is better" in (out / "summary.txt").read_text()
    assert main(["report", str(out)]) == 0
    assert "mean over seeds; lower is better" in (out / "report" / "report.html").read_text()
    capsys.readouterr()
    command = ["compare", str(knapsack), "--policies", "pscost", "--time-limit", "0.5"]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "lower is better" in said
    (row,) = [row for row in said.splitlines() if row.startswith("│ pscost")]
    assert float(row.replace("│", " ").split()[-1]) > value / 2 * 0.999


@pytest.mark.slow
def test_a_nonlinear_problem_is_never_shown_under_a_policys_name(capfd, nonlinear, tmp_path):
    file, out = nonlinear, tmp_path / "out"
    arguments = ["--policies", "set_cover,default", "--time-limit", "1"]
    assert main(["evaluate", str(file), *arguments, "--out", str(out)]) == 0
    said = capfd.readouterr().out
    assert "bent, seed 0, SCIP's own rules (not set_cover): " in said
    assert "set_cover left 1 run to SCIP's own rules, because the problem is not linear" in said
    rows = [row.split("  ")[1] for row in said.splitlines() if row.startswith("  S")]
    assert rows
    assert "\n  set_cover " not in said
    said = kida("compare", file, *arguments)
    assert "SCIP's own rules" in said
    assert "│ set_cover " not in said
    said = kida("solve", file, "--model", "set_cover", "--time-limit", 1)
    assert "by SCIP's own rules: the problem is not linear" in said


@pytest.mark.slow
def test_folders_and_files_that_are_not_utf8(knapsack):
    folder = Path(os.fsdecode(os.fsencode(knapsack.parent) + b"/gr\xf6\xdfe"))
    policy, out = folder / os.fsdecode(b"m\xfcde"), folder / os.fsdecode(b"erg\xe4nzt")
    shutil.copytree(shipped()["set_cover"], policy)
    problem = folder / os.fsdecode(b"\xfcbung.mps")
    shutil.copy(knapsack, problem)
    said = kida("evaluate", problem, "--policies", f"{policy},default", "--time-limit", 1,
                "--out", out)  # fmt: skip
    assert r"\xfcbung, seed 0, default: " in said
    assert r"m\xfcde" in (out / "summary.txt").read_text(encoding="utf-8")
    assert "2 of 2 runs are in" in kida("evaluate", problem, "--policies", f"{policy},default",
                                        "--time-limit", 1, "--out", out)  # fmt: skip
    assert "report.html" in kida("report", out)
    solution = out / os.fsdecode(b"\xfc.sol")
    kida("solve", problem, "--model", policy, "--time-limit", 1, "--solution", solution)
    assert b"objective value" in solution.read_bytes()
    assert "sense" in kida("instances", "describe", problem)
