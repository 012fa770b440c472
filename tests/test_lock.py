"""One command at a time in a folder."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.files import atomic_path
from kida.lock import holds_only_lock, locked


def test_a_second_command_is_told_who_is_there(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    code = f"""
import sys
from pathlib import Path
from kida.lock import locked
with locked(Path({str(folder)!r})):
    print("held", flush=True)
    sys.stdin.read()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UserError, match=rf"in use by process {holder.pid} on "), locked(folder):
        pass
    assert holds_only_lock(folder)
    # A killed holder leaves no lock behind.
    holder.kill()
    holder.communicate()
    with locked(folder):
        (folder / "file").touch()
    assert not holds_only_lock(folder)


def test_a_full_disk_is_said_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(UserError, match=r"cannot write to .* left on device"), locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="choose another folder"), locked(tmp_path / "file" / "x"):
        pass


def test_what_a_kill_has_left_half_written_is_no_content(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "config.json") as temporary:
        temporary.write_text("half")
        assert holds_only_lock(tmp_path)
        temporary.rename(tmp_path / "kept")
        (tmp_path / temporary.name).touch()
    (tmp_path / "kept").unlink()
    (tmp_path / "config.json").unlink()
    (tmp_path / ".hidden.config.json").touch()
    assert not holds_only_lock(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is no folder: give another name"):
        holds_only_lock(tmp_path / "file")
