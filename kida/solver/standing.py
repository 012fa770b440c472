"""Where a solve stands, whatever stage it is in: SCIP refuses some questions in some stages."""

import math

import numpy as np
from numpy.typing import NDArray
from pyscipopt import SCIP_STAGE, Model

from kida._core import BoundRecorder
from kida.sense import Sense
from kida.solver.branching import capsule
from kida.solver.solve import termination
from kida.trajectory import SCIP_INFINITY

_BEFORE_SOLVING = (SCIP_STAGE.INIT, SCIP_STAGE.PROBLEM)


def sense(model: Model) -> Sense:
    """Return the direction of optimization."""
    return "maximize" if model.getObjectiveSense() == "maximize" else "minimize"


def nodes(model: Model) -> int:
    """Return the nodes processed, over all restarts, the one in focus included."""
    return 0 if model.getStage() in _BEFORE_SOLVING else int(model.getNTotalNodes())


def lp_iterations(model: Model) -> int:
    """Return the simplex iterations outside strong branching."""
    # Before there is an LP, SCIP prints that it cannot count.
    if model.getStage() < SCIP_STAGE.PRESOLVED:
        return 0
    return int(model.getNLPIterations())


def solving_time(model: Model) -> float:
    """Return SCIP's seconds of wall-clock time; they go on while a decision is waited for."""
    return float(model.getSolvingTime())


def bounds(model: Model) -> tuple[float, float]:
    """Return the dual and the primal bound in the original objective; infinite without one."""
    if model.getStage() in _BEFORE_SOLVING:
        worst = math.inf if sense(model) == "minimize" else -math.inf
        return -worst, worst
    return _bound(model.getDualbound()), _bound(model.getPrimalbound())


def _bound(value: float) -> float:
    return value if abs(value) < SCIP_INFINITY else math.copysign(math.inf, value)


def gap(model: Model) -> float:
    """Return ``|primal - dual| / min(|primal|, |dual|)``, as SCIP defines it."""
    if model.getStage() in _BEFORE_SOLVING:
        return math.inf
    value = float(model.getGap())
    return value if value < SCIP_INFINITY else math.inf


def solved(model: Model) -> bool:
    """Return whether nothing is left to prove."""
    if model.getStage() != SCIP_STAGE.SOLVED:
        return False
    return termination(model, model.getNSols() > 0).solved


def open_nodes(model: Model) -> NDArray[np.float64]:
    """Return depth, lower bound and estimate of the open nodes, shape ``(k, 3)``.

    Children of the last node first, then siblings, then leaves, as
    :class:`kida.solver.stepping.SteppedSolve` has its options; bounds are of the problem as SCIP
    solves it, minimised.
    """
    leaves, children, siblings = model.getOpenNodes()
    rows = [
        (node.getDepth(), node.getLowerbound(), node.getEstimate())
        for node in (*children, *siblings, *leaves)
    ]
    return np.array(rows, np.float64).reshape(-1, 3)


class Trajectory:
    """Reads what a model's bound recorder has recorded, piece by piece.

    Raises
    ------
    ValueError
        If the model has none.
    """

    def __init__(self, model: Model) -> None:
        self._recorder = BoundRecorder.of(capsule(model))
        if self._recorder is None:
            raise ValueError("this model has no recorder of its bounds: it is no environment's")
        self._read = 0
        #: Seconds since the start of the solve up to which it has been read.
        self.time = 0.0
        worst = math.inf if sense(model) == "minimize" else -math.inf
        self._latest = (-worst, worst)

    def advance(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what has happened since the last call.

        Returns
        -------
        widths, dual, primal
            Shape ``(k,)`` each: seconds, and the bounds that held for so long, in the original
            objective.
        """
        now = float(self._recorder.wall)
        events = self._recorder.arrays(self._read)
        self._read += len(events["wall"])
        edges = np.clip(np.concatenate([[self.time], events["wall"], [now]]), self.time, now)
        dual = np.concatenate([[self._latest[0]], [_bound(x) for x in events["dual"]]])
        primal = np.concatenate([[self._latest[1]], [_bound(x) for x in events["primal"]]])
        self.time = now
        self._latest = (float(dual[-1]), float(primal[-1]))
        return np.diff(edges), dual, primal
