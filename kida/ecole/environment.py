"""``ecole.environment``: episodes as five-tuples, to be used and subclassed as in Ecole."""

from pathlib import Path
from typing import Any, ClassVar

from kida.ecole import data, dynamics, information, observation, reward
from kida.ecole.errors import MarkovError
from kida.ecole.random import RandomGenerator, spawn_random_generator
from kida.ecole.scip import Model
from kida.parameters import ParameterValue

Result = tuple[Any, Any, Any, bool, Any]


class Environment:
    """The base of environments; a subclass names its dynamics.

    Parameters
    ----------
    observation_function, reward_function, information_function
        Whatever has ``before_reset(model)`` and ``extract(model, done)``; tuples, lists and
        dictionaries of such, numbers, ``None``, or ``"default"``.
    scip_params
        SCIP parameters set at the start of every episode.
    **dynamics_kwargs
        Arguments of the dynamics.
    """

    __Dynamics__: ClassVar[Any] = None
    __DefaultObservationFunction__: ClassVar[Any] = observation.Nothing
    __DefaultRewardFunction__: ClassVar[Any] = reward.IsDone
    __DefaultInformationFunction__: ClassVar[Any] = information.Nothing

    def __init__(
        self,
        observation_function: Any = "default",
        reward_function: Any = "default",
        information_function: Any = "default",
        scip_params: dict[str, ParameterValue] | None = None,
        **dynamics_kwargs: Any,
    ) -> None:
        self.reward_function = data.parse(reward_function, self.__DefaultRewardFunction__())
        self.observation_function = data.parse(
            observation_function, self.__DefaultObservationFunction__()
        )
        self.information_function = data.parse(
            information_function, self.__DefaultInformationFunction__()
        )
        self.scip_params = {} if scip_params is None else scip_params
        self.model: Model | None = None
        self.dynamics = self.__Dynamics__(**dynamics_kwargs)
        self.can_transition = False
        self.rng = spawn_random_generator()

    @property
    def random_engine(self) -> RandomGenerator:
        """The generator of the episodes' seeds, by its name in Ecole 0.7."""
        return self.rng

    def reset(
        self, instance: str | Path | Model, *dynamics_args: Any, **dynamics_kwargs: Any
    ) -> Result:
        """Begin an episode.

        Parameters
        ----------
        instance
            A file, or a model, of which a copy is solved.
        *dynamics_args, **dynamics_kwargs
            Arguments of ``reset_dynamics``.

        Returns
        -------
        tuple
            Observation, action set, reward so far, whether the episode is over, information.
        """
        self.can_transition = False
        model = instance.copy_orig() if isinstance(instance, Model) else Model.from_file(instance)
        model.set_params(self.scip_params)
        self.dynamics.set_dynamics_random_state(model, self.rng)
        self.model = model
        for function in (
            self.reward_function,
            self.observation_function,
            self.information_function,
        ):
            function.before_reset(model)
        return self._result(*self.dynamics.reset_dynamics(model, *dynamics_args, **dynamics_kwargs))

    def step(self, action: Any, *dynamics_args: Any, **dynamics_kwargs: Any) -> Result:
        """Take a decision; return as :meth:`reset`.

        Raises
        ------
        MarkovError
            If the episode is over, or none has begun.
        """
        if not self.can_transition:
            raise MarkovError("the environment needs to be reset")
        self.can_transition = False
        return self._result(
            *self.dynamics.step_dynamics(self.model, action, *dynamics_args, **dynamics_kwargs)
        )

    def _result(self, done: bool, action_set: Any) -> Result:
        reward_ = self.reward_function.extract(self.model, done)
        seen = None if done else self.observation_function.extract(self.model, done)
        known = self.information_function.extract(self.model, done)
        self.can_transition = not done
        return seen, action_set, reward_, done, known

    def seed(self, value: int) -> None:
        """Seed the episodes to come."""
        self.rng.seed(int(value))


class Branching(Environment):
    """A decision at every node: see :class:`~kida.ecole.dynamics.BranchingDynamics`."""

    __Dynamics__ = dynamics.BranchingDynamics
    __DefaultObservationFunction__ = observation.NodeBipartite


class Configuring(Environment):
    """One decision: see :class:`~kida.ecole.dynamics.ConfiguringDynamics`."""

    __Dynamics__ = dynamics.ConfiguringDynamics


class PrimalSearch(Environment):
    """Partial solutions: see :class:`~kida.ecole.dynamics.PrimalSearchDynamics`."""

    __Dynamics__ = dynamics.PrimalSearchDynamics
    __DefaultObservationFunction__ = observation.NodeBipartite
