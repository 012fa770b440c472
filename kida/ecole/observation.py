"""``ecole.observation``: Ecole's names, layouts and dtypes on kida's native observations.

Arrays run over all variables of the problem, by problem index, and are NaN where Ecole's are.
"""

import warnings
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kida.ecole.errors import Exception
from kida.ecole.scip import Model, Stage
from kida.env.observation import FocusNode as _FocusNode
from kida.env.observation import KhalilFeature, ProblemVariableFeature, StaticGraph
from kida.env.observation.khalil import STATIC_FEATURES
from kida.observation import RowFeature, VariableFeature
from kida.rule import CandidateSet
from kida.solver.branching import observe
from kida.solver.features import KhalilObserver, pseudocosts
from kida.solver.strong_branching import strong_branching

Reals = NDArray[np.float64]


class Nothing:
    """Observes nothing."""

    def before_reset(self, model: Model) -> None:
        """Do nothing."""

    def extract(self, model: Model, done: bool) -> Any:
        """Return ``None``."""
        return None


@dataclass(eq=False)
class coo_matrix:  # noqa: N801
    """A sparse matrix: ``indices`` has shape (2, nnz), rows first.

    Attributes
    ----------
    values
        Shape ``(nnz,)`` float64.
    indices
        Shape ``(2, nnz)`` uint64.
    shape
        Of the matrix.
    """

    values: Reals
    indices: NDArray[np.uint64]
    shape: tuple[int, int]

    @property
    def nnz(self) -> int:
        """Number of entries."""
        return len(self.values)


def _lower_case(place: str, enumeration: type[IntEnum]) -> Any:
    """Return the same enumeration with names as Ecole writes them, at ``place`` in this module."""
    names = {member.name.lower(): member.value for member in enumeration}
    return IntEnum(place.rpartition(".")[2], names, module=__name__, qualname=place)


@dataclass(eq=False)
class NodeBipartiteObs:
    """The LP as a bipartite graph, of kida's features, which are Ecole's.

    Attributes
    ----------
    variable_features
        Shape ``(n, 19)`` float64; ``column_features`` is its name in Ecole 0.7.
    row_features
        Shape ``(m, 5)`` float64.
    edge_features
        The matrix, rows by variables.
    """

    VariableFeatures: ClassVar[Any] = _lower_case(
        "NodeBipartiteObs.VariableFeatures", VariableFeature
    )
    ColumnFeatures: ClassVar[Any] = VariableFeatures
    RowFeatures: ClassVar[Any] = _lower_case("NodeBipartiteObs.RowFeatures", RowFeature)

    variable_features: Reals
    row_features: Reals
    edge_features: coo_matrix

    @property
    def column_features(self) -> Reals:
        """The variables' features."""
        return self.variable_features


class NodeBipartite:
    """Extracts :class:`NodeBipartiteObs`.

    Parameters
    ----------
    cache
        Accepted; nothing is gained by it here.
    """

    def __init__(self, cache: bool = False) -> None:
        pass

    def before_reset(self, model: Model) -> None:
        """Do nothing."""

    def extract(self, model: Model, done: bool) -> NodeBipartiteObs | None:
        """Return the observation, ``None`` if ``done``."""
        if _nothing_to_see(model, done):
            return None
        seen = observe(model.as_pyscipopt())
        return NodeBipartiteObs(
            seen.variable_features.astype(np.float64),
            seen.row_features.astype(np.float64),
            coo_matrix(
                seen.edge_values.astype(np.float64),
                seen.edge_indices.astype(np.uint64),
                (len(seen.row_features), len(seen.variable_features)),
            ),
        )


def _nothing_to_see(model: Model, done: bool) -> bool:
    """Return whether there is no LP of a node, as before a configuring decision."""
    return done or model.stage != Stage.Solving


class _Sides(IntEnum):
    BIAS = 0


@dataclass(eq=False)
class MilpBipartiteObs:
    """The problem "minimise c x subject to A x <= b" as a bipartite graph.

    Attributes
    ----------
    variable_features
        Shape ``(n, 9)`` float64.
    constraint_features
        Shape ``(m, 1)`` float64: b.
    edge_features
        The matrix A, a row for every finite side of a constraint.
    """

    VariableFeatures: ClassVar[Any] = _lower_case(
        "MilpBipartiteObs.VariableFeatures", ProblemVariableFeature
    )
    ConstraintFeatures: ClassVar[Any] = _lower_case("MilpBipartiteObs.ConstraintFeatures", _Sides)

    variable_features: Reals
    constraint_features: Reals
    edge_features: coo_matrix


class MilpBipartite:
    """Extracts :class:`MilpBipartiteObs` before the solve; ``None`` in it and after it.

    Parameters
    ----------
    normalize
        Divide the objective by its norm, and b by the norm of its constraint's coefficients: not
        the coefficients themselves, as in Ecole.
    """

    def __init__(self, normalize: bool = False) -> None:
        self._normalize = normalize

    def before_reset(self, model: Model) -> None:
        """Do nothing."""

    def extract(self, model: Model, done: bool) -> MilpBipartiteObs | None:
        """Return the observation, ``None`` once the solve has begun.

        Raises
        ------
        Exception
            If the problem has a constraint that is not linear.
        """
        if model.stage >= Stage.Solving:
            return None
        graph = StaticGraph().extract(model.as_pyscipopt(), False)
        assert graph is not None  # nothing is done
        if graph.left_out:
            raise Exception(
                f"{graph.left_out} constraint(s) cannot be expressed as linear ones: MilpBipartite "
                "is of linear problems"
            )
        rows, columns = graph.edge_indices
        shape = (len(graph.bias), len(graph.variable_features))
        if self._normalize:
            objective = graph.variable_features[:, ProblemVariableFeature.OBJECTIVE]
            objective /= np.linalg.norm(objective) or 1.0
            squares = np.bincount(rows, graph.edge_values**2, minlength=shape[0])
            norms = np.where(squares > 0.0, np.sqrt(squares), 1.0)
            graph.bias[:] /= norms
        return MilpBipartiteObs(
            graph.variable_features,
            graph.bias[:, np.newaxis],
            coo_matrix(graph.edge_values, np.stack([rows, columns]).astype(np.uint64), shape),
        )


class _Scores:
    """A number for each variable, NaN where there is none."""

    _warned: ClassVar[bool] = False

    def before_reset(self, model: Model) -> None:
        """Do nothing."""

    def _spread(self, model: Model, candidates: NDArray[np.int32], scores: Reals) -> Reals:
        spread = np.full(model.as_pyscipopt().getNVars(), np.nan)
        spread[candidates] = scores
        options = None if model.solving is None else model.solving.options
        if not _Scores._warned and options is not None and np.isnan(spread[options]).any():
            _Scores._warned = True
            warnings.warn(
                f"{type(self).__name__} has scores of fractional candidates only, as in Ecole, "
                "and the action set holds others (pseudo_candidates): numpy's argmax over NaN "
                "chooses the first of these; use nanargmax, or StrongBranchingScores with "
                "pseudo_candidates=True",
                RuntimeWarning,
                stacklevel=3,
            )
        return spread


class Pseudocosts(_Scores):
    """SCIP's pseudocost scores of the fractional candidates; NaN elsewhere."""

    def extract(self, model: Model, done: bool) -> Reals | None:
        """Return the scores, shape ``(n,)``, ``None`` if ``done``."""
        if _nothing_to_see(model, done):
            return None
        return self._spread(model, *pseudocosts(model.as_pyscipopt(), "fractional"))


class StrongBranchingScores(_Scores):
    """Scores of full strong branching, as ``vanillafullstrong``'s; NaN elsewhere.

    Those of variables that are integral in the LP have its artefact, as in Ecole: the far side of
    a bound counts as a huge gain, so that they rank first.

    Parameters
    ----------
    pseudo_candidates
        Of all unfixed integer variables, not of the fractional ones alone. By default what
        ``of_pseudo_candidates`` says: False, as in Ecole 0.8; in 0.7 it was True.
    """

    #: The default of the argument, which ``python -m kida.ecole --ecole 0.7`` makes True.
    of_pseudo_candidates: ClassVar[bool] = False

    def __init__(self, pseudo_candidates: bool | None = None) -> None:
        if pseudo_candidates is None:
            pseudo_candidates = self.of_pseudo_candidates
        self._which: CandidateSet = "unfixed" if pseudo_candidates else "fractional"

    def extract(self, model: Model, done: bool) -> Reals | None:
        """Return the scores, shape ``(n,)``, ``None`` if ``done``."""
        if _nothing_to_see(model, done):
            return None
        found = strong_branching(model.as_pyscipopt(), self._which, artefact=True)
        return self._spread(model, found.candidates, found.scores)


@dataclass(eq=False)
class Khalil2016Obs:
    """The features of Khalil et al. (2016).

    Attributes
    ----------
    features
        Shape ``(n, 72)`` float64; rows of other variables than candidates are NaN.
    """

    n_static_features: ClassVar[int] = STATIC_FEATURES
    n_dynamic_features: ClassVar[int] = len(KhalilFeature) - STATIC_FEATURES
    Features: ClassVar[Any] = _lower_case("Khalil2016Obs.Features", KhalilFeature)

    features: Reals


class Khalil2016:
    """Extracts :class:`Khalil2016Obs`, five columns of which are as Ecole computes them.

    Ecole's standard deviations over active rows are of the last of them alone, its largest negative
    coefficient is the smallest positive number, and its third weight is of all unfixed variables.

    Parameters
    ----------
    pseudo_candidates
        Of all unfixed integer variables, not of the fractional ones alone.
    """

    def __init__(self, pseudo_candidates: bool = False) -> None:
        self._which: CandidateSet = "unfixed" if pseudo_candidates else "fractional"
        self._observer = KhalilObserver(as_ecole=True)

    def before_reset(self, model: Model) -> None:
        """Forget the static features of the last solve."""
        self._observer.reset()

    def extract(self, model: Model, done: bool) -> Khalil2016Obs | None:
        """Return the observation, ``None`` if ``done``."""
        if _nothing_to_see(model, done):
            return None
        candidates, found = self._observer.observe(model.as_pyscipopt(), self._which)
        features = np.full((model.as_pyscipopt().getNVars(), found.shape[1]), np.nan)
        features[candidates] = found
        return Khalil2016Obs(features)


@dataclass
class FocusNodeObs:
    """Where the node stands: of the transformed problem, the root's number being 0.

    Attributes
    ----------
    number, depth, lowerbound, estimate, n_added_conss
        Of the node.
    parent_number, parent_lowerbound
        Of its parent; -1 and the root's own at the root.
    """

    number: int
    depth: int
    lowerbound: float
    estimate: float
    n_added_conss: int
    parent_number: int
    parent_lowerbound: float


class FocusNode:
    """Extracts :class:`FocusNodeObs`, which Ecole has in the version of rl2branch."""

    def before_reset(self, model: Model) -> None:
        """Do nothing."""

    def extract(self, model: Model, done: bool) -> FocusNodeObs | None:
        """Return the observation, ``None`` if ``done``."""
        node = _FocusNode().extract(model.as_pyscipopt(), done)
        if node is None:
            return None
        root = node.parent_number is None or node.parent_lower_bound is None
        return FocusNodeObs(
            number=node.number - 1,
            depth=node.depth,
            lowerbound=node.lower_bound,
            estimate=node.estimate,
            n_added_conss=node.added_constraints,
            parent_number=-1 if node.parent_number is None else node.parent_number - 1,
            parent_lowerbound=node.lower_bound if root else float(node.parent_lower_bound or 0.0),
        )
