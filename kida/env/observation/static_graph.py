"""The whole problem as a bipartite graph of linear constraints and variables."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.solver.features import problem_graph


class ProblemVariableFeature(IntEnum):
    """Columns of ``ProblemGraph.variable_features``, as in Ecole's ``MilpBipartite``."""

    OBJECTIVE = 0  #: coefficient, minimised
    IS_TYPE_BINARY = 1
    IS_TYPE_INTEGER = 2
    IS_TYPE_IMPLICIT_INTEGER = 3
    IS_TYPE_CONTINUOUS = 4
    HAS_LOWER_BOUND = 5
    HAS_UPPER_BOUND = 6
    LOWER_BOUND = 7  #: 0 without one
    UPPER_BOUND = 8  #: 0 without one


@dataclass(frozen=True, eq=False)
class ProblemGraph:
    """A problem "minimise c x subject to A x <= b", as far as it is linear.

    A constraint stands once for each finite side: first its left-hand side, negated, then its
    right-hand side. Nothing is scaled.

    Attributes
    ----------
    variable_features
        Shape ``(n, 9)`` float64, columns as in :class:`ProblemVariableFeature`; row ``j`` is the
        variable with problem index ``j``.
    bias
        Shape ``(m,)`` float64: b.
    row_starts
        Shape ``(m + 1,)`` int32: the edges of row ``i`` are ``row_starts[i]:row_starts[i + 1]``.
    edge_columns
        Shape ``(e,)`` int32: the variable of each edge.
    edge_values
        Shape ``(e,)`` float64: its coefficient.
    left_out
        Number of constraints that have no linear form: nonlinear ones, and SCIP's own for
        symmetries and conflicts.
    """

    variable_features: NDArray[np.float64]
    bias: NDArray[np.float64]
    row_starts: NDArray[np.int32]
    edge_columns: NDArray[np.int32]
    edge_values: NDArray[np.float64]
    left_out: int

    @property
    def edge_indices(self) -> NDArray[np.int64]:
        """Row and variable of every edge, shape ``(2, e)``: the layout PyTorch Geometric uses."""
        rows = np.repeat(np.arange(len(self.bias)), np.diff(self.row_starts))
        return np.stack([rows, self.edge_columns.astype(np.int64)])


class StaticGraph:
    """The whole problem, presolved if the solve has begun, with its global bounds.

    Unlike :class:`NodeBipartite` it knows nothing of the LP, so it can be extracted before the
    solve, for configuring, and changes in the tree only with cuts turned constraints and global
    bounds.
    """

    def before_reset(self, model: Any) -> None:
        """Do nothing: nothing is remembered."""

    def extract(self, model: Any, done: bool) -> ProblemGraph | None:
        """Return the problem, ``None`` if ``done``."""
        return None if done else ProblemGraph(**problem_graph(model))
