"""Solving the root node of a problem, and no more: what both bounds and descriptions need.

A node limit of 1 would do the same but for one thing: SCIP then reports the node limit even when
it was Ctrl-C that stopped the root. So a branching rule stops the solve instead.
"""

from typing import Any, NamedTuple

from pyscipopt import SCIP_RESULT, Branchrule


class Candidates(NamedTuple):
    """Numbers of branching candidates: fractional in the LP, and all that are not fixed."""

    fractional: int
    unfixed: int


class _StopAtRoot(Branchrule):
    """Looks at the first node that must be branched, and stops the solve."""

    def __init__(self) -> None:
        self.candidates: Candidates | None = None

    def branchexeclp(self, allowaddcons: bool) -> dict[str, Any]:
        if self.candidates is None:
            self.candidates = Candidates(
                self.model.getNLPBranchCands(), self.model.getPseudoBranchCands()[1]
            )
            self.model.interruptSolve()
        return {"result": SCIP_RESULT.DIDNOTRUN}

    def branchexecps(self, allowaddcons: bool) -> dict[str, Any]:
        return {"result": SCIP_RESULT.DIDNOTRUN}

    def branchexecext(self, allowaddcons: bool) -> dict[str, Any]:
        return {"result": SCIP_RESULT.DIDNOTRUN}


def solve_root(model: Any, time_limit: float) -> Candidates | None:
    """Solve the root node of a fresh model under SCIP's defaults, at most ``time_limit`` seconds.

    Returns
    -------
    Candidates or None
        The branching candidates; None if the solve ended before the first branching decision.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, which SCIP catches: it then returns as if nothing had happened.
    """
    stop = _StopAtRoot()
    model.includeBranchrule(
        stop, "stop", "stops at the root", priority=10**8, maxdepth=-1, maxbounddist=1.0
    )
    model.setParam("limits/time", time_limit)
    model.optimize()
    if model.getStatus() == "userinterrupt" and stop.candidates is None:
        model.free()
        raise KeyboardInterrupt
    return stop.candidates
