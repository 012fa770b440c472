"""A run's files are those that were there when it began."""

import json
import shutil
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.instances.item_placement import FAMILY
from kida.instances.program import Rows
from kida.learning.config import RunConfig
from kida.learning.inventory import family_of_run
from kida.learning.plan import Plan


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty problems that differ in one number."""
    for number in range(30):
        rows = Rows()
        rows.add("weight", [0, 1, 2], [2.0, 3.0, 4.0], right=5.0 + number)
        program = rows.program("k", ["a", "b", "c"], [3.0, 4.0, 5.0], sense="maximize")
        program.write(tmp_path / "problems" / f"p_{number}.mps")
    return tmp_path / "problems"


def drawn(folder: Path, run: Path, kind: str) -> list[str]:
    config = RunConfig(family=str(folder))
    plan = Plan(config, source=family_of_run(config.family, run))
    return [draw.instance.name for draw in plan.episodes(kind, 1)]


def test_files_that_are_added_later_are_no_part_of_the_run(tmp_path, folder):
    run = tmp_path / "run"
    before = {kind: drawn(folder, run, kind) for kind in ("train", "valid")}
    for number in range(10):
        shutil.copy(folder / f"p_{number}.mps", folder / f"another_{number}.mps")
    assert {kind: drawn(folder, run, kind) for kind in ("train", "valid")} == before
    assert set(before["train"]).isdisjoint(before["valid"])
    # Another run sees them.
    assert any("another" in name for name in drawn(folder, tmp_path / "other", "train"))


def test_files_that_are_gone_or_changed_are_named(tmp_path, folder):
    run = tmp_path / "run"
    drawn(folder, run, "train")
    file = folder / "p_7.mps"
    content = file.read_text()
    file.write_text(content.replace("12", "13"))
    with pytest.raises(UserError, match=r"p_7\.mps has changed since this run began"):
        family_of_run(str(folder), run)
    file.unlink()
    with pytest.raises(UserError, match=r"p_7\.mps is gone"):
        family_of_run(str(folder), run)
    file.write_text(content)
    assert drawn(folder, run, "train")


def test_generated_families_need_no_list(tmp_path):
    assert family_of_run("item_placement", tmp_path / "run") is FAMILY
    assert not (tmp_path / "run").exists()


def test_a_damaged_list_is_refused(tmp_path, folder):
    run = tmp_path / "run"
    family_of_run(str(folder), run)
    file = run / "instances.json"
    content = json.loads(file.read_text())
    content["files"]["train"][0]["digest"] = "../../etc"
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"instances\.json is not a run's list.*digest"):
        family_of_run(str(folder), run)
