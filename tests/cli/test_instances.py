from pathlib import Path

import pytest

from kida.cli import main
from kida.instances.registry import family_names
from kida.instances.set_cover import set_cover
from kida.instances.source import Source


def test_lists_every_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instances"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(family_names())
    for name, line in zip(family_names(), lines[1:], strict=True):
        assert line.split()[0] == name
    assert "easy, medium, hard" in lines[1 + family_names().index("set_cover")]


def test_describes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.mps.gz"
    set_cover("p", Source(1), rows=60, columns=90).write(path)
    assert main(["instances", "describe", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "60 rows, 90 columns (90 binary, 0 integer, 0 continuous), 270 nonzeros" in lines[1]
    assert lines[0].split() == ["sense", "minimize"]


def test_mistakes_exit_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instances", "describe", str(tmp_path / "missing.mps")]) == 2
    assert "there is no file" in capsys.readouterr().err
    assert main(["instances", "describe", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_describes_a_file_with_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.mps.gz"
    set_cover("p", Source(1), rows=60, columns=90).write(path)
    assert main(["instances", "describe", str(path), "--plot"]) == 0
    lines = capsys.readouterr().out.splitlines()
    frame = [number for number, line in enumerate(lines) if line[:1] in ("┌", "└")]
    # 60 rows of 90 columns, four by two in a character.
    assert frame[1] - frame[0] - 1 == 15
    assert len(lines[frame[0]]) == 45 + 2
    assert lines[-2:] == [
        " columns: b binary",
        "60 linear rows, 90 columns, in the file's order; a dot is up to 1 rows by 1 columns",
    ]
