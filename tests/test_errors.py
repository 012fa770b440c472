"""Messages about missing extras name what is installed, whatever the index calls kida."""

import sys
from pathlib import Path

import pytest

from kida.errors import DISTRIBUTION, installed_as, missing_extra


def install(folder: Path, name: str, command: str) -> None:
    """Leave what an installer leaves of a distribution with a command ``kida``."""
    about = folder / f"{name}-0.1.2.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.2\n")
    (about / "entry_points.txt").write_text(f"[console_scripts]\nkida = {command}\n")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], DISTRIBUTION),
        ([("kida", "kida.cli:command")], "kida"),
        ([("kida", "kida:somebody_elses")], DISTRIBUTION),
        ([("kida", "kida.cli:command"), (DISTRIBUTION, "kida.cli:command")], DISTRIBUTION),
    ],
    ids=["nothing", "the old name", "an unrelated kida", "both"],
)
def test_the_name_that_is_installed(tmp_path, monkeypatch, found, expected):
    for name, command in found:
        install(tmp_path, name, command)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert installed_as() == expected


def test_a_missing_extra_is_installed_from_the_sources():
    message = str(missing_extra("training", "torch", "train"))
    assert f"'train' of {installed_as()}" in message
    assert "pip install '.[train]' in its folder of sources, or the wheel's file" in message
