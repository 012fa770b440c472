"""Records to rows and tables: measures of real runs, and damaged folders."""

import csv
import itertools
import json
import shutil

import numpy as np
import pytest

from kida.errors import UserError
from kida.evaluation.results import OFFICIAL_COLUMNS, load_results, write_tables


def test_rows_are_what_the_runs_gave(results_folder):
    results = load_results([results_folder])
    assert results.policies == ["mostinf", "pscost"]
    assert [row.instance for row in results.rows] == ["item_placement_10000"] * 2 + [
        "item_placement_10001"
    ] * 2
    assert not results.failures
    for row, record in zip(results.rows, results.records, strict=True):
        # One second from the root's end, at the root's bound (neither rule moves it so soon).
        assert row.cumulated_reward >= row.initial_dual_bound * (1 - 1e-9)
        assert row.cumulated_reward == pytest.approx(row.initial_dual_bound, rel=0.2)
        assert row.primal_dual_integral == pytest.approx(
            row.initial_primal_bound - row.cumulated_reward, rel=1e-9
        )
        assert row.time == 1
        assert not row.solved
        assert 0 < row.root_time < row.wall_time
        assert row.nodes == record.result.nodes > 1
        assert np.isnan(row.decisions)


def test_rewards_are_the_definitions_on_recorded_trajectories(results_folder):
    """Rectangle after rectangle, straight from the definition of ML4CO's dual task."""
    results = load_results([results_folder])
    for row, record in zip(results.rows, results.records, strict=True):
        path = record.result.trajectory
        begin, end = path.root_end_wall, path.root_end_wall + 1.0
        inside = [t for t in path.wall if begin < t < end]
        expected = 0.0
        for left, right in itertools.pairwise([begin, *inside, end]):
            bound = [d for t, d in zip(path.wall, path.dual, strict=True) if t <= left][-1]
            expected += (right - left) * max(bound, row.initial_dual_bound)
        assert row.cumulated_reward == pytest.approx(expected, rel=1e-9)


def test_tables_begin_with_the_official_columns(results_folder, tmp_path):
    results = load_results([results_folder])
    paths = write_tables(results, tmp_path)
    assert [path.name for path in paths] == ["mostinf.csv", "pscost.csv"]
    with paths[0].open(newline="") as source:
        lines = list(csv.DictReader(source))
    assert tuple(lines[0])[:6] == OFFICIAL_COLUMNS
    assert [line["instance"] for line in lines] == ["item_placement_10000", "item_placement_10001"]
    assert float(lines[0]["cumulated_reward"]) == results.rows[0].cumulated_reward


def test_folders_add_up_only_under_one_protocol(results_folder, tmp_path):
    with pytest.raises(UserError, match="hold the same runs"):
        load_results([results_folder, results_folder])
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, policy in ((one, "pscost"), (other, "mostinf")):
        shutil.copytree(results_folder, folder)
        for path in folder.glob(f"runs/*.{policy}.json"):
            path.unlink()
    together, whole = load_results([one, other]), load_results([results_folder])
    assert [str(row) for row in together.rows] == [str(row) for row in whole.rows]
    protocol = json.loads((other / "protocol.json").read_text())
    (other / "protocol.json").write_text(json.dumps(protocol | {"time_limit": 2.0}))
    with pytest.raises(UserError, match="cannot be compared"):
        load_results([one, other])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time_limit": 77.0}, "time_limit 77.0, but the runs of its folder have"),
        ({"settings": "research"}, "settings 'research', but"),
        ({"node_limit": 5}, "node_limit 5, but"),
        ({"permutation_seed": 3}, "permute True, but"),
        ({"user_parameters": {"separating/maxrounds": 0}}, "user_parameters {'separating"),
    ],
)
def test_runs_of_another_protocol_are_none_of_the_folder(
    results_folder, tmp_path, changed, message
):
    copy = tmp_path / "copy"
    shutil.copytree(results_folder, copy)
    path = min(copy.glob("runs/*.json"))
    copy_record(path, path, **changed)
    with pytest.raises(UserError, match=message):
        load_results([copy])


def test_damaged_folders_are_named(results_folder, tmp_path):
    with pytest.raises(UserError, match="not a folder of results"):
        load_results([tmp_path])
    copy = tmp_path / "copy"
    shutil.copytree(results_folder, copy)
    victim = next(copy.glob("runs/*.json"))
    whole = victim.read_text()
    victim.write_text(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="is not a run's record"):
        load_results([copy])
    content = json.loads(whole)
    del content["result"]["nodes"]
    victim.write_text(json.dumps(content))
    with pytest.raises(UserError, match="result: object missing required field `nodes`"):
        load_results([copy])
    victim.write_text("[]")
    with pytest.raises(UserError, match="move it away"):
        load_results([copy])


def test_failed_runs_are_kept_apart(results_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(results_folder, copy)
    victim = next(copy.glob("runs/*.json"))
    job = json.loads(victim.read_text())["job"]
    victim.write_text(json.dumps({"job": job, "error": "ValueError: no"}))
    # What a kill leaves of a record that was being written is none.
    victim.with_name(f".12ab.{victim.name}").write_text("{")
    results = load_results([copy])
    assert len(results.rows) == 3
    assert [failure.error for failure in results.failures] == ["ValueError: no"]


def copy_record(path, target, **job):
    content = json.loads(path.read_text())
    content["job"] |= job
    target.write_text(json.dumps(content))


def test_a_run_counts_once(results_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(results_folder, copy)
    first = min(copy.glob("runs/*.json"))
    copy_record(first, copy / "runs" / "zz.json")
    with pytest.raises(UserError, match=r"zz\.json hold the same runs"):
        load_results([copy])


def test_what_a_killed_run_has_left_of_its_record_is_no_record(results_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(results_folder, copy)
    first = min(copy.glob("runs/*.json"))
    (copy / "runs" / f".0123456789ab.{first.name}").write_text(first.read_text()[:100])
    names = [record.job.key for record in load_results([copy]).records]
    assert names == [record.job.key for record in load_results([results_folder]).records]


def test_instances_of_one_name_are_told_apart_by_their_content(results_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(results_folder, copy)
    for path in sorted(copy.glob("runs/*_10001.*.json")):
        instance = json.loads(path.read_text())["job"]["instance"] | {"name": "one", "path": "/one"}
        copy_record(path, path, instance=instance, digest="ab" * 8)
        other = path.with_name("other-" + path.name)
        copy_record(path, other, digest="cd" * 8)
        copy_record(path, path.with_name("old-" + path.name), digest="")
    results = load_results([copy])
    names = ["item_placement_10000", "one [ababab]", "one [cdcdcd]", "one [unknown content]"]
    assert sorted({row.instance for row in results.rows}) == names
    assert len(results.rows) == 8
    assert results.label(results.records[-1].job) == "one [unknown content]"


@pytest.mark.parametrize(
    ("settings", "limit", "time"),
    [
        # The competition's clock runs from the end of the root node, which took 50 s.
        ("competition", None, 30.0),
        ("competition", "time", 60.0),
        ("research", None, 60.0),
    ],
)
def test_times_are_on_the_clock_of_the_limit(results_folder, tmp_path, settings, limit, time):
    shutil.copytree(results_folder, tmp_path / "results")
    protocol = tmp_path / "results" / "protocol.json"
    content = json.loads(protocol.read_text()) | {"settings": settings, "time_limit": 60.0}
    protocol.write_text(json.dumps(content))
    (path, *others) = sorted((tmp_path / "results" / "runs").glob("*.json"))
    for other in others:
        other.unlink()
    record = json.loads(path.read_text())
    record["job"] |= {"settings": settings, "time_limit": 60.0}
    record["result"] |= {"limit": limit, "wall_time": 80.0}
    record["result"]["trajectory"] |= {
        "root_end_wall": 50.0,
        "root_end_cpu": 50.0,
        "wall": [40.0, 80.0],
        "cpu": [40.0, 80.0],
        "dual": [1.0, 2.0],
        "primal": [1e20, 2.0],
        "nodes": [1, 9],
    }
    path.write_text(json.dumps(record))
    (row,) = load_results([tmp_path / "results"]).rows
    assert row.time == time
