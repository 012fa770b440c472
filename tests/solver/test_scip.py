"""Connecting to SCIP: refused with an ImportError when it is not one that kida knows."""

import os
import subprocess
import sys
from pathlib import Path

import pyscipopt
import pyscipopt.scip
import pytest

from kida import _core
from kida.solver import scip


def test_an_unsupported_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scip, "FIRST_MAJOR", 2)
    monkeypatch.setattr(scip, "LAST_MAJOR", 3)
    with pytest.raises(ImportError, match=r"supports SCIP 2 to 3, but PySCIPOpt brings SCIP \d+"):
        scip.connect()


def test_a_library_that_is_not_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyscipopt.scip, "__file__", "/no/such/file.so")
    with pytest.raises(ImportError, match=r"not loaded from /no/such/file\.so"):
        scip.connect()


def test_libkida_knows_the_enumerations_of_this_scip() -> None:
    assert scip.FIRST_MAJOR == scip.LAST_MAJOR == 10  # another one needs values of its own
    assert _core.known_enumerations() == scip.enumerations()


#: A PySCIPOpt of another SCIP, as far as kida asks it before it gives up.
OTHER = """
class Model:
    def version(self):
        return 8.1

    def free(self):
        pass
"""


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["-m", "kida", "--version"], 2),
        (["-m", "kida", "generate", "set_cover", "--out", "nowhere"], 2),
        (["-c", "import kida; kida.Observation; kida.Policy"], 0),
        (["-c", "import kida; kida.UserError; kida.solve"], 1),
    ],
)
def test_under_another_scip_a_sentence_says_so(
    tmp_path: Path, arguments: list[str], status: int
) -> None:
    (tmp_path / "pyscipopt").mkdir()
    (tmp_path / "pyscipopt" / "__init__.py").write_text(OTHER)
    (tmp_path / "pyscipopt" / "scip.py").write_text("")
    process = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert process.returncode == status, process.stderr
    if status:
        assert "this kida supports SCIP 10, but PySCIPOpt brings SCIP 8.1" in process.stderr
        assert ("Traceback" in process.stderr) == (status == 1)
        assert "AttributeError" not in process.stderr


def test_what_a_pyscipopt_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyscipopt, "SCIP_BASESTAT", object())
    with pytest.raises(scip.UnsupportedScip, match=r"this PySCIPOpt: .*LOWER"):
        scip.connect()
