"""Records and protocols: written and read unchanged, those of before, and what is refused."""

import json
import math
from pathlib import Path

import pytest

from kida.boundary import LARGEST_SEED, checked, plain, write_json
from kida.errors import UserError
from kida.evaluation.records import (
    Failed,
    Finished,
    Protocol,
    read_protocol,
    read_record,
)
from kida.instances.registry import digest_of


def example() -> dict:
    """A record as version 1 wrote them, of a file."""
    instance = {
        "name": "instance_1",
        "family": "small/test",
        "size": "given",
        "split": "test",
        "index": 0,
        "path": "/problems/small/test/instance_1.lp",
    }
    return {
        "job": {
            "instance": instance,
            "seed": 0,
            "permutation_seed": 1,
            "policy": "default",
            "settings": "competition",
            "time_limit": 1.0,
            "node_limit": None,
            "memory_limit": None,
            "core": 0,
            "jobs": 1,
            "patience": 3602.0,
            "command": ["kida", "evaluate"],
        },
        "error": None,
        "policy_identity": "scip {}",
        "initial_primal_bound": None,
        "initial_dual_bound": 5.4,
        "machine": {"processor": "some", "cores": 2},
        "versions": {"scip": "10.0.0", "kida": "0.1.0"},
        "started": "2026-01-01T00:00:00+00:00",
        "load": [0.1, None],
        "cpu_share": 0.99,
        "disturbed": [],
        "result": {
            "reason": "feasible",
            "limit": "time",
            "status": "timelimit",
            "sense": "minimize",
            "dual_bound": 6.0,
            "primal_bound": 1e20,
            "gap": None,
            "has_solution": False,
            "wall_time": 1.5,
            "cpu_time": 1.4,
            "nodes": 3,
            "fair_nodes": 3,
            "lp_iterations": 100,
            "lp_time": 0.5,
            "strong_branching_time": 0.2,
            "branching": None,
            "trajectory": {
                "sense": "minimize",
                "root_end_wall": 0.5,
                "root_end_cpu": None,
                "wall": [0.0, 0.5, 1.5],
                "cpu": [0, 0.5, 1.4],
                "dual": [-1e20, 5, 6.0],
                "primal": [1e20, 1e20, 1e20],
                "nodes": [0, 1, 3],
            },
        },
    }


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "record.json"


def test_records_of_before_are_read(path):
    path.write_text(json.dumps(example()))
    record = read_record(path)
    assert isinstance(record, Finished)
    assert (record.version, record.job.digest) == (1, "")
    assert record.job.key == ("instance_1", "", 0, "default")
    generated = example()
    generated["job"]["instance"] |= {"family": "set_cover", "size": "easy", "path": None}
    path.write_text(json.dumps(generated))
    job = read_record(path).job
    assert job.digest == digest_of(job.instance) != ""


def test_records_come_back_unchanged(path):
    path.write_text(json.dumps(example()))
    record = read_record(path)
    write_json(path, record)
    assert read_record(path) == record
    assert json.loads(path.read_text()) == example() | {
        "version": 1,
        "job": example()["job"] | {"digest": "", "user_parameters": {}, "keep": []},
        "integers": {},
        "pseudocosts": {},
        "result": example()["result"] | {"time_split": {}},
    }
    failed = Failed(job=record.job, error="Traceback:\nValueError: no")
    write_json(path, failed)
    assert read_record(path) == failed
    assert failed.reason == "ValueError: no"
    assert failed.version == 2
    assert Failed(job=record.job, error=" \n").reason == "no reason given"


def changed(place: str, value: object) -> dict:
    content = example()
    *tables, last = place.split(".")
    table = content
    for name in tables:
        table = table[name]
    table[last] = value
    return content


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("version", 3, "version is 3; choose one of 1, 2"),
        ("novelty", 1, "unknown field `novelty`"),
        ("job.seed", -1, "job.seed is -1"),
        ("job.seed", LARGEST_SEED + 1, "job.seed is"),
        ("job.time_limit", 1e30, r"job.time_limit is 1e\+30"),
        ("job.time_limit", 0, "job.time_limit is 0"),
        ("job.instance", "x", "job.instance is 'x'"),
        ("job.instance.index", "0", "job.instance.index is '0'; expected `int`"),
        ("job.digest", "xyz", "job.digest is 'xyz'"),
        ("job.policy", 7, "job.policy is 7"),
        ("job.policy", "p" * 20_000, "job.policy is"),
        ("error", 5, "error is 5"),
        ("machine", None, "machine: expected `object`, got `null`"),
        ("versions", {"scip": 10}, "versions.scip is 10"),
        ("load", [1.0], "load: expected"),
        ("load", [math.nan, 0.0], "is not a run's record"),
        ("initial_dual_bound", 1e21, r"initial_dual_bound is 1e\+21"),
        ("result", None, "result: expected `object`, got `null`"),
        ("result.nodes", 1.5, "result.nodes is 1.5"),
        ("result.nodes", -1, "result.nodes is -1"),
        ("result.sense", "u" * 100_000, "result.sense is 'uuu"),
        ("a\nb" * 1000, 1, "unknown field"),
        ("result.sense", "up", "result.sense is 'up'; choose one of minimize, maximize"),
        ("result.wall_time", -1.0, "result.wall_time is -1.0"),
        ("result.branching", {}, "result.branching: object missing required field"),
        ("result.trajectory.wall", [], "result.trajectory.wall: expected"),
        ("result.trajectory.wall", [0.0, 2.0, 1.5], "result.trajectory: wall decreases"),
        ("result.trajectory.wall", [0.0, 0.5], "result.trajectory: .*shape"),
        ("result.trajectory.dual", [0.0, "x", 1.0], r"result.trajectory.dual\[1\] is 'x'"),
        ("result.trajectory.dual", [0.0, 1e300, 1.0], r"result.trajectory.dual\[1\] is 1e\+300"),
        ("result.trajectory.nodes", [0, 0.5, 1], r"result.trajectory.nodes\[1\] is 0.5"),
        ("result.trajectory.root_end_wall", -0.5, "result.trajectory.root_end_wall is -0.5"),
    ],
)
def test_wrong_records_are_refused_with_file_and_field(path, place, value, message):
    path.write_text(json.dumps(changed(place, value)))
    with pytest.raises(UserError, match=message) as caught:
        read_record(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_programs_are_checked_alike(path):
    path.write_text(json.dumps(example()))
    record = read_record(path)
    assert checked(record) == record
    assert plain(record)["job"]["instance"]["name"] == "instance_1"


def test_protocols_of_before_are_read(tmp_path):
    assert read_protocol(tmp_path) is None
    file = tmp_path / "protocol.json"
    old = {"settings": "competition", "time_limit": 60.0, "node_limit": None}
    file.write_text(json.dumps(old | {"memory_limit": None, "permute": False, "scip": "10.0.0"}))
    found = read_protocol(tmp_path)
    assert found == Protocol(time_limit=60.0, scip="10.0.0", version=1)
    assert found.difference(Protocol(time_limit=60.0, scip="10.0.0")) is None
    assert found.difference(Protocol(time_limit=9.0)) == ("time_limit", 60.0, 9.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "protocol.json is not a folder's protocol"),
        ("[]", "expected `object`"),
        ('{"settings": "mine"}', "no settings named 'mine'"),
        ('{"settings": 3}', "settings is 3"),
        ('{"time_limit": -1}', "time_limit is -1"),
        ('{"time_limit": 1e30}', "time_limit is 1e"),
        ('{"node_limit": 0}', "node_limit is 0"),
        ('{"settings": "default"}', "no time limit"),
        ('{"speed": 1}', "unknown field `speed`"),
        (" " * 5_000_000, "more than 4096 KiB"),
    ],
)
def test_wrong_protocols_are_refused(tmp_path, content, message):
    (tmp_path / "protocol.json").write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        read_protocol(tmp_path)
    assert str(tmp_path) in str(caught.value)
