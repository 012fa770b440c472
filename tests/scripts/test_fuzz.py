"""A short run of the fuzzing campaign, and that it would find what it looks for."""

import importlib
import os
import signal
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def fuzz(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    # As a module, whose functions other processes find.
    return vars(importlib.import_module("fuzz"))


def test_no_damaged_file_does_harm(fuzz):
    lines: list[str] = []
    found = fuzz["run"](40, 1, tell=lines.append)
    assert [text for tally in found.values() for text in tally.findings] == []
    assert len(lines) == len(found) > 20
    for tally in found.values():
        assert tally.read + tally.refused + tally.contained.total() == 40
        assert tally.read >= 1
        assert tally.peak < 2 << 30


def _bad(path: Path) -> None:
    number = int(path.parent.name.split("_")[1])
    if number == 1:
        raise KeyError("no sentence")
    if number == 2:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 3:
        (path.parent.parent.parent / "elsewhere").write_bytes(b"")
    if number == 4:
        bytearray(4 << 30)


def test_what_it_looks_for_is_found(fuzz, tmp_path):
    place = tmp_path / "inputs"
    place.mkdir()
    kind = sys.modules["fuzz_kinds"].Kind("bad", "x", [b"valid"], _bad)
    tally = fuzz["campaign"](kind, 6, 0, place)
    whats = ["KeyError: 'no sentence'", "died of SIGSEGV", "elsewhere", "MemoryError"]
    assert len(tally.findings) == len(whats)
    for what, text in zip(whats, tally.findings, strict=True):
        assert what in text
    assert tally.read == 2
    # The same seed gives the same inputs.
    mutated = fuzz["mutated"]
    draws = [fuzz["random"].Random(3) for _ in range(2)]
    assert mutated(b"a 1 b 2", [b"c"], draws[0]) == mutated(b"a 1 b 2", [b"c"], draws[1])
