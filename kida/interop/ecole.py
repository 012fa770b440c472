"""A kida policy as an Ecole agent, in the form of an ML4CO submission.

The competition's own evaluation script does ``from agents.dual import Policy,
ObservationFunction``: a file of that name with ``from kida.interop.ecole import Policy,
ObservationFunction`` makes it run kida's models on Ecole's environment. Ecole 0.7 (whose
observations call the variables' features ``column_features``) and 0.8 (``variable_features``) both
work. PySCIPOpt is not imported here: Ecole brings a SCIP of its own.

Scores are computed by the native core from what Ecole observed. The expert that a policy's card
may ask at shallow nodes is not: here the network decides everywhere.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.network.policy import Policy as StoredPolicy
from kida.observation import Observation, VariableFeature


class ObservationFunction:
    """Ecole's ``NodeBipartite``, with the ``problem`` and ``seed`` that submissions take.

    Parameters
    ----------
    problem
        The benchmark's name; the observation is the same for all.

    Raises
    ------
    ImportError
        If Ecole is not installed.
    """

    def __init__(self, problem: str = "") -> None:
        try:
            import ecole
        except ImportError as error:
            raise ImportError(
                "Ecole is not installed; docs/ecole.md says how conda installs it"
            ) from error
        self._observe = ecole.observation.NodeBipartite()

    def seed(self, seed: int) -> None:
        """Accept the evaluation's seed; observing is deterministic."""

    def before_reset(self, model: Any) -> None:
        """Prepare for another episode, as Ecole asks."""
        self._observe.before_reset(model)

    def extract(self, model: Any, done: bool) -> Any:
        """Return Ecole's observation of the focus node, ``None`` when the episode is over."""
        return self._observe.extract(model, done)


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
        If there is no such policy, or it reads the solver's statistics, which Ecole does not
        observe.
    """

    def __init__(self, problem: str | Path) -> None:
        policy = StoredPolicy.load(problem)
        if policy.card.shape.candidate_features:
            raise UserError(
                f"the policy {str(problem)!r} reads the solver's statistics, which Ecole does not "
                "observe: give one that was trained without training.statistics"
            )
        self._network = policy.native()
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
            Ecole's ``NodeBipartite`` observation.

        Raises
        ------
        ValueError
            If the action set is empty or the observation is not of that form.
        """
        observed = from_ecole(observation)
        candidates = np.asarray(action_set, np.int32)
        if not len(candidates):
            raise ValueError("the action set is empty")
        if self._only_fractional:
            fraction = observed.variable_features[candidates, VariableFeature.SOLUTION_FRAC]
            # An action set of pseudo candidates may hold integral variables only.
            candidates = candidates[fraction > 0] if (fraction > 0).any() else candidates
        scores = self._network.score(
            observed.row_features,
            observed.variable_features,
            observed.row_starts,
            observed.edge_columns,
            observed.edge_values,
            candidates,
        )
        return int(candidates[np.argmax(scores)])


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
