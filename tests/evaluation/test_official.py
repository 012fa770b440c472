"""The competition's own files: all of them can be read, compared with, and written."""

import csv
import dataclasses
import zipfile

import numpy as np
import pytest

from kida.errors import UserError
from kida.evaluation.official import (
    LARGEST_ARCHIVE,
    LARGEST_TABLE,
    compare_with_official,
    official_plan,
    read_official,
    write_official,
)
from kida.evaluation.records import Protocol
from kida.evaluation.results import OFFICIAL_COLUMNS, load_results
from kida.instances.registry import initial_bounds, instances

pytestmark = pytest.mark.slow

HEADER = ",".join(OFFICIAL_COLUMNS)
LINE = "../../instances/1_item_placement/test/item_placement_1000{}.mps.gz,{},586.8,5.4,0,{}"


def official_text(*rewards: float) -> str:
    lines = [LINE.format(index, index, reward) for index, reward in enumerate(rewards)]
    return "\n".join([HEADER, *lines, ""])


# Means over the 100 test instances, as the organisers published them.
@pytest.mark.parametrize(
    ("team", "family", "mean"),
    [
        ("Nuri", "item_placement", 6684.00),
        ("EI-OROAS", "item_placement", 6670.30),
        ("EFPP", "item_placement", 6487.53),
        ("Nuri", "load_balancing", 630787),
        ("EI-OROAS", "load_balancing", 631744),
        ("KAIST_OSI", "anonymous", 26626411),
    ],
)
def test_published_means(shared_data, team, family, mean):
    source = f"{shared_data / 'ml4co_final_results.zip'}:{team}"
    (found,) = read_official(source, family)
    assert found.team == team
    assert len(found.rewards) == (20 if family == "anonymous" else 100)
    assert np.mean(list(found.rewards.values())) == pytest.approx(mean, rel=1e-5)


def test_all_teams_can_be_read(shared_data):
    found = read_official(str(shared_data / "ml4co_final_results.zip"), "item_placement")
    assert len(found) >= 20
    assert all(len(entry.rewards) == 100 for entry in found)


def test_no_official_reward_is_below_doing_nothing(shared_data):
    """The reward is the floored bound over 900 s, so 900 times the floor is its least value."""
    for family in ("1_item_placement", "2_load_balancing"):
        with zipfile.ZipFile(shared_data / "ml4co_final_results.zip") as archive:
            text = archive.read(f"Nuri/dual/{family}.csv").decode()
        rewards, floors = (
            np.array([float(line[column]) for line in csv.DictReader(text.splitlines())])
            for column in ("cumulated_reward", "initial_dual_bound")
        )
        assert (rewards >= 900 * floors * (1 - 1e-4)).all()


def test_a_file_of_its_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(official_text(7, 9))
    (found,) = read_official(str(path))
    assert found.team == "mine"
    assert found.rewards == {"item_placement_10000": 7, "item_placement_10001": 9}


def test_repetitions_are_averaged(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(official_text(7) + LINE.format(0, 5, 9) + "\n")
    (found,) = read_official(str(path))
    assert found.rewards == {"item_placement_10000": 8}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (official_text(7, 9)[:-8], "truncated or damaged at line 3"),
        (official_text(7, 9).rstrip().rpartition(",")[0], "truncated or damaged at line 3"),
        ("instance,seed\na,0\n", "does not begin with the columns"),
        ("", "does not begin with the columns"),
        (HEADER + "\n", "holds no results"),
        (official_text(float("nan")), "damaged at line 2: cumulated_reward is 'nan'"),
        (official_text(float("inf")), "damaged at line 2: cumulated_reward is 'inf'"),
        (official_text(7).replace("gz,0,", "gz,-1,"), "line 2: seed is '-1'"),
        (HEADER + "\n,0,1,1,0,5\n", "line 2: instance is ''"),
        (official_text(7) + "\0", "line 3|cannot be read"),
        (HEADER + "\n" + "x" * 200_000, "cannot be read"),
        (" " * (LARGEST_TABLE + 1), "more than 4096 KiB"),
    ],
)
def test_damaged_files_are_refused(tmp_path, text, message):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_official(str(path))


def test_missing_files_and_teams_are_refused(tmp_path, shared_data):
    with pytest.raises(UserError, match="there is no file"):
        read_official(str(tmp_path / "none.csv"))
    archive = shared_data / "ml4co_final_results.zip"
    with pytest.raises(UserError, match="team 'Nobody'"):
        read_official(f"{archive}:Nobody", "item_placement")
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(archive.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be read"):
        read_official(str(damaged))


def test_archives_that_unpack_to_too_much_are_refused(tmp_path):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/dual/1_item_placement.csv", bytes(LARGEST_TABLE + 1))
    assert bomb.stat().st_size < 50_000
    with pytest.raises(UserError, match="more than 4 MiB"):
        read_official(str(bomb))
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for team in range(LARGEST_ARCHIVE // LARGEST_TABLE + 1):
            archive.writestr(f"{team}/dual/1_item_placement.csv", bytes(LARGEST_TABLE))
    with pytest.raises(UserError, match="or 64 MiB together"):
        read_official(str(bomb))


def test_archives_whose_entries_cannot_be_unpacked_are_refused(tmp_path):
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a/dual/1_item_placement.csv", official_text(7))
        archive.writestr("../dual/x/y.csv", "left alone")
    content = bytearray(file.read_bytes())
    content[content.rindex(b"PK\x01\x02") - 30] ^= 0xFF
    place = content.index(b"item_placement_10000")
    content[place] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        read_official(str(file))


def test_comparing_by_hand(results_folder, tmp_path):
    results = load_results([results_folder])
    with pytest.raises(UserError, match="900 s"):
        compare_with_official(results, [], "pscost")
    # The same runs under a protocol that says 900 s: only the pairing is tested here.
    long = dataclasses.replace(results, protocol=Protocol(time_limit=900.0))
    path = tmp_path / "mine.csv"
    path.write_text(official_text(1.0, 1.0, 1.0))
    found = compare_with_official(long, read_official(str(path)), "pscost")["mine"]
    ours = [row.cumulated_reward for row in results.rows if row.policy == "pscost"]
    assert found.instances == 2
    assert found.difference == pytest.approx(np.mean(ours) - 1)
    assert (found.wins, found.losses) == (2, 0)
    path.write_text(official_text(1).replace("_10000", "_99999"))
    assert compare_with_official(long, read_official(str(path)), "pscost") == {}


def test_policies_that_cannot_be_told_apart_are_refused():
    chosen = instances("item_placement", count=2)
    for policies, message in ((["a", "a"], "named twice"), (["a/b", "a-b"], "punctuation only")):
        with pytest.raises(UserError, match=message):
            official_plan(chosen, policies)
    with pytest.raises(UserError, match="no policy to evaluate"):
        official_plan(chosen, [])


def test_seeds_are_the_organisers(results_folder):
    runs = official_plan(instances("item_placement", count=3), ["a", "b"])
    assert [(run.instance.index, run.seed, run.policy) for run in runs] == [
        (index, index, policy) for index in range(3) for policy in "ab"
    ]


def test_the_official_form_round_trips(results_folder, tmp_path):
    results = load_results([results_folder])
    paths = write_official(results, tmp_path)
    assert [path.name for path in paths] == ["mostinf.official.csv", "pscost.official.csv"]
    first = paths[0].read_text().splitlines()
    assert first[0] == HEADER
    assert first[1].startswith(
        "../../instances/1_item_placement/test/item_placement_10000.mps.gz,0,586.8111255119967,"
        "5.4059507480000075,0,"
    )
    (read,) = read_official(str(paths[0]))
    assert read.rewards["item_placement_10000"] == results.rows[0].cumulated_reward


def test_the_initial_bounds_are_the_official_ones(shared_data):
    with zipfile.ZipFile(shared_data / "ml4co_final_results.zip") as archive:
        text = archive.read("Nuri/dual/1_item_placement.csv").decode()
    lines = list(csv.DictReader(text.splitlines()))
    for line, instance in zip(lines, instances("item_placement"), strict=True):
        assert instance.name in line["instance"]
        assert initial_bounds(instance).dual == pytest.approx(float(line["initial_dual_bound"]))
        assert initial_bounds(instance).primal == pytest.approx(float(line["initial_primal_bound"]))
