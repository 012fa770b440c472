"""The features of TreeGate (Zarpellon et al. 2021): of the candidates, and of the tree.

Source: Zarpellon, Jo, Lodi, Bengio: Parameterizing Branch-and-Bound Search Trees to Learn Branching
Policies, AAAI 2021 (arXiv:2002.05120), its appendix, and the program published with it. The loops
that fill them are in ``cpp/features_tree_gate``, whose enums list the same names.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.env.observation.base import checked_candidates
from kida.rule import CandidateSet
from kida.solver.features import TreeRecorder


class TreeGateCandidateFeature(IntEnum):
    """Columns of the candidates' features: their roles in the search so far.

    Scores and counts are SCIP's own, of its current run (since the last restart) where SCIP keeps
    both; implications and cliques are of the presolved problem. A quotient by 0 is 0.
    """

    FRACTION = 0  #: fractional part of the LP value
    AVERAGE_SOLUTION = 1  #: mean over the solutions found; SCIP begins at the middle of the bounds
    BRANCH_DEPTH_UP = 2  #: 1 - mean depth of branching upwards on it / maximal depth; 0 at depth 0
    BRANCH_DEPTH_DOWN = 3
    CONFLICT_SCORE = 4  #: 1 - 1 / (1 + s / max(mean s, 0.1)) for the score s
    CONFLICT_LENGTH_SCORE = 5
    INFERENCE_SCORE = 6
    CUTOFF_SCORE = 7
    PSEUDOCOST_SCORE = 8
    PSEUDOCOST_COUNT_UP_SHARE = 9  #: pseudocost updates of the variable / those of all variables
    PSEUDOCOST_COUNT_DOWN_SHARE = 10
    PSEUDOCOST_COUNT_UP_BY_BRANCHINGS = 11  #: the same updates / branchings upwards on it
    PSEUDOCOST_COUNT_DOWN_BY_BRANCHINGS = 12
    PSEUDOCOST_COUNT_UP_BY_DECISIONS = 13  #: the same updates / nodes branched so far
    PSEUDOCOST_COUNT_DOWN_BY_DECISIONS = 14
    IMPLICATIONS_DOWN = 15  #: number of implications of its value 0
    IMPLICATIONS_UP = 16  #: number of implications of its value 1
    CLIQUES_DOWN = 17  #: cliques with its complement / all cliques
    CLIQUES_UP = 18  #: cliques with it / all cliques
    CUTOFFS_UP = 19  #: g(mean number of infeasible children), g(x) = max(x / (x + 1), 0.1)
    CUTOFFS_DOWN = 20
    CONFLICT_LENGTH_UP = 21  #: g of the mean length of conflicts with it
    CONFLICT_LENGTH_DOWN = 22
    INFERENCES_UP = 23  #: g of the mean number of domain reductions after branching on it
    INFERENCES_DOWN = 24


class TreeGateTreeFeature(IntEnum):
    """Columns of the tree's features; the first eight are of the focus node.

    ``d(x, y)`` is abs(x - y) / max(abs(x), abs(y)), 0 for opposite signs; ``r(x)`` is
    abs(u - x) / abs(u - l) for the upper bound u and the global bound l; both are 0 while there is
    no upper bound; ``g(x)`` is max(x / (x + 1), 0.1). Bounds are of the problem as SCIP solves it,
    minimised. A quotient by 0 is 0. At the root, all features from ``OBJECTIVE_LEAVES`` to
    ``NODES_PER_LP`` and ``NODES_BEFORE_FIRST`` are 0, and without open nodes all of theirs.

    In one thing this follows the paper, not its program, in which the number of candidates is
    always 6 by mistake: ``NODE_CANDIDATES``.
    """

    NODE_DEPTH = 0  #: depth / maximal depth; 0 at the root
    NODE_PLUNGE_DEPTH = 1  #: plunge depth / depth; 0 at the root
    NODE_BOUND_DISTANCE = 2  #: d(global bound, LP value)
    NODE_ROOT_DISTANCE = 3  #: d(root's bound, LP value)
    NODE_UPPER_DISTANCE = 4  #: d(upper bound, LP value)
    NODE_POSITION = 5  #: r(LP value)
    NODE_CANDIDATES = 6  #: number of candidates / binary and integer variables
    NODE_BOUND_CHANGES = 7  #: bound changes at the node / variables
    OBJECTIVE_LEAVES = 8  #: leaves cut off by the objective limit / all leaves
    INFEASIBLE_LEAVES = 9  #: infeasible leaves / all leaves
    FEASIBLE_LEAVES = 10  #: leaves with a solution / all leaves
    INFEASIBLE_TO_OBJECTIVE_LEAVES = 11  #: (infeasible leaves + 1) / (objective leaves + 1)
    NODES_LEFT = 12  #: open nodes / processed nodes
    LEAVES = 13  #: leaves / processed nodes
    INTERNAL_NODES = 14  #: branched nodes / processed nodes
    PROCESSED_TO_CREATED = 15  #: processed nodes / created nodes
    ACTIVATED_NODES = 16  #: node activations / processed nodes
    DEACTIVATED_NODES = 17  #: node deactivations / processed nodes
    PLUNGE_DEPTH = 18  #: plunge depth / maximal depth
    BACKTRACKS = 19  #: backtracks / processed nodes
    LOG_ITERATIONS_PER_NODE = 20  #: logarithm of LP iterations / processed nodes
    LOG_LPS_PER_NODE = 21  #: logarithm of LPs / processed nodes
    NODES_PER_LP = 22  #: processed nodes / LPs
    NODE_LPS = 23  #: LPs of nodes / LPs
    #: logarithm of SCIP's primal-dual integral, over time: not reproducible
    LOG_PRIMAL_DUAL_INTEGRAL = 24
    #: gap / gap when the last solution was found; 0 while any of these is infinite
    GAP_TO_LAST = 25
    GAP_TO_FIRST = 26  #: gap / gap when the first solution was found
    LAST_GAP_TO_FIRST = 27
    ROOT_TO_BOUND = 28  #: d(root's bound, global bound)
    ROOT_TO_AVERAGE_BOUND = 29  #: d(root's bound, mean bound of the open nodes and the focus node)
    UPPER_TO_BOUND = 30  #: d(upper bound, global bound)
    IS_UPPER_SOLUTION = 31  #: 1 if the upper bound is that of a solution
    NODES_BEFORE_FIRST = 32  #: nodes before the first solution (-1: none) / processed nodes
    MEAN_CONFLICT_SCORE = 33  #: g of the mean over all variables, in what follows
    MEAN_CONFLICT_LENGTH_SCORE = 34
    MEAN_INFERENCE_SCORE = 35
    MEAN_CUTOFF_SCORE = 36
    MEAN_PSEUDOCOST_SCORE = 37
    MEAN_CUTOFFS_UP = 38
    MEAN_CUTOFFS_DOWN = 39
    MEAN_INFERENCES_UP = 40
    MEAN_INFERENCES_DOWN = 41
    PSEUDOCOST_VARIANCE_UP = 42  #: g of the variance, in the current run
    PSEUDOCOST_VARIANCE_DOWN = 43
    CONFLICTS_APPLIED = 44  #: g of the number of conflict constraints applied
    OPEN_AT_LOWEST = 45  #: open nodes at the lowest of their bounds / open nodes
    OPEN_AT_HIGHEST = 46  #: open nodes at the highest of their bounds / open nodes
    OPEN_BOUND_TO_HIGHEST = 47  #: d(global bound, highest bound)
    OPEN_LOWEST_TO_HIGHEST = 48
    OPEN_LOWEST_TO_UPPER = 49
    OPEN_HIGHEST_TO_UPPER = 50
    OPEN_MEAN_POSITION = 51  #: r(mean bound)
    OPEN_LOWEST_POSITION = 52
    OPEN_HIGHEST_POSITION = 53
    OPEN_QUARTILE_DISTANCE = 54  #: d(first quartile, third quartile) of the bounds
    OPEN_VARIATION = 55  #: standard deviation / mean
    OPEN_QUARTILE_DISPERSION = 56  #: (third - first quartile) / (third + first)
    OPEN_DEPTH_MEAN = 57  #: mean depth of the open nodes / maximal depth
    OPEN_DEPTH_QUARTILE_DISTANCE = 58
    OPEN_DEPTH_VARIATION = 59
    OPEN_DEPTH_QUARTILE_DISPERSION = 60


@dataclass(frozen=True, eq=False)
class TreeGateObservation:
    """What TreeGate's network reads.

    Attributes
    ----------
    candidates
        Shape ``(k,)``: indices of variables, in the order of the environment's action set.
    candidate_features
        Shape ``(k, 25)``, columns as in :class:`TreeGateCandidateFeature`.
    tree_features
        Shape ``(61,)``, as in :class:`TreeGateTreeFeature`.
    """

    candidates: NDArray[np.int32]
    candidate_features: NDArray[np.float64]
    tree_features: NDArray[np.float64]


class TreeGate:
    """The 25 features of every candidate and the 61 of the tree.

    Some of the tree's are counts that SCIP does not tell: an event handler counts them.

    Parameters
    ----------
    candidates
        The ``"fractional"`` ones, as in the paper, or all that are ``"unfixed"``.
    """

    def __init__(self, candidates: CandidateSet = "fractional") -> None:
        self._which = checked_candidates(candidates)
        self._recorder: TreeRecorder | None = None

    def before_reset(self, model: Any) -> None:
        """Listen to the solve from its beginning."""
        self._recorder = TreeRecorder(model)

    def extract(self, model: Any, done: bool) -> TreeGateObservation | None:
        """Return the features, ``None`` if ``done``.

        Raises
        ------
        RuntimeError
            If :meth:`before_reset` was not called.
        """
        if done:
            return None
        if self._recorder is None:
            raise RuntimeError("TreeGate listens to the whole solve: call before_reset before it")
        return TreeGateObservation(*self._recorder.observe(model, self._which))
