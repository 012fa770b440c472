"""A short run of the campaign of kills: nothing is lost but the job in flight."""

import random
import runpy
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "scripts" / "kills.py"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(SCRIPT))


# Training that is killed and goes on is in tests/cli/test_train.py.
def test_a_killed_evaluation_loses_the_job_in_flight_only(script, tmp_path):
    def short(folder: Path) -> list[str]:
        return [*script["evaluation"](folder), "--count", "1", "--seeds", "0-1"]

    ends: list[str] = []
    wrong = script["killed"](short, 2, tmp_path, random.Random(1), ends.append, latest=4.0)
    assert wrong == []
    assert ends


def test_what_is_lost_is_found(script, tmp_path):
    (tmp_path / "runs").mkdir()
    for name in ("a", "b", "c"):
        (tmp_path / "runs" / f"{name}.json").write_text("{}")
    (tmp_path / "log.jsonl").write_text("{}\n{}\n")
    before, log = script["_digests"](tmp_path), script["_log"](tmp_path)
    assert script["_lost"](tmp_path, before, log) == []
    (tmp_path / "runs" / "a.json").unlink()
    (tmp_path / "runs" / "b.json").write_text("{")
    (tmp_path / "log.jsonl").write_text("{}\n")
    wrong = [text.removeprefix(str(tmp_path)) for text in script["_lost"](tmp_path, before, log)]
    assert wrong == [
        "/runs/a.json is gone",
        "/runs/b.json has changed",
        "/log.jsonl has lost lines",
        "/runs/b.json is half written",
    ]
