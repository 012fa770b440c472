"""Files are divided once; what the verdict is on, nothing else sees."""

from pathlib import Path

import pytest

from kida.errors import UserError
from kida.jobs.run import ONE_AT_A_TIME
from kida.learning.inventory import Inventory
from kida.tuning.config import TuneConfig
from kida.tuning.files import MOST_VERDICT, divide, gone_files, new_files
from kida.tuning.folder import claim

TINY = "Maximize\n x + y\nSubject To\n c: 2 x + 3 y <= {}\nGenerals\n x y\nEnd\n"


def fill(folder: Path, count: int, first: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        (folder / f"p_{number}.lp").write_text(TINY.format(number + 5))
    return folder


def split_names(inventory: Inventory) -> dict[str, list[str]]:
    return {split: [e.name for e in entries] for split, entries in inventory.files.items()}


def divided(folder: Path, run: Path, **options) -> Inventory:
    source = divide(str(folder), run, ONE_AT_A_TIME, **options).source
    assert isinstance(source, Inventory)
    return source


def found_sizes(inventory: Inventory) -> list[tuple[int, int]]:
    entries = [entry for entries in inventory.files.values() for entry in entries]
    return [(entry.variables, entry.constraints) for entry in entries]


@pytest.mark.parametrize(("count", "judged"), [(3, 1), (7, 3), (10, 5), (13, 6), (30, 9), (90, 16)])
def test_the_verdict_has_files_enough(tmp_path, count, judged):
    found = split_names(divided(fill(tmp_path / "mine", count), tmp_path / "run"))
    assert len(found["test"]) == judged
    assert min(len(names) for names in found.values()) >= 1


def test_a_file_that_is_there_twice_is_used_once(tmp_path):
    folder = fill(tmp_path / "mine", 12)
    for number in (3, 7):
        (folder / f"q_{number}.lp").write_text((folder / f"p_{number}.lp").read_text())
    found = divided(folder, tmp_path / "run")
    assert len(found_sizes(found)) == 12
    assert {Path(path).name: why for path, why in found.left_out.items()} == {
        "q_3.lp": "the same as p_3.lp",
        "q_7.lp": "the same as p_7.lp",
    }
    # A day on which nothing has changed is no new problem.
    first = divided(fill(tmp_path / "days", 6), tmp_path / "one", ordered=True)
    fill(tmp_path / "days", 3, first=6)
    (tmp_path / "days" / "p_7.lp").write_text((tmp_path / "days" / "p_2.lp").read_text())
    second = divided(tmp_path / "days", tmp_path / "two", ordered=True, earlier=first)
    assert split_names(second)["test"] == ["p_6", "p_8"]
    assert set(found_sizes(second)) == {(2, 1)}


def test_no_file_has_two_uses(tmp_path):
    found = split_names(divided(fill(tmp_path / "mine", 20), tmp_path / "run"))
    assert {split: len(names) for split, names in found.items()} == {
        "train": 10,
        "valid": 4,
        "test": 6,
    }
    assert set(found_sizes(divided(tmp_path / "mine", tmp_path / "run"))) == {(2, 1)}
    assert len({name for names in found.values() for name in names}) == 20


def test_a_division_holds_when_files_come_and_not_when_they_change(tmp_path):
    folder = fill(tmp_path / "mine", 12)
    first = divided(folder, tmp_path / "run")
    fill(folder, 3, first=12)
    assert divided(folder, tmp_path / "run") == first
    (folder / "p_0.lp").write_text(TINY.format(99))
    with pytest.raises(UserError, match=r"p_0\.lp has changed"):
        divide(str(folder), tmp_path / "run", ONE_AT_A_TIME)


def test_bad_files_are_named_and_left_out(tmp_path):
    folder = fill(tmp_path / "mine", 4)
    (folder / "broken.lp").write_text("Minimize\n x\nSubject To\n c: x >= = 5\nEnd\n")
    (folder / "cut.mps.gz").write_bytes(b"\x1f\x8b\x08\x00")
    read = []
    found = divided(folder, tmp_path / "run", told=lambda *count: read.append(count))
    assert read == sorted(read)
    assert read[-1] == (6, 6)
    assert {Path(path).name for path in found.left_out} == {"broken.lp", "cut.mps.gz"}
    assert all("not readable" in why for why in found.left_out.values())
    assert not (tmp_path / "run" / "reading").exists()


def test_a_folder_of_bad_files_alone_is_refused(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "broken.lp").write_text("Minimize\n x\nSubject To\n c: x >= = 5\nEnd\n")
    with pytest.raises(UserError, match=r"no file that SCIP can read: broken\.lp is not readable"):
        divide(str(folder), tmp_path / "run", ONE_AT_A_TIME)


@pytest.mark.parametrize(
    ("count", "permute", "said"),
    [(2, True, "too few files"), (5, True, "several orders"), (10, True, ""), (11, False, "")],
)
def test_few_files_are_permuted_and_the_verdict_says_what_that_means(
    count, permute, said, tmp_path
):
    folder = fill(tmp_path / "mine", count)
    found = divide(str(folder), tmp_path / "run", ONE_AT_A_TIME)
    assert found.permute is permute
    assert said in found.caution
    assert bool(said) == bool(found.caution)
    draws = {
        (draw.instance.path, draw.seed)
        for split, seed in (("train", 0), ("valid", 200), ("test", 1000))
        for draw in found.draws(split, 8, seed)
    }
    assert len(draws) == 24


def test_files_in_an_order_are_judged_by_the_last_half(tmp_path):
    found = split_names(divided(fill(tmp_path / "mine", 20), tmp_path / "run", ordered=True))
    assert found["test"] == [f"p_{number}" for number in range(10, 20)]
    assert found["train"] == [f"p_{number}" for number in range(7)]
    assert found["valid"] == ["p_7", "p_8", "p_9"]


def test_many_files_in_an_order_are_judged_by_some_of_the_last_half(tmp_path):
    folder = fill(tmp_path / "mine", 60)
    inventory = divided(folder, tmp_path / "run", ordered=True)
    places = [int(name[2:]) for name in split_names(inventory)["test"]]
    assert len(places) == MOST_VERDICT
    assert places == sorted(places)
    assert 30 <= places[0] < 33
    assert places[-1] > 57
    # The others are no new ones later, nor after another round.
    assert len(inventory.left_out) == 30 - MOST_VERDICT
    assert new_files(str(folder), inventory) == []
    fill(folder, 5, first=60)
    second = divided(folder, tmp_path / "two", ordered=True, earlier=inventory)
    assert len(split_names(second)["test"]) == 5
    assert new_files(str(folder), second) == []


def test_a_second_round_learns_from_the_old_files_and_is_judged_by_the_new(tmp_path):
    folder = fill(tmp_path / "mine", 8)
    first = divided(folder, tmp_path / "one", ordered=True)
    assert new_files(str(folder), first) == []
    fill(folder, 3, first=8)
    (folder / "p_9.lp").write_text("nothing")
    assert len(new_files(str(folder), first)) == 3
    second = divided(folder, tmp_path / "two", ordered=True, earlier=first)
    found = split_names(second)
    assert found["test"] == ["p_8", "p_10"]
    assert {*found["train"], *found["valid"]} == {f"p_{number}" for number in range(8)}
    assert [Path(path).name for path in second.left_out] == ["p_9.lp"]


def test_old_files_that_are_gone_are_not_learned_from(tmp_path):
    folder = fill(tmp_path / "mine", 8)
    first = divided(folder, tmp_path / "one", ordered=True)
    fill(folder, 5, first=8)
    for number in (0, 1, 6):
        (folder / f"p_{number}.lp").unlink()
    assert gone_files(first) == 3
    found = split_names(divided(folder, tmp_path / "two", ordered=True, earlier=first))
    assert {*found["train"], *found["valid"]} == {"p_2", "p_3", "p_4", "p_5", "p_7"}
    assert found["test"] == [f"p_{number}" for number in range(8, 13)]
    # A folder of which nothing is left is one to begin with.
    for number in (2, 3, 4, 5, 7):
        (folder / f"p_{number}.lp").unlink()
    found = split_names(divided(folder, tmp_path / "three", ordered=True, earlier=first))
    assert found["test"] == ["p_10", "p_11", "p_12"]


def test_an_order_of_a_family_makes_no_sense(tmp_path):
    with pytest.raises(UserError, match="--order is for files"):
        divide("set_cover", tmp_path / "run", ONE_AT_A_TIME, ordered=True)


def test_a_mistake_in_what_to_tune_on_claims_no_folder(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for wrong, ordered in ((tmp_path / "mime", False), ("set_cover", True)):
        with pytest.raises(UserError):
            claim(run, TuneConfig(problems=str(wrong), ordered=ordered))
    claim(run, TuneConfig(problems=str(fill(tmp_path / "mine", 3))))


def test_a_family_has_its_own_splits(tmp_path):
    found = divide("set_cover", tmp_path / "run", ONE_AT_A_TIME)
    assert {draw.instance.split for draw in found.draws("test", 5)} == {"test"}
    assert found.draws("train", 4) == found.draws("train", 4)
    assert not found.caution
