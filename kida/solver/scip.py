"""Connecting the native core to the SCIP that PySCIPOpt has loaded."""

import threading

import pyscipopt
import pyscipopt.scip

from kida import _core

#: The SCIP major versions that the test suite is run against.
FIRST_MAJOR, LAST_MAJOR = 10, 10


def enumerations() -> dict[str, int]:
    """Return the values of SCIP's enumerations that the native core needs, by its own names."""
    values = {
        "result_didnotrun": pyscipopt.SCIP_RESULT.DIDNOTRUN,
        "result_branched": pyscipopt.SCIP_RESULT.BRANCHED,
        "result_reduced_domain": pyscipopt.SCIP_RESULT.REDUCEDDOM,
        "lpsolstat_optimal": pyscipopt.SCIP_LPSOLSTAT.OPTIMAL,
        "basestat_lower": pyscipopt.SCIP_BASESTAT.LOWER,
        "basestat_basic": pyscipopt.SCIP_BASESTAT.BASIC,
        "basestat_upper": pyscipopt.SCIP_BASESTAT.UPPER,
        "basestat_zero": pyscipopt.SCIP_BASESTAT.ZERO,
        "stage_init": pyscipopt.SCIP_STAGE.INIT,
        "stage_problem": pyscipopt.SCIP_STAGE.PROBLEM,
        "stage_presolved": pyscipopt.SCIP_STAGE.PRESOLVED,
        "stage_solving": pyscipopt.SCIP_STAGE.SOLVING,
        "stage_solved": pyscipopt.SCIP_STAGE.SOLVED,
        "event_dual_bound_improved": pyscipopt.SCIP_EVENTTYPE.DUALBOUNDIMPROVED,
        "event_best_solution_found": pyscipopt.SCIP_EVENTTYPE.BESTSOLFOUND,
        "event_node_branched": pyscipopt.SCIP_EVENTTYPE.NODEBRANCHED,
    }
    return {name: int(value) for name, value in values.items()}


def connect() -> None:
    """Resolve SCIP's functions for the native core; called once, when ``kida.solver`` is imported.

    Raises
    ------
    ImportError
        If SCIP's major version is not supported, or a function is missing from its library.
    """
    main_thread = threading.main_thread().ident
    assert main_thread is not None  # the main thread has started
    _core.connect(
        pyscipopt.scip.__file__,
        enumerations(),
        FIRST_MAJOR,
        LAST_MAJOR,
        main_thread,
    )
