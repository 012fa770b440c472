"""Environments as Gymnasium has them: spaces, registered names, instances drawn at every reset.

Needs the extra ``gym``; ``kida.env`` itself does not, and has the same ``reset`` and ``step`` but
for the instance, which is an argument there.

>>> import gymnasium
>>> import kida.env.gymnasium
>>> env = gymnasium.make("kida/Branching-v0", instances=["set_cover:train:0", "set_cover:train:1"])
>>> observation, info = env.reset(seed=0)
>>> observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kida.env.branching import Branching
from kida.env.environment import Environment
from kida.env.node_selection import NodeSelection
from kida.env.rewards import Nodes
from kida.errors import UserError, missing_extra
from kida.instances.registry import instances as instances_of
from kida.observation import RowFeature, VariableFeature
from kida.parameters import NO_PARAMETERS, ParameterValue
from kida.settings import Limits, Settings
from kida.solver.branching import observe
from kida.solver.standing import open_nodes

try:
    import gymnasium
    from gymnasium import spaces
except ImportError as error:
    raise missing_extra("kida.env.gymnasium", "gymnasium", "gym") from error

#: Of which instances are drawn unless others are given.
DEFAULT_INSTANCES = ("combinatorial_auction", "train")
#: How many instances in a row may be solved without a decision.
_MOST_WITHOUT_DECISION = 100
_INDEX = 2**31 - 1


def _rows(width: int, dtype: Any, low: float = -np.inf, high: float = np.inf) -> Any:
    """Return the space of arrays with any number of rows of that width."""
    return spaces.Sequence(spaces.Box(low, high, (width,), dtype), stack=True)


class BipartiteGraph:
    """The node's LP as a dictionary of arrays, those of :class:`kida.observation.Observation`.

    Where NaN says that there is no incumbent, it is 0 here, as no space holds NaN; after the end of
    an episode every array is empty.
    """

    space = spaces.Dict(
        {
            "row_features": _rows(len(RowFeature), np.float32),
            "variable_features": _rows(len(VariableFeature), np.float32),
            "edge_indices": _rows(2, np.int64, 0, _INDEX),
            "edge_values": _rows(1, np.float32),
        }
    )

    def before_reset(self, model: Any) -> None:
        """Do nothing: nothing is remembered."""

    def extract(self, model: Any, done: bool) -> dict[str, Any]:
        """Return the arrays; of the edges (row, variable), shape ``(e, 2)``, and ``(e, 1)``."""
        if done:
            return {
                "row_features": np.empty((0, len(RowFeature)), np.float32),
                "variable_features": np.empty((0, len(VariableFeature)), np.float32),
                "edge_indices": np.empty((0, 2), np.int64),
                "edge_values": np.empty((0, 1), np.float32),
            }
        graph = observe(model)
        return {
            "row_features": graph.row_features,
            "variable_features": np.nan_to_num(graph.variable_features, nan=0.0),
            "edge_indices": graph.edge_indices.T.copy(),
            "edge_values": graph.edge_values[:, None],
        }


class OpenNodes:
    """The open nodes in the order of the action set: depth, lower bound and estimate of each."""

    space = _rows(3, np.float64)

    def before_reset(self, model: Any) -> None:
        """Do nothing: nothing is remembered."""

    def extract(self, model: Any, done: bool) -> Any:
        """Return the numbers, shape ``(k, 3)`` float64; none after the end of an episode."""
        return np.empty((0, 3)) if done else open_nodes(model)


class Positions(spaces.Discrete):
    """The positions in the action set: their number changes with every step."""

    def resize(self, count: int) -> None:
        """Have ``count`` positions, one at least: after the end no action is taken any more."""
        self.n = np.int64(max(count, 1))


class SolverEnv(gymnasium.Env[Any, Any]):
    """An environment of ``kida.env`` behind Gymnasium's interface; the base of the two below.

    Parameters
    ----------
    environment
        What is behind it.
    observation_space
        Of its observations.
    instances
        What ``reset`` draws of, evenly, by the environment's random generator: anything that
        :meth:`kida.env.environment.Environment.reset` takes. Those that are solved without a
        decision are passed over. ``reset(options={"instance": ...})`` names one instead.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 (Gymnasium's)

    def __init__(
        self,
        environment: Environment,
        observation_space: Any,
        instances: Sequence[Any] | None = None,
    ) -> None:
        if instances is None:
            instances = instances_of(*DEFAULT_INSTANCES)
        if isinstance(instances, str) or len(instances) == 0:
            raise UserError("give instances as a list of at least one")
        self.environment = environment
        self.observation_space = observation_space
        self.action_space = self._positions = Positions(1)
        self._instances = instances

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Draw an instance and a seed for SCIP, and begin an episode.

        Raises
        ------
        UserError
            If no instance, or the one named, needs a decision; or as the environment's ``reset``.
        """
        super().reset(seed=seed)
        named = (options or {}).get("instance")
        for _ in range(1 if named is not None else _MOST_WITHOUT_DECISION):
            place = int(self.np_random.integers(len(self._instances)))
            instance = self._instances[place] if named is None else named
            drawn = int(self.np_random.integers(2**31 - 1))
            observation, info = self.environment.reset(instance, seed=drawn)
            if not self.environment.done:
                self._resize()
                return observation, info
        raise UserError(
            "the instance is solved without a decision"
            if named is not None
            else f"{_MOST_WITHOUT_DECISION} instances in a row were solved without a decision"
        )

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a decision, as the environment's ``step`` does."""
        observation, reward, terminated, truncated, info = self.environment.step(action)
        self._resize()
        return observation, float(reward), terminated, truncated, info

    def close(self) -> None:
        """End the episode."""
        self.environment.close()

    def _resize(self) -> None:
        options = self.environment.action_set
        self._positions.resize(0 if options is None else len(options))


class BranchingEnv(SolverEnv):
    """Registered as ``kida/Branching-v0``.

    Parameters
    ----------
    instances
        See :class:`SolverEnv`.
    observation
        A function of :mod:`kida.env.functions` with an attribute ``space``, its observations'.
    reward
        A function that extracts a number; by default every node costs 1.
    settings, parameters, limits, candidates
        See :class:`kida.env.branching.Branching`. The settings are those of the literature unless
        others are named.
    render_mode
        Gymnasium's; there is nothing to render.
    """

    def __init__(
        self,
        instances: Sequence[Any] | None = None,
        observation: Any = None,
        reward: Any = None,
        settings: str | Settings = "research",
        parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
        limits: Limits | None = None,
        candidates: Any = "fractional",
        render_mode: None = None,
    ) -> None:
        observation = BipartiteGraph() if observation is None else observation
        environment = Branching(
            observation,
            -Nodes() if reward is None else reward,
            settings=settings,
            parameters=parameters,
            limits=limits,
            candidates=candidates,
        )
        super().__init__(environment, _space_of(observation), instances)


class NodeSelectionEnv(SolverEnv):
    """Registered as ``kida/NodeSelection-v0``; parameters as of :class:`BranchingEnv`."""

    def __init__(
        self,
        instances: Sequence[Any] | None = None,
        observation: Any = None,
        reward: Any = None,
        settings: str | Settings = "research",
        parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
        limits: Limits | None = None,
        render_mode: None = None,
    ) -> None:
        observation = OpenNodes() if observation is None else observation
        environment = NodeSelection(
            observation,
            -Nodes() if reward is None else reward,
            settings=settings,
            parameters=parameters,
            limits=limits,
        )
        super().__init__(environment, _space_of(observation), instances)


def _space_of(observation: Any) -> Any:
    space = getattr(observation, "space", None)
    if not isinstance(space, spaces.Space):
        raise UserError(
            f"Gymnasium needs to know the space of {observation!r}: give it an attribute 'space'"
        )
    return space


gymnasium.register("kida/Branching-v0", entry_point="kida.env.gymnasium:BranchingEnv")
gymnasium.register("kida/NodeSelection-v0", entry_point="kida.env.gymnasium:NodeSelectionEnv")
