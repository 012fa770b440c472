"""A training sample: one branch-and-bound node as the network sees it, and the expert's view."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kida.observation import Observation


@dataclass(frozen=True, eq=False)
class Sample:
    """One node recorded for training.

    Attributes
    ----------
    observation
        The node's LP, before the expert touched it.
    candidates
        Shape ``(k,)`` int32, indices of variables.
    candidate_features
        Shape ``(k, 9)`` float32, columns as in :class:`kida.observation.CandidateFeature`: what the
        solver had learned of the candidates, before the expert taught it more.
    down_gains, up_gains, scores
        Shape ``(k,)`` float64: strong branching's gain of the LP objective in each child, and
        SCIP's branching score of the two. An infeasible child gains what is missing to the cutoff
        bound (about 1e20 without one).
    chosen
        Index into ``candidates`` of the highest score.
    depth, node_number
        The node's depth (root: 0) and its number in the order of processing.
    lp_objective
        Of the node's LP, in the transformed (minimisation) problem.
    dual_bound
        Of the whole problem when the node was processed, in the original problem.
    taken
        Index into ``candidates`` of the one branched on, whose gains are thus the realised ones;
        -1 if SCIP decided.
    """

    observation: Observation
    candidates: NDArray[np.int32]
    candidate_features: NDArray[np.float32]
    down_gains: NDArray[np.float64]
    up_gains: NDArray[np.float64]
    scores: NDArray[np.float64]
    chosen: int
    depth: int
    node_number: int
    lp_objective: float
    dual_bound: float
    taken: int
