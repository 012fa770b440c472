"""The initial bounds of an instance, as the competition defines them, by two short solves.

The primal bound is the objective of the first solution SCIP finds, the dual bound that of the
root node, both under SCIP's default settings: only limits are set here. They are computed once,
when files are generated, and stored in the .json beside the file; nothing else calls this.
"""

import json
from pathlib import Path
from typing import Any

from kida.errors import UserError
from kida.instances.family import Bounds, Instance


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
    known = instance.bounds
    dual = known.dual if known.dual is not None else root_bound(instance.model(), time_limit)
    primal = known.primal
    if primal is None:
        primal = first_solution(instance.model(), time_limit)
    return Bounds(dual, primal)


def root_bound(model: Any, time_limit: float = 600.0) -> float | None:
    """Solve the root node of a fresh model and return the dual bound; None if it is infinite.

    The model is freed.
    """
    from kida.instances.root import solve_root

    solve_root(model, time_limit)
    return _finite_then_free(model, model.getDualbound())


def first_solution(model: Any, time_limit: float = 600.0) -> float | None:
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


def _finite_then_free(model: Any, bound: float) -> float | None:
    finite = not model.isInfinity(abs(bound))
    # The model and its plugins form a reference cycle that would keep SCIP's memory.
    model.free()
    return float(bound) if finite else None


def bounds_path(path: Path) -> Path:
    """Return the .json that belongs to an instance file: its name without any suffix."""
    name = path.name.removesuffix(".gz")
    return path.with_name(name.rsplit(".", 1)[0] + ".json")


def stored_bounds(path: Path) -> Bounds:
    """Read the .json beside the instance file ``path``; unknown bounds are None.

    Raises
    ------
    UserError
        If the .json is there but is not what the competition's format says.
    """
    beside = bounds_path(path)
    if not beside.is_file():
        return Bounds(None, None)
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
        dual, primal = content.get("dual_bound"), content.get("primal_bound")
        return Bounds(
            None if dual is None else float(dual), None if primal is None else float(primal)
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"{beside} does not hold dual_bound and primal_bound as JSON; mend or remove it"
        ) from error
