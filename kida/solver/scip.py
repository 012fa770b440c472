"""Connecting the native core to the SCIP that PySCIPOpt has loaded."""

import threading
from typing import Any

import pyscipopt
import pyscipopt.scip

from kida import _core
from kida.errors import UserError

#: The SCIP major versions that the test suite is run against.
FIRST_MAJOR, LAST_MAJOR = 10, 10

#: What the native core needs of SCIP's enumerations: PySCIPOpt's class and name of each.
_ENUMERATIONS = {
    "result_didnotrun": ("SCIP_RESULT", "DIDNOTRUN"),
    "result_branched": ("SCIP_RESULT", "BRANCHED"),
    "result_reduced_domain": ("SCIP_RESULT", "REDUCEDDOM"),
    "lpsolstat_optimal": ("SCIP_LPSOLSTAT", "OPTIMAL"),
    "basestat_lower": ("SCIP_BASESTAT", "LOWER"),
    "basestat_basic": ("SCIP_BASESTAT", "BASIC"),
    "basestat_upper": ("SCIP_BASESTAT", "UPPER"),
    "stage_init": ("SCIP_STAGE", "INIT"),
    "stage_problem": ("SCIP_STAGE", "PROBLEM"),
    "stage_presolved": ("SCIP_STAGE", "PRESOLVED"),
    "stage_solving": ("SCIP_STAGE", "SOLVING"),
    "stage_solved": ("SCIP_STAGE", "SOLVED"),
    "event_dual_bound_improved": ("SCIP_EVENTTYPE", "DUALBOUNDIMPROVED"),
    "event_best_solution_found": ("SCIP_EVENTTYPE", "BESTSOLFOUND"),
    "event_node_branched": ("SCIP_EVENTTYPE", "NODEBRANCHED"),
    "event_first_lp_solved": ("SCIP_EVENTTYPE", "FIRSTLPSOLVED"),
}


class UnsupportedScip(UserError, ImportError):  # noqa: N818
    """PySCIPOpt brings a SCIP that kida does not support: the sentence says which."""


def enumerations() -> dict[str, int]:
    """Return the values of SCIP's enumerations that the native core needs, by its own names.

    Raises
    ------
    AttributeError
        If this PySCIPOpt lacks one.
    """
    return {name: _value(*place) for name, place in _ENUMERATIONS.items()}


def connect() -> None:
    """Resolve SCIP's functions for the native core; called once, when ``kida.solver`` is imported.

    Raises
    ------
    UnsupportedScip
        If SCIP's major version is not supported, or something is missing from its library.
    """
    main_thread = threading.main_thread().ident
    assert main_thread is not None  # the main thread has started
    _require_version()
    try:
        _core.connect(pyscipopt.scip.__file__, enumerations(), FIRST_MAJOR, LAST_MAJOR, main_thread)
    except (AttributeError, ImportError) as error:
        raise UnsupportedScip(f"kida does not work with this PySCIPOpt: {error}") from error


def _value(kind: str, name: str) -> int:
    return int(getattr(getattr(pyscipopt, kind), name))


def _require_version() -> None:
    # Before anything else: what an older PySCIPOpt lacks says little about why.
    model: Any = pyscipopt.Model()
    version = float(model.version())
    model.free()
    if not FIRST_MAJOR <= int(version) <= LAST_MAJOR:
        between = f"{FIRST_MAJOR} to {LAST_MAJOR}" if FIRST_MAJOR < LAST_MAJOR else f"{LAST_MAJOR}"
        raise UnsupportedScip(
            f"this kida supports SCIP {between}, but PySCIPOpt brings SCIP {version:g}: install "
            "the pyscipopt that kida asks for, in an environment of its own"
        )
