"""Connecting to SCIP: refused with an ImportError when it is not one that kida knows."""

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
