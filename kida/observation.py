"""The observation of a branch-and-bound node: names, order, meaning and layout of every feature.

Schema 1 is the bipartite graph of Gasse et al. (2019, arXiv:1906.01629) as Ecole's
``NodeBipartite`` lays it out; schema 2 is the same graph and, beside it, the features of the
branching candidates: what the solver has learned of them. The loops that fill them are in
``cpp/observation``. To add a feature, extend an enum here and its twin there; to change the meaning
or the order of one, raise ``SCHEMA_VERSION``, so that weights trained on another meaning are
refused.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

#: The newest schema; networks that read no candidate features are of schema 1 and go on to be.
SCHEMA_VERSION = 2


class RowFeature(IntEnum):
    """Columns of ``Observation.row_features``; on a left-hand side signs are flipped.

    An LP row stands once per finite side: first its left-hand side, negated to a "<=" row, then
    its right-hand side. Norms of zero count as one.
    """

    BIAS = 0  #: (side - constant) / row norm
    OBJECTIVE_COSINE_SIMILARITY = 1  #: cosine of the angle between row and objective
    IS_TIGHT = 2  #: 1 if the LP solution's activity equals this side
    DUAL_SOLUTION_VALUE = 3  #: dual value / (row norm x objective norm)
    SCALED_AGE = 4  #: LPs since the row was last tight / (number of LPs + 5)


class VariableFeature(IntEnum):
    """Columns of ``Observation.variable_features``, in Ecole's order."""

    OBJECTIVE = 0  #: coefficient / objective norm
    IS_TYPE_BINARY = 1
    IS_TYPE_INTEGER = 2
    IS_TYPE_IMPLICIT_INTEGER = 3
    IS_TYPE_CONTINUOUS = 4
    HAS_LOWER_BOUND = 5
    HAS_UPPER_BOUND = 6
    NORMED_REDUCED_COST = 7  #: reduced cost / objective norm
    SOLUTION_VALUE = 8  #: value in the node's LP solution
    SOLUTION_FRAC = 9  #: fractional part of it; 0 for continuous variables
    IS_SOLUTION_AT_LOWER_BOUND = 10
    IS_SOLUTION_AT_UPPER_BOUND = 11
    SCALED_AGE = 12  #: LPs since the column was last nonzero / (number of LPs + 5)
    INCUMBENT_VALUE = 13  #: value in the best solution; NaN without one
    AVERAGE_INCUMBENT_VALUE = 14  #: mean over the solutions found; NaN without one
    IS_BASIS_LOWER = 15
    IS_BASIS_BASIC = 16
    IS_BASIS_UPPER = 17
    IS_BASIS_ZERO = 18


class CandidateFeature(IntEnum):
    """Columns of the candidates' features: what the solver has learned in the tree so far.

    The array is float32 of shape ``(k, 9)``, a row for each branching candidate in their order. A
    pure graph of the LP knows nothing of the tree; these are a few of the features of Khalil et al.
    (2016), all between 0 and 1 and so without further normalisation.
    """

    #: Pseudocosts' guess g of the down child's gain: g / (g + the candidates' mean g); 0 where
    #: there is no such child. Of a variable that it does not know SCIP guesses the average.
    PSEUDOCOST_DOWN = 0
    PSEUDOCOST_UP = 1  #: the same of the up child
    PSEUDOCOST_SCORE = 2  #: SCIP's branching score of the two gains / the candidates' highest
    PSEUDOCOST_COUNT_DOWN = 3  #: n / (n + 4) for the n observations behind the down guess
    PSEUDOCOST_COUNT_UP = 4  #: the same of the up guess
    CONFLICT_SCORE = 5  #: score / (score + the average over all variables)
    INFERENCE_SCORE = 6  #: the same of the domain reductions that branching on it led to
    CUTOFF_SCORE = 7  #: the same of the infeasible children
    DEPTH = 8  #: d / (d + 10) for the node's depth d


#: The columns of the incumbent. A network that reads them reads 0 where there is none.
INCUMBENT_FEATURES = (VariableFeature.INCUMBENT_VALUE, VariableFeature.AVERAGE_INCUMBENT_VALUE)

#: The columns that kida's networks read: all but the incumbent's, as the benchmark runs without
#: primal heuristics (KIDA, arXiv:2201.10328).
NETWORK_VARIABLE_FEATURES = tuple(
    feature for feature in VariableFeature if feature not in INCUMBENT_FEATURES
)


@dataclass(frozen=True, eq=False)
class Observation:
    """One node's LP as a bipartite graph of rows and variables.

    Attributes
    ----------
    row_features
        Shape ``(m, 5)``, columns as in :class:`RowFeature`.
    variable_features
        Shape ``(n, 19)``, columns as in :class:`VariableFeature`; row ``j`` is the variable with
        problem index ``j`` (SCIP's ``SCIPvarGetProbindex``).
    row_starts
        Shape ``(m + 1,)``: the edges of row ``i`` are ``row_starts[i]:row_starts[i + 1]``.
    edge_columns
        Shape ``(e,)``: the variable of each edge.
    edge_values
        Shape ``(e,)``: coefficient / row norm, negated on left-hand sides.
    """

    row_features: NDArray[np.float32]
    variable_features: NDArray[np.float32]
    row_starts: NDArray[np.int32]
    edge_columns: NDArray[np.int32]
    edge_values: NDArray[np.float32]

    def __post_init__(self) -> None:
        rows, edges = len(self.row_features), len(self.edge_columns)
        if self.row_features.shape != (rows, len(RowFeature)):
            raise ValueError(f"row_features has shape {self.row_features.shape}")
        if self.variable_features.shape[1:] != (len(VariableFeature),):
            raise ValueError(f"variable_features has shape {self.variable_features.shape}")
        if self.row_starts.shape != (rows + 1,) or self.row_starts[-1] != edges:
            raise ValueError("row_starts does not delimit the edges")
        if self.edge_values.shape != (edges,):
            raise ValueError(f"{edges} edge columns but {len(self.edge_values)} edge values")

    @property
    def edge_indices(self) -> NDArray[np.int64]:
        """Row and variable of every edge, shape ``(2, e)``: the layout PyTorch Geometric uses."""
        return np.stack([self._edge_rows(), self.edge_columns.astype(np.int64)])

    def _edge_rows(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.row_features)), np.diff(self.row_starts))

    def around(self, candidates: NDArray[np.int32]) -> "tuple[Observation, NDArray[np.int32]]":
        """Return what the candidates' scores depend on: their rows, and those rows' variables.

        A network that sends one message from variables to rows and one back sees no further. Where
        few variables are fractional, this is a small part of the graph.

        Parameters
        ----------
        candidates
            Shape ``(k,)``, integer: variables.

        Returns
        -------
        Observation, (k,) int32
            The part of the graph, rows and variables in their order, and the candidates in it.
        """
        kept = np.zeros(len(self.variable_features), bool)
        kept[candidates] = True
        rows = self._edge_rows()
        near = np.zeros(len(self.row_features), bool)
        near[rows[kept[self.edge_columns]]] = True
        edges = near[rows]
        kept[self.edge_columns[edges]] = True
        place = np.cumsum(kept, dtype=np.int32) - 1
        part = Observation(
            self.row_features[near],
            self.variable_features[kept],
            np.append(0, np.cumsum(np.diff(self.row_starts)[near])).astype(np.int32),
            place[self.edge_columns[edges]],
            self.edge_values[edges],
        )
        return part, place[candidates]
