"""The initial bounds of an instance, as the competition defines them, by two short solves.

The primal bound is the objective of the first solution SCIP finds, the dual bound that of the
root node, both under SCIP's default settings: only limits are set here. They are computed once,
when files are generated, and stored in the .json beside the file; nothing else calls this.
"""

from pyscipopt import Model

from kida.instances.family import Bounds, Instance
from kida.instances.registry import initial_bounds
from kida.solver.problem import open_model
from kida.solver.root import solve_root


def compute_bounds(instance: Instance, time_limit: float = 600.0) -> Bounds:
    """Return the bounds of ``instance``: those known without a solve, the others by solving.

    Parameters
    ----------
    instance
        The instance; a model is built for each bound that is not known.
    time_limit
        Seconds of wall-clock time for each solve. A dual bound reached at the limit is valid
        but below that of the root; a missing solution gives None.
    """
    known = initial_bounds(instance)
    dual = known.dual if known.dual is not None else root_bound(open_model(instance), time_limit)
    primal = known.primal
    if primal is None:
        primal = first_solution(open_model(instance), time_limit)
    return Bounds(dual, primal)


def root_bound(model: Model, time_limit: float = 600.0) -> float | None:
    """Solve the root node of a fresh model and return the dual bound; None if it is infinite.

    The model is freed.
    """
    solve_root(model, time_limit)
    return _finite_then_free(model, model.getDualbound())


def first_solution(model: Model, time_limit: float = 600.0) -> float | None:
    """Return the objective of the first solution SCIP finds in a fresh model, or None.

    The model is freed.
    """
    model.setParam("limits/solutions", 1)
    model.setParam("limits/time", time_limit)
    model.optimize()
    if model.getStatus() == "userinterrupt":  # SCIP catches Ctrl-C and returns all the same
        model.free()
        raise KeyboardInterrupt
    return _finite_then_free(model, model.getPrimalbound())


def _finite_then_free(model: Model, bound: float) -> float | None:
    finite = not model.isInfinity(abs(bound))
    # The model and its plugins form a reference cycle that would keep SCIP's memory.
    model.free()
    return float(bound) if finite else None
