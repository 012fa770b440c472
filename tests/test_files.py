"""Files appear whole or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kida.boundary import write_json
from kida.errors import UserError
from kida.files import atomic_path, one_line, remove_temporaries, whole_files


def test_success_replaces_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "set.mps.gz"
    for content in ("old", "new"):
        with atomic_path(target) as temporary:
            assert temporary.parent == target.parent
            assert temporary.name.endswith("set.mps.gz")  # SCIP chooses the format by the suffix
            temporary.write_text(content)
    assert target.read_text() == "new"
    assert list(target.parent.iterdir()) == [target]


def test_failure_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "card.json"
    write_json(target, {"a": [1, 2.5]})
    before = target.read_bytes()
    with pytest.raises(KeyboardInterrupt), atomic_path(target) as temporary:  # noqa: PT012
        temporary.write_text("half of")
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="must be a finite number"):
        write_json(target, {"reward": float("nan")})
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_cannot_be_made_is_a_users_mistake(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*choose another folder"):
        write_json(tmp_path / "file" / "x.json", {})


def test_what_is_being_written_is_no_whole_file(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "c.txt"):
        write_json(tmp_path / name, {})
    with atomic_path(tmp_path / "d.json") as temporary:
        temporary.write_text("{}")
        found = [path.name for path in whole_files(tmp_path, "*.json")]
    assert found == ["a.json", "b.json"]
    assert whole_files(tmp_path / "none", "*") == []


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    writer = (
        "import os, sys; from pathlib import Path; from kida.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half of')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    for name in ("a[1].json", "b.json", "more.a[1].json"):
        subprocess.run([sys.executable, "-c", writer, str(tmp_path / name)])
    (tmp_path / "a[1].json").write_text("{}")
    remove_temporaries(tmp_path / "a[1].json")
    left = sorted(path.name.split(".", 2)[-1] for path in tmp_path.glob(".*"))
    assert left == ["b.json", "more.a[1].json"]
    assert (tmp_path / "a[1].json").exists()
    remove_temporaries(tmp_path / "none" / "a.json")


def test_names_are_shown_and_stored_alike_whatever_the_locale() -> None:
    code = (
        "from kida.files import printable; from kida.evaluation.records import slug; "
        r"print(ascii([printable('gr\xf6\udcf6'), slug('gr\xf6\udcf6')]))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | more, capture_output=True, check=True
        ).stdout
        for more in ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {})
    }
    assert len(said) == 1
    assert rb"'gr\xf6\\xf6'" in said.pop()


def test_names_stand_in_one_line_that_no_terminal_obeys():
    assert one_line("a\nb\x1b[31mc\r\x7f\x9b\u2028é 漢") == r"a\nb\x1b[31mc\r\x7f\x9b\u2028é 漢"
    assert one_line("gr\udcf6") == r"gr\xf6"
