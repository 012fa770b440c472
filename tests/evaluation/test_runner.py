"""Plans, isolation, resuming and refusing: real runs in processes of their own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.evaluation.records import Finished, Protocol, read_record, slug
from kida.evaluation.results import load_results
from kida.evaluation.runner import evaluate
from kida.evaluation.trials import Trial, plan
from kida.instances.registry import digest_of, instances
from kida.jobs.run import Workers

FAST = Protocol(time_limit=0.5)

RULES = """
import os, time

def first(observation, candidates):
    return 0

def crash(observation, candidates):
    os.kill(os.getpid(), 11)

def fail(observation, candidates):
    raise ZeroDivisionError("no branching today")

def wrong(observation, candidates):
    return len(candidates)

def vague(observation, candidates):
    return float("nan")
"""


@pytest.fixture
def rules(tmp_path, monkeypatch):
    (tmp_path / "kida_runner_rules.py").write_text(RULES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return "kida_runner_rules"


@pytest.fixture(scope="module")
def placement():
    return instances("item_placement", count=3)


def test_policies_take_turns(placement):
    runs = plan(placement, [0, 1], ["a", "b", "c"])
    assert len(runs) == len(set(runs)) == 18
    order = [(run.seed, run.instance.index) for run in runs[::3]]
    assert order == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [run.policy for run in runs[:9]] == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]


def test_nonsense_plans_are_refused(placement):
    with pytest.raises(UserError, match="no instance"):
        plan([], [0], ["a"])
    with pytest.raises(UserError, match="no policy"):
        plan(placement, [0], [])
    with pytest.raises(UserError, match="seed is named twice"):
        plan(placement, [0, 0], ["a"])
    with pytest.raises(UserError, match="differ in punctuation"):
        plan(placement, [0], ["runs/a", "runs:a"])


def test_file_names_are_safe(placement):
    assert slug("runs/ip/../policy") == "runs-ip-policy"
    name = Trial(placement[0], 3, "module:rule").file_name
    assert name == "item_placement_10000.3.module-rule.json"


def test_protocols_need_a_finite_limit():
    assert Protocol().seconds == 900
    assert Protocol("research").seconds == 3600
    with pytest.raises(UserError, match="give --time-limit"):
        Protocol("default")
    with pytest.raises(UserError, match="must be a positive"):
        Protocol(time_limit=0)


@pytest.fixture
def own_results(results_folder, tmp_path):
    """Return a copy of the results, since whoever evaluates locks the folder."""
    return shutil.copytree(results_folder, tmp_path / "results")


def test_records_hold_all_that_is_needed(own_results):
    paths = sorted((own_results / "runs").glob("*.json"))
    assert len(paths) == 4
    record = read_record(paths[0])
    assert isinstance(record, Finished)
    assert record.versions["scip"].startswith("10.")
    assert record.machine.cores == os.cpu_count()
    assert record.policy_identity.startswith("scip ")
    assert record.job.time_limit == 1
    assert record.job.digest == digest_of(record.job.instance)
    assert 0 < record.cpu_share < 1.5
    if hasattr(os, "sched_getaffinity"):
        assert record.job.core in os.sched_getaffinity(0)
    protocol = json.loads((own_results / "protocol.json").read_text())
    assert protocol["settings"] == "competition"
    assert protocol["scip"].startswith("10.")
    assert protocol["version"] == 2


def test_finished_runs_are_not_done_again(own_results):
    paths = sorted((own_results / "runs").glob("*.json"))
    before = [path.stat().st_mtime_ns for path in paths]
    missing, records = [], []
    runs = plan(instances("item_placement", count=2), [0], ["mostinf", "pscost"])
    evaluate(
        runs,
        Protocol(time_limit=1.0),
        own_results,
        on_begin=missing.append,
        on_record=records.append,
    )
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert missing == [0]
    assert not records


@pytest.mark.parametrize(
    "other",
    [Protocol(time_limit=2.0), Protocol("research", 1.0), Protocol(time_limit=1, permute=True)],
)
def test_another_protocol_is_refused(own_results, placement, other):
    with pytest.raises(UserError, match="name another folder"):
        evaluate(plan(placement, [0], ["mostinf"]), other, own_results)


def test_a_folder_of_something_else_is_refused(tmp_path, placement):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(UserError, match="not empty"):
        evaluate(plan(placement, [0], ["mostinf"]), FAST, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_unknown_policies_are_refused_before_anything_is_written(tmp_path, placement):
    with pytest.raises(UserError, match="no policy 'nonesuch'"):
        evaluate(plan(placement, [0], ["mostinf", "nonesuch"]), FAST, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_too_many_jobs_are_refused(tmp_path, placement):
    with pytest.raises(UserError, match="would disturb each other"):
        evaluate(plan(placement, [0], ["mostinf"]), FAST, tmp_path / "new", Workers(10_000))


def test_a_policy_may_have_nothing_to_decide(tmp_path):
    """SCIP solves test instance 3 of easy fixed charge networks at the root."""
    instance = instances("fixed_charge_network", start=3, count=1, size="easy")
    protocol = Protocol("research", time_limit=20)
    (run,) = plan(instance, [0], ["item_placement"])
    evaluate([run], protocol, tmp_path / "out")
    record = read_record(tmp_path / "out" / "runs" / run.file_name)
    assert isinstance(record, Finished)
    assert record.result.limit is None
    assert record.result.branching.decisions == 0


@pytest.mark.slow
def test_failures_are_recorded_and_harm_no_other_run(tmp_path, placement, rules):
    folder = tmp_path / "results"
    policies = [f"{rules}:{name}" for name in ("crash", "fail", "wrong", "vague", "first")]
    records = []
    evaluate(plan(placement[:1], [0], policies), FAST, folder, on_record=records.append)
    errors = {record.job.policy.partition(":")[2]: record.error for record in records}
    assert "SIGSEGV" in errors["crash"]
    assert "ZeroDivisionError: no branching today" in errors["fail"]
    assert "IndexError" in errors["wrong"]
    assert "TypeError" in errors["vague"]
    assert errors["first"] is None

    # Kept as they are, until they are asked for again.
    again = []
    evaluate(plan(placement[:1], [0], policies), FAST, folder, on_record=again.append)
    assert not again
    retried = plan(placement[:1], [0], policies[1:2])
    evaluate(retried, FAST, folder, retry_failed=True, on_record=again.append)
    assert len(again) == 1

    # The same name for another function: its runs cannot be mixed.
    path = Path("kida_runner_rules.py")
    path.write_text(path.read_text() + "\n# changed\n")
    with pytest.raises(UserError, match="holds runs of another policy"):
        evaluate(plan(placement[:1], [0], policies[-1:]), FAST, folder)


def processes_of(folder):
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    return [line for line in commands if b"kida.jobs.worker" in line and bytes(folder) in line]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("send", "number", "status"),
    # Ctrl-C reaches the whole group, a batch system's signal perhaps the command alone.
    [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143)],
    ids=["SIGINT", "SIGTERM"],
)
def test_signals_keep_finished_runs_and_leave_no_process(tmp_path, send, number, status):
    folder = tmp_path / "results"
    command = [sys.executable, "-m", "kida", "evaluate", "item_placement", "--count", "3"]
    command += ["--policies", "mostinf", "--time-limit", "1", "--out", str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert "3 runs of at most 1 s" in process.stdout.readline()
    assert "[1/3]" in process.stdout.readline()
    send(process.pid, number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    assert "Warning" not in errors
    finished = list((folder / "runs").glob("*.json"))
    assert 1 <= len(finished) < 3
    # The run that was under way notices that nobody waits for it.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not processes_of(folder):
            break
        time.sleep(0.1)
    else:
        pytest.fail("a run has survived its evaluation")


@pytest.mark.slow
def test_a_cluster_does_the_same(tmp_path, placement):
    distributed = pytest.importorskip("distributed", reason="the extra cluster is missing")
    folder = tmp_path / "results"
    records = []
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        evaluate(
            plan(placement[:2], [0], ["mostinf"]),
            FAST,
            folder,
            Workers(scheduler=cluster.scheduler_address),
            on_record=records.append,
        )
    assert [record.error for record in records] == [None, None]
    assert len(list((folder / "runs").glob("*.json"))) == 2


def test_files_of_one_name_are_not_taken_for_each_other(tmp_path):
    """Two folders with files of equal names, evaluated one after the other into one folder."""
    problem = "maximize\n {} x + 2 y\nsubject to\n c: 3 x + 2 y <= 4\nbinaries\n x y\nend\n"
    runs = []
    for folder, price in (("small", 1), ("large", 9)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "instance_1.lp").write_text(problem.format(price))
        runs += plan(instances(str(tmp_path / folder), "all"), [0], ["default"])
    out = tmp_path / "out"
    for run in runs:
        evaluate([run], FAST, out)
    first, second = (read_record(out / "runs" / run.file_name) for run in runs)
    assert (first.result.dual_bound, second.result.dual_bound) == (2, 9)
    assert first.job.digest != second.job.digest
    labels = [row.instance for row in load_results([out]).rows]
    assert sorted(labels) == sorted(f"instance_1 [{r.job.digest[:6]}]" for r in (first, second))
    # A file that has changed is another instance.
    (tmp_path / "small" / "instance_1.lp").write_text(problem.format(5))
    missing = []
    evaluate(runs[:1], FAST, out, on_begin=missing.append)
    assert missing == [1]
    assert len(load_results([out]).rows) == 3


def test_old_records_of_files_are_not_taken_for_the_same_run(tmp_path, knapsack):
    (run,) = plan(instances(str(knapsack)), [0], ["default"])
    out = tmp_path / "out"
    evaluate([run], FAST, out)
    new = out / "runs" / run.file_name
    content = json.loads(new.read_text())
    del content["version"], content["job"]["digest"]
    (out / "runs" / run.old_file_name).write_text(json.dumps(content))
    new.unlink()
    assert [row.instance for row in load_results([out]).rows] == ["knapsack"]
    with pytest.raises(UserError, match="do not say which content of knapsack"):
        evaluate([run], FAST, out)


def test_the_users_own_parameters_are_set_and_belong_to_the_protocol(tmp_path):
    runs = plan(instances("item_placement", count=1), [0], ["pscost"])
    few = Protocol(time_limit=5.0, user_parameters={"limits/totalnodes": 3})
    evaluate(runs, few, tmp_path / "r")
    record = read_record(tmp_path / "r" / "runs" / runs[0].file_name)
    assert isinstance(record, Finished)
    assert record.result.limit == "nodes"
    assert record.result.nodes == 3
    assert record.job.user_parameters == {"limits/totalnodes": 3}
    assert record.result.time_split["lp"] == record.result.lp_time
    with pytest.raises(UserError, match="user_parameters"):
        evaluate(runs, Protocol(time_limit=5.0), tmp_path / "r")


@pytest.mark.slow
def test_runs_under_other_initial_bounds_are_not_gone_on_with(knapsack, tmp_path):
    trials = plan(instances(str(knapsack)), [0], ["default"])
    evaluate(trials, FAST, tmp_path / "r")
    evaluate(trials, FAST, tmp_path / "r")
    knapsack.with_suffix(".json").write_text(json.dumps({"primal_bound": 1.0}))
    with pytest.raises(UserError, match=r"knapsack with other initial bounds .* another folder"):
        evaluate(trials, FAST, tmp_path / "r")
