"""kida's policies as agents of a real Ecole, in the form of the ML4CO competition's submissions.

``from kida.interop.ecole import ObservationFunction, Policy`` in a submission's ``agents/dual.py``
makes it run kida's models on Ecole's environment. Where Ecole and PySCIPOpt share a SCIP that kida
supports, nodes are observed natively, with the solver's statistics; elsewhere Ecole's own
``NodeBipartite`` is scored, of Ecole 0.7 (``column_features``) or 0.8 (``variable_features``), and
policies that read statistics are refused.

The strong-branching expert that a policy's card may ask is not asked: here the network decides
everywhere. A policy in which SCIP's own rule has a say (``shortlist``, ``network_depth``) is
refused. (``kida.ecole`` is the reverse: Ecole's interface on kida's environments.)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.network.policy import Policy as StoredPolicy
from kida.observation import Observation, VariableFeature


@dataclass(frozen=True, eq=False)
class ObservedNode:
    """A node as :class:`Policy` scores it, natively observed.

    Attributes
    ----------
    graph
        The LP.
    candidates
        Shape ``(k,)`` int32: the variables that the policy chooses among.
    candidate_features
        Shape ``(k, 9)`` float32, of these; ``None`` if the policy does not read them.
    """

    graph: Observation
    candidates: NDArray[np.int32]
    candidate_features: NDArray[np.float32] | None


class ObservationFunction:
    """What a policy needs to see, with the ``problem`` and ``seed`` that submissions take.

    Parameters
    ----------
    problem
        Name of a shipped model, as the competition's script gives its benchmark, or the folder of
        a trained one: the same as the policy's.
    parameters
        Set the SCIP parameters of the policy's card before every episode. By default they are
        not: the competition allowed branching only. Without them item placement, load balancing
        and others do far worse than under kida (docs/ecole.md).

    Raises
    ------
    UserError
        If there is no such policy; or it reads the solver's statistics, or its parameters shall be
        set, and the SCIP at hand is none that kida supports.
    ImportError
        If Ecole is needed, because of that SCIP, and not installed.
    """

    def __init__(self, problem: str | Path, parameters: bool = False) -> None:
        self._card = StoredPolicy.load(problem).card
        self._parameters = dict(self._card.parameters) if parameters else {}
        self._statistics = self._card.shape.candidate_features
        self._observe: Any = None
        try:
            from kida.solver import branching
        except ImportError as error:
            self._branching: Any = None
            for needed, what in (
                (self._statistics, "reads the solver's statistics"),
                (self._parameters, "brings SCIP parameters"),
            ):
                if needed:
                    raise UserError(
                        f"the policy {str(problem)!r} {what}, which is impossible here: {error}"
                    ) from error
            self._observe = _ecole().observation.NodeBipartite()
        else:
            self._branching = branching

    def seed(self, seed: int) -> None:
        """Accept the evaluation's seed; observing is deterministic."""

    def before_reset(self, model: Any) -> None:
        """Prepare for another episode, as Ecole asks.

        Raises
        ------
        UserError
            If SCIP refuses one of the card's parameters; none is set then.
        """
        if self._observe is not None:
            self._observe.before_reset(model)
        elif self._parameters:
            from kida.solver.settings import set_parameters

            with set_parameters(model.as_pyscipopt(), self._parameters):
                pass

    def extract(self, model: Any, done: bool) -> Any:
        """Return the focus node's observation, ``None`` when the episode is over."""
        if done:
            return None
        if self._observe is not None:
            return self._observe.extract(model, done)
        scip = model.as_pyscipopt()
        candidates = self._branching.branching_candidates(scip, self._card.candidates)
        return ObservedNode(
            self._branching.observe(scip),
            candidates,
            self._branching.observe_candidates(scip, candidates) if self._statistics else None,
        )


def _ecole() -> Any:
    try:
        import ecole
    except ImportError as error:
        raise ImportError(
            "Ecole is not installed; docs/ecole.md says how conda installs it"
        ) from error
    return ecole


class Policy:
    """A kida policy that chooses from Ecole's action set.

    Parameters
    ----------
    problem
        Name of a shipped model, as the competition's script gives its benchmark, or the folder of
        a trained one.

    Raises
    ------
    UserError
        If there is no such policy.
    """

    def __init__(self, problem: str | Path) -> None:
        policy = StoredPolicy.load(problem)
        self._name = str(problem)
        if policy.card.shortlist or policy.card.network_depth >= 0:
            raise UserError(
                f"the policy {self._name!r} lets SCIP's own rule choose in a shortlist or below a "
                "depth, which Ecole cannot: solve with kida, or give a policy whose network "
                "decides everywhere"
            )
        self._network = policy.native()
        self._statistics = policy.card.shape.candidate_features
        self._only_fractional = policy.card.candidates == "fractional"

    def seed(self, seed: int) -> None:
        """Accept the evaluation's seed; choosing is deterministic."""

    def __call__(self, action_set: NDArray[Any], observation: Any) -> int:
        """Return the variable to branch on.

        Parameters
        ----------
        action_set
            Shape ``(k,)``: indices of variables, as Ecole's branching environments give them,
            whether with pseudo candidates or without.
        observation
            What :class:`ObservationFunction` has extracted, or Ecole's ``NodeBipartite``.

        Raises
        ------
        ValueError
            If the action set is empty or the observation is not of that form.
        UserError
            If the policy reads the solver's statistics, and the observation has none.
        """
        allowed = np.asarray(action_set, np.int32)
        if not len(allowed):
            raise ValueError("the action set is empty")
        if isinstance(observation, ObservedNode):
            return self._chosen(allowed, observation)
        if self._statistics:
            raise UserError(
                f"the policy {self._name!r} reads the solver's statistics, which Ecole's own "
                "observations lack: extract them by kida.interop.ecole.ObservationFunction"
            )
        graph = from_ecole(observation)
        candidates = allowed
        if self._only_fractional:
            fraction = graph.variable_features[allowed, VariableFeature.SOLUTION_FRAC]
            # An action set of pseudo candidates may hold integral variables only.
            candidates = allowed[fraction > 0] if (fraction > 0).any() else allowed
        return self._best(ObservedNode(graph, candidates, None))

    def _chosen(self, allowed: NDArray[np.int32], node: ObservedNode) -> int:
        kept = np.isin(node.candidates, allowed)
        if not kept.any():
            raise ValueError("the action set has none of the candidates that were observed")
        features = node.candidate_features
        return self._best(
            ObservedNode(
                node.graph,
                node.candidates[kept],
                None if features is None else np.ascontiguousarray(features[kept]),
            )
        )

    def _best(self, node: ObservedNode) -> int:
        graph = node.graph
        scores = self._network.score(
            graph.row_features,
            graph.variable_features,
            graph.row_starts,
            graph.edge_columns,
            graph.edge_values,
            node.candidates,
            node.candidate_features,
        )
        return int(node.candidates[np.argmax(scores)])


def from_ecole(observation: Any) -> Observation:
    """Convert Ecole's ``NodeBipartite`` observation to kida's, whose features are the same.

    Raises
    ------
    ValueError
        If it does not have the features of a ``NodeBipartite`` observation.
    """
    variables = getattr(observation, "variable_features", None)
    if variables is None:
        variables = getattr(observation, "column_features", None)
    if variables is None:
        raise ValueError("this is no NodeBipartite observation: it has no variables' features")
    rows, columns = np.asarray(observation.edge_features.indices, np.int64)
    values = np.asarray(observation.edge_features.values, np.float32)
    row_features = np.ascontiguousarray(observation.row_features, np.float32)
    # Ecole lists the edges by row, which its documentation does not promise.
    order = np.argsort(rows, kind="stable")
    starts = np.searchsorted(rows[order], np.arange(len(row_features) + 1))
    return Observation(
        row_features=row_features,
        variable_features=np.ascontiguousarray(variables, np.float32),
        row_starts=starts.astype(np.int32),
        edge_columns=np.ascontiguousarray(columns[order], np.int32),
        edge_values=np.ascontiguousarray(values[order]),
    )
