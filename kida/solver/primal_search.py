"""Trying values of variables at the focus node: what primal-search environments are made of."""

from collections.abc import Mapping

from pyscipopt import SCIP_LPSOLSTAT, Model
from pyscipopt.scip import Solution


def try_values(model: Model, values: Mapping[int, float]) -> bool:
    """Fix variables in a probing node, propagate, solve its LP, and try the LP's solution.

    To be called in a heuristic's callback, or while a primal search waits. What is integral but for
    rounding is tried as it is; else with the integer variables rounded to the nearest integers.

    Parameters
    ----------
    model
        A model at a node.
    values
        By problem index of the variable; those beyond its local bounds are left out.

    Returns
    -------
    bool
        Whether a solution has been found that SCIP keeps.
    """
    variables = model.getVars(transformed=True)
    model.startProbing()
    try:
        for j, value in values.items():
            variable = variables[j]
            lower, upper = variable.getLbLocal(), variable.getUbLocal()
            if lower < upper and lower <= value <= upper:
                model.fixVarProbing(variable, value)
        cutoff, _ = model.propagateProbing(-1)
        if cutoff or model.constructLP():
            return False
        failed, cutoff = model.solveProbingLP()
        if failed or cutoff or model.getLPSolstat() != SCIP_LPSOLSTAT.OPTIMAL:
            return False
        exact = model.createSol(initlp=True)
        if _kept(model, exact):
            return True
        rounded = model.createSol(initlp=True)
        for variable in variables:
            if variable.vtype() != "CONTINUOUS":
                model.setSolVal(rounded, variable, round(variable.getLPSol()))
        return _kept(model, rounded)
    finally:
        model.endProbing()


def _kept(model: Model, solution: Solution) -> bool:
    return bool(model.trySol(solution, printreason=False))
