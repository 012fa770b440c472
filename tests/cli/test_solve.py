"""``kida solve`` as a user calls it: results, files, and one sentence for every mistake."""

import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from pyscipopt import Model, quicksum

from kida.cli import main
from kida.network.steering import by_one_feature

INSTANCES = Path(__file__).parents[2] / "instances"


@pytest.fixture
def policy(make_policy, tmp_path):
    make_policy().save(tmp_path / "policy")
    return tmp_path / "policy"


def refused(capsys, *arguments):
    """Return the one sentence with which the command refuses."""
    assert main(["solve", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("kida: ")
    assert said.err.count("\n") == 1
    return said.err


def test_a_file_with_a_network(capsys, knapsack, policy, tmp_path):
    output = tmp_path / "best.sol"
    arguments = ["solve", str(knapsack), "--model", str(policy), "--solution", str(output)]
    assert main(arguments) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["status"] == "optimal (optimal)"
    assert lines["gap"] == "0.00 %"
    assert "decisions" in lines["branching"]
    assert lines["solution"] == str(output)
    model = Model()
    model.hideOutput()
    model.readProblem(str(knapsack))
    model.optimize()
    assert output.read_text().startswith("objective value:")
    assert float(output.read_text().split()[2]) == pytest.approx(model.getObjVal())


def test_what_is_steered_is_told(capsys, tmp_path):
    by_one_feature("noise", shortlists=(2,)).save(tmp_path / "steering")
    instance = INSTANCES / "combinatorial_auction_easy_valid_0.mps.gz"
    arguments = ["solve", str(instance), "--model", str(tmp_path / "steering")]
    assert main([*arguments, "--node-limit", "30"]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    told = re.fullmatch(
        r"SCIP's own rule chose in (\d+), and among all candidates at (\d+) looks",
        lines["shortlists"],
    )
    assert int(told[2]) > 0


@pytest.mark.slow
def test_a_generated_instance_under_competition_settings(capsys):
    arguments = ["item_placement:test:0", "--model", "mostinf", "--settings", "competition"]
    assert main(["solve", *arguments, "--time-limit", "0.5"]) == 0
    said = capsys.readouterr().out
    assert "timelimit (stopped by the time limit, no solution found)" in said
    assert "586.8111255 (objective limit)" in said


def test_a_nonlinear_problem_is_left_to_scip_with_one_warning(tmp_path, policy):
    model = Model()
    model.hideOutput()
    x = [model.addVar(f"x{i}", vtype="I", lb=-5, ub=5) for i in range(6)]
    z = model.addVar("z", lb=None)
    model.addCons(quicksum((i + 1.5) * v for i, v in enumerate(x)) <= 7.3)
    model.addCons(z >= quicksum((v - 0.3 * i) ** 2 for i, v in enumerate(x)) + x[0] * x[1])
    model.setObjective(z)
    path = tmp_path / "nonlinear.cip"
    model.writeProblem(str(path), verbose=False)
    # In a process of its own, because here warnings are errors.
    command = [sys.executable, "-m", "kida", "solve", str(path), "--model", str(policy)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0
    assert "optimal (optimal)" in process.stdout
    assert "the problem is not linear" in process.stdout
    assert process.stderr.startswith("kida: warning: kida declines to branch")
    assert process.stderr.count("\n") == 1


def test_ones_own_settings_hold_beside_the_policys(capsys, knapsack, tmp_path):
    own = tmp_path / "scip.set"
    own.write_text("limits/nodes = 1\nseparating/maxrounds = 0\nfoo/bar = 1\nlimits/time = 50\n")
    assert main(["solve", str(knapsack), "--set-file", str(own)]) == 0
    said = capsys.readouterr().out
    assert "SCIP does not know foo/bar" in said
    assert "stopped by the nodes limit" in said
    assert "there is no file" in refused(capsys, knapsack, "--set-file", tmp_path / "none.set")


def test_nothing_is_overwritten(capsys, knapsack, tmp_path):
    output = tmp_path / "best.sol"
    output.write_text("precious")
    assert "exists already" in refused(capsys, knapsack, "--solution", output)
    assert output.read_text() == "precious"


def test_wrong_instances(capsys, tmp_path):
    assert "there is no file" in refused(capsys, tmp_path / "none.mps")
    assert "is a folder; name one of the files in it" in refused(capsys, tmp_path)
    hostile = tmp_path / "a\x1b[31m\nb.mps"
    hostile.write_text("this is no problem\n")
    assert r"a\x1b[31m\nb.mps" in refused(capsys, hostile)
    garbage = tmp_path / "garbage.mps"
    garbage.write_text("this is no problem\n")
    assert "garbage.mps" in refused(capsys, garbage)
    assert "not FAMILY:SPLIT:INDEX" in refused(capsys, "item_placement:test")
    assert "split" in refused(capsys, "item_placement:exam:0")
    assert "100 instances" in refused(capsys, "item_placement:test:100")
    assert "nonesuch" in refused(capsys, "nonesuch:test:0")


def test_a_full_disk_for_temporary_files_costs_no_result(capsys, knapsack, tmp_path, monkeypatch):
    full = tmp_path / "full"
    full.write_text("no folder: nothing can be written in it")
    monkeypatch.setattr(tempfile, "TemporaryDirectory", lambda: nullcontext(str(full)))
    output = tmp_path / "best.sol"
    assert main(["solve", str(knapsack), "--solution", str(output)]) == 0
    assert "optimal (optimal)" in capsys.readouterr().out
    assert output.exists()


@pytest.mark.parametrize("limit", ["0", "-3", "nan"])
def test_wrong_limits(capsys, knapsack, limit):
    assert "--time-limit is" in refused(capsys, knapsack, "--time-limit", limit)


def test_wrong_names(capsys, knapsack):
    assert "no policy 'nonesuch'" in refused(capsys, knapsack, "--model", "nonesuch")
    assert "no settings named" in refused(capsys, knapsack, "--settings", "nonesuch")
    assert "--seed is -1" in refused(capsys, knapsack, "--seed=-1")


def test_damaged_policies(capsys, knapsack, policy):
    weights, card = policy / "weights.safetensors", policy / "card.json"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    assert "truncated" in refused(capsys, knapsack, "--model", policy)
    weights.write_bytes(whole)
    content = json.loads(card.read_text())
    card.write_text(json.dumps(content | {"architecture": {"embedding_size": 16}}))
    assert "do not belong together" in refused(capsys, knapsack, "--model", policy)
    card.write_text(json.dumps(content | {"schema_version": 99}))
    assert "schema version 99" in refused(capsys, knapsack, "--model", policy)
    card.unlink()
    assert "card.json" in refused(capsys, knapsack, "--model", policy)


#: Lines of progress that come every few seconds, not every minute.
SOON = """
from kida.cli import command, live
live.PLAIN_INTERVAL = 5.0
command()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_solve_prints_its_result(number, status, tmp_path):
    output = tmp_path / "best.sol"
    command = [sys.executable, "-c", SOON, "solve", "item_placement:test:0"]
    command += ["--solution", str(output), "--time-limit", "600"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # By the first line of progress there is a solution.
    line = process.stderr.readline()
    assert "dual bound 5.4" in line
    assert "primal none" not in line
    # Twice, as from whatever signals a command and its group: it is the same request.
    process.send_signal(number)
    time.sleep(0.01)
    process.send_signal(number)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == status
    assert errors == ""
    lines = {line[:14].strip(): line[15:] for line in printed.splitlines()}
    assert lines["status"] == "userinterrupt (interrupted, feasible)"
    assert lines["solution"] == str(output)
    assert float(output.read_text().split()[2]) == pytest.approx(float(lines["primal bound"]))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupt_before_there_is_a_result_says_so():
    command = [sys.executable, "-c", AT_ONCE, "solve", "item_placement:test:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "kida: interrupted before there was a result\n"


#: Ctrl-C as soon as the solve's process has been started, in which Python has yet to begin.
AT_ONCE = """
import signal, sys
from kida.cli import main
from kida.jobs import run

wait = run.wait_for_any

def interrupted(*arguments):
    run.wait_for_any = wait
    signal.raise_signal(signal.SIGINT)
    return []

run.wait_for_any = interrupted
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_with_130():
    command = [sys.executable, "-m", "kida", "compare", "item_placement:test:0"]
    command += ["--policies", "mostinf", "--time-limit", "600"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "item_placement_10000" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "kida: interrupted; everything finished so far is on disk\n"


def test_a_large_tree_under_scips_default_mentions_tuning_once(capsys, monkeypatch, knapsack):
    monkeypatch.setattr("kida.cli.solve._LARGE_TREE", 2)
    assert main(["solve", str(knapsack)]) == 0
    assert capsys.readouterr().err.count("kida tune") == 1
    assert main(["solve", str(knapsack), "--model", "pscost"]) == 0
    assert "kida tune" not in capsys.readouterr().err


def test_a_small_tree_mentions_nothing(capsys, knapsack):
    assert main(["solve", str(knapsack), "--node-limit", "1"]) == 0
    assert capsys.readouterr().err == ""
