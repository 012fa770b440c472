"""The 72 features of branching candidates of Khalil et al. (2016), the first to learn branching.

The loops that fill them are in ``cpp/features_khalil``, whose enum lists the same names.
"""

from enum import IntEnum
from typing import Any

from kida.env.observation.base import checked_candidates
from kida.env.observation.graph import CandidateObservation
from kida.rule import CandidateSet
from kida.solver.features import KhalilObserver


class KhalilFeature(IntEnum):
    """Columns of :class:`Khalil2016`'s features, by their names in Ecole, and in its order.

    Source: table 1 of Khalil, Le Bodic, Song, Nemhauser, Dilkina: Learning to Branch in Mixed
    Integer Programming, AAAI 2016. ``SLACK`` is the first of the 54 dynamic features; the 18 before
    it are static: of the root's LP (its last one before the first branching, of the current run
    after a restart). Rows are those of the LP. A row counts as "<=" for each finite side, negated
    on the left-hand side, and is active where its activity equals a side. Where the paper counts
    infeasible children of strong branching, this is SCIP's count of infeasible children, by
    direction, as in Ecole. Standard deviations are of the population; statistics of nothing are 0.
    """

    OBJ_COEF = 0  #: objective coefficient
    OBJ_COEF_POS_PART = 1  #: its positive part
    OBJ_COEF_NEG_PART = 2  #: its negative part
    N_ROWS = 3  #: number of rows that the variable is in
    ROWS_DEG_MEAN = 4  #: over these rows, their numbers of variables: mean
    ROWS_DEG_STDDEV = 5  #: standard deviation
    ROWS_DEG_MIN = 6
    ROWS_DEG_MAX = 7
    ROWS_POS_COEFS_COUNT = 8  #: the variable's positive coefficients: how many
    ROWS_POS_COEFS_MEAN = 9
    ROWS_POS_COEFS_STDDEV = 10
    ROWS_POS_COEFS_MIN = 11
    ROWS_POS_COEFS_MAX = 12
    ROWS_NEG_COEFS_COUNT = 13  #: the same of its negative coefficients
    ROWS_NEG_COEFS_MEAN = 14
    ROWS_NEG_COEFS_STDDEV = 15
    ROWS_NEG_COEFS_MIN = 16
    ROWS_NEG_COEFS_MAX = 17
    SLACK = 18  #: distance of the LP value to the nearest integer
    CEIL_DIST = 19  #: distance to the integer above
    PSEUDOCOST_UP = 20  #: pseudocost per unit x distance to the integer above
    PSEUDOCOST_DOWN = 21  #: the same of the integer below
    PSEUDOCOST_RATIO = 22  #: smaller / larger of the two, both at least 1e-5
    PSEUDOCOST_SUM = 23
    PSEUDOCOST_PRODUCT = 24
    N_CUTOFF_UP = 25  #: up children found infeasible (SCIP's cutoff sum)
    N_CUTOFF_DOWN = 26
    N_CUTOFF_UP_RATIO = 27  #: the same per up branching; 0 before any
    N_CUTOFF_DOWN_RATIO = 28
    ROWS_DYNAMIC_DEG_MEAN = 29  #: the rows' numbers of variables in this node's LP
    ROWS_DYNAMIC_DEG_STDDEV = 30
    ROWS_DYNAMIC_DEG_MIN = 31
    ROWS_DYNAMIC_DEG_MAX = 32
    ROWS_DYNAMIC_DEG_MEAN_RATIO = 33  #: d / (s + d) for this mean d and the static one s
    ROWS_DYNAMIC_DEG_MIN_RATIO = 34
    ROWS_DYNAMIC_DEG_MAX_RATIO = 35
    #: a / (abs(a) + abs(b)) over rows "<= b" with b >= 0; 1 without any
    COEF_POS_RHS_RATIO_MIN = 36
    COEF_POS_RHS_RATIO_MAX = 37  #: -1 without any
    COEF_NEG_RHS_RATIO_MIN = 38  #: the same over rows with b < 0
    COEF_NEG_RHS_RATIO_MAX = 39
    #: a > 0 / sum of the row's positive coefficients; 1 without any
    POS_COEF_POS_COEF_RATIO_MIN = 40
    POS_COEF_POS_COEF_RATIO_MAX = 41  #: 0 without any
    POS_COEF_NEG_COEF_RATIO_MIN = 42  #: a > 0 / (a + sum of the absolute negative ones)
    POS_COEF_NEG_COEF_RATIO_MAX = 43
    NEG_COEF_POS_COEF_RATIO_MIN = 44  #: a < 0: abs(a) / (abs(a) + sum of the positive ones)
    NEG_COEF_POS_COEF_RATIO_MAX = 45
    NEG_COEF_NEG_COEF_RATIO_MIN = 46  #: a < 0 / sum of the row's negative coefficients
    NEG_COEF_NEG_COEF_RATIO_MAX = 47
    ACTIVE_COEF_WEIGHT1_COUNT = 48  #: w = 1: number of active rows
    ACTIVE_COEF_WEIGHT1_SUM = 49  #: of w x abs(a)
    ACTIVE_COEF_WEIGHT1_MEAN = 50
    ACTIVE_COEF_WEIGHT1_STDDEV = 51
    ACTIVE_COEF_WEIGHT1_MIN = 52
    ACTIVE_COEF_WEIGHT1_MAX = 53
    ACTIVE_COEF_WEIGHT2_COUNT = 54  #: w = 1 / sum of the row's absolute coefficients: sum of w
    ACTIVE_COEF_WEIGHT2_SUM = 55  #: of w x abs(a)
    ACTIVE_COEF_WEIGHT2_MEAN = 56
    ACTIVE_COEF_WEIGHT2_STDDEV = 57
    ACTIVE_COEF_WEIGHT2_MIN = 58
    ACTIVE_COEF_WEIGHT2_MAX = 59
    ACTIVE_COEF_WEIGHT3_COUNT = 60  #: w = 1 / the same sum over the candidates alone: sum of w
    ACTIVE_COEF_WEIGHT3_SUM = 61  #: of w x abs(a)
    ACTIVE_COEF_WEIGHT3_MEAN = 62
    ACTIVE_COEF_WEIGHT3_STDDEV = 63
    ACTIVE_COEF_WEIGHT3_MIN = 64
    ACTIVE_COEF_WEIGHT3_MAX = 65
    ACTIVE_COEF_WEIGHT4_COUNT = 66  #: w = absolute dual value of the row: sum of w
    ACTIVE_COEF_WEIGHT4_SUM = 67  #: of w x abs(a)
    ACTIVE_COEF_WEIGHT4_MEAN = 68
    ACTIVE_COEF_WEIGHT4_STDDEV = 69
    ACTIVE_COEF_WEIGHT4_MIN = 70
    ACTIVE_COEF_WEIGHT4_MAX = 71


#: Number of static features, which come first.
STATIC_FEATURES = int(KhalilFeature.SLACK)


class Khalil2016:
    """The 72 features of every branching candidate; float64.

    Ecole computes five of the columns otherwise than the paper: ``kida.ecole`` has them as Ecole
    has them.

    Parameters
    ----------
    candidates
        The ``"fractional"`` ones, as in the paper, or all that are ``"unfixed"``.
    """

    def __init__(self, candidates: CandidateSet = "fractional") -> None:
        self._which = checked_candidates(candidates)
        self._observer = KhalilObserver()

    def before_reset(self, model: Any) -> None:
        """Forget the static features of the last solve."""
        self._observer.reset()

    def extract(self, model: Any, done: bool) -> CandidateObservation | None:
        """Return the candidates' features, columns as in :class:`KhalilFeature`."""
        return None if done else CandidateObservation(*self._observer.observe(model, self._which))
