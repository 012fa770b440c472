"""The expert: full strong branching at the focus node, computed by the native core."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyscipopt import Model

from kida import _core
from kida.rule import CandidateSet
from kida.solver.branching import capsule


@dataclass(frozen=True, eq=False)
class StrongBranching:
    """Gains and scores of the candidates; NaN where the evaluation ended early.

    Attributes
    ----------
    candidates
        Shape ``(k,)`` int32, indices of variables.
    down_gains, up_gains
        Shape ``(k,)`` float64, gain of the LP objective in each child. An infeasible child gains
        what is missing to the cutoff bound. The child that keeps an integral LP value gains 0:
        SCIP's ``vanillafullstrong`` counts the far side of the bound there as a huge gain.
    scores
        Shape ``(k,)`` float64, SCIP's branching score (by default the product of the gains).
    chosen
        Index into ``candidates`` of the highest score; -1 if nothing could be evaluated.
    """

    candidates: NDArray[np.int32]
    down_gains: NDArray[np.float64]
    up_gains: NDArray[np.float64]
    scores: NDArray[np.float64]
    chosen: int


def strong_branching(
    model: Model,
    which: CandidateSet = "fractional",
    *,
    idempotent: bool = True,
    iterations: int = 0,
    artefact: bool = False,
) -> StrongBranching:
    """Run full strong branching at the focus node; to be called inside a branching rule.

    Parameters
    ----------
    which
        The fractional candidates, or every unfixed integer variable.
    idempotent
        Leave no trace in the solver (pseudocosts, conflicts).
    iterations
        Simplex iterations spent on a child at most, after which a bound from below stands for its
        gain; 0: until it is solved.
    artefact
        Of candidates that are integral in the LP, count the far side of the bound as a huge gain,
        as ``vanillafullstrong`` does.

    Raises
    ------
    RuntimeError
        If there is no focus node with an LP solved to optimality, or a SCIP call fails.
    """
    found = _core.strong_branching(capsule(model), which, idempotent, iterations, artefact)
    return StrongBranching(**found)
