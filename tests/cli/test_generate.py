import json
from pathlib import Path

import pytest

from kida.cli import main


def call(*arguments: object) -> int:
    return main(["generate", *map(str, arguments)])


@pytest.mark.slow
def test_writes_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("item_placement", "--split", "test", "--count", 2, "--out", tmp_path)
    assert call(*arguments) == 0
    assert "2 instances" in capsys.readouterr().out
    stored = json.loads((tmp_path / "item_placement_10001.json").read_text())
    assert stored == {"dual_bound": 2.858140179300038, "primal_bound": 585.0918695782982}
    assert call(*arguments) == 0  # everything is there: checked, and said again
    assert len(list(tmp_path.iterdir())) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no_such",), "there is no family 'no_such'"),
        (("set_cover", "--size", "huge"), "choose one of easy, medium, hard"),
        (("set_cover", "--split", "dev"), "choose one of train, valid, test"),
        (("item_placement", "--split", "test", "--start", 100), "--start is 100"),
        (("item_placement", "--split", "test", "--count", 101), "100 instances"),
        (("item_placement", "--count", 0), "--count"),
        (("item_placement", "--jobs", 0), "--jobs"),
    ],
)
def test_mistakes_exit_with_2(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[object, ...],
    message: str,
) -> None:
    assert call(*arguments, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
