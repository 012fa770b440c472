"""What all environments share: an episode is one solve, and every step is one decision in it.

An environment opens an instance, lets SCIP run in a thread of its own up to a decision
(``kida.solver.stepping``) and asks its functions what there is to see (``kida.env.functions``).
What the decision is, and what an action is, is the subclass's: to add a kind, add a file with a
subclass.
"""

from collections.abc import Mapping
from operator import index
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from kida._core import BoundRecorder
from kida.boundary import LARGEST_SEED
from kida.env.actions import chosen
from kida.env.functions import Functions, composed
from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import named_instance
from kida.parameters import NO_PARAMETERS, ParameterValue
from kida.settings import Limits, Settings, named_settings
from kida.solver.branching import capsule
from kida.solver.problem import copied_model, is_model, open_model
from kida.solver.settings import set_parameters
from kida.solver.solve import Termination, prepare, termination
from kida.solver.stepping import DecisionKind, SteppedSolve


class Environment:
    """The base of :class:`~kida.env.branching.Branching` and its like; not used by itself.

    Parameters
    ----------
    observation, reward, information
        What ``reset`` and ``step`` return: see :mod:`kida.env.functions`. A dictionary of
        information becomes entries of ``info``, anything else its entry ``"information"``.
    settings
        A name of :data:`kida.settings.SETTINGS`, or settings.
    parameters
        SCIP parameters beside those of the settings, set last.
    limits
        When an episode is truncated; by default, when the settings say.

    Raises
    ------
    UserError
        If there are no such settings, or something is no function.
    """

    _decision: ClassVar[DecisionKind]

    def __init__(
        self,
        observation: Functions = None,
        reward: Functions = None,
        information: Functions = None,
        *,
        settings: str | Settings = "default",
        parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
        limits: Limits | None = None,
    ) -> None:
        self._observation = composed(observation, "observation")
        self._reward = composed(reward, "reward")
        self._without_reward = reward is None
        self._information = composed(information, "information")
        self._settings = named_settings(settings) if isinstance(settings, str) else settings
        self._parameters = dict(parameters)
        self._limits = limits or Limits()
        self._generator = np.random.default_rng()
        self._seed = 0
        self._model: Any = None
        self._solve: SteppedSolve | None = None
        self._options: NDArray[np.int64] | None = None
        self._first_reward: Any = None

    def reset(
        self, instance: str | Path | Instance | Any, seed: int | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin another episode: solve up to the first decision.

        Parameters
        ----------
        instance
            A file, ``FAMILY:SPLIT:INDEX`` such as ``"set_cover:train:0"``, an instance of
            :func:`kida.instances.registry.instances`, or a ``pyscipopt.Model``, of whose original
            problem and parameters a copy is solved: the model itself is left as it is.
        seed
            SCIP's seed, from 0 on; the same seed, instance and actions make the same episode. Where
            none is given it is drawn: from a generator that the seed given last has seeded, or
            from the system's entropy if there was none. :attr:`seed` tells it.

        Returns
        -------
        observation
            What the observation function extracts; kida's own extract ``None`` if there is
            nothing to decide.
        info
            ``"action_set"`` is what an action may choose of, ``None`` if there is nothing to
            decide; further entries are the information function's.

        Raises
        ------
        UserError
            If the instance cannot be read, or SCIP refuses a parameter or the seed.
        KeyboardInterrupt
            On Ctrl-C, once SCIP has come to rest.
        """
        self.close()
        drawn = int(self._generator.integers(LARGEST_SEED + 1)) if seed is None else index(seed)
        model = self._prepared(instance, drawn)
        if seed is not None:
            self._generator = np.random.default_rng(drawn)
        self._seed = drawn
        solve = SteppedSolve(model, self._decision, **self._decision_options())
        for function in (self._reward, self._observation, self._information):
            function.before_reset(model)
        BoundRecorder.of(capsule(model)).start()
        self._first_reward = None
        options = self._begin(solve)
        self._model, self._solve, self._options = model, solve, options
        observation, self._first_reward, info = self._extract()
        return observation, info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take a decision, and solve up to the next one.

        Parameters
        ----------
        action
            See the class. One that is refused changes nothing: the same decision can be taken
            again.

        Returns
        -------
        observation
            As of :meth:`reset`.
        reward
            What the reward function extracts; 0.0 without one.
        terminated
            Whether the solve has come to its end.
        truncated
            Whether a limit has stopped it.
        info
            As of :meth:`reset`.

        Raises
        ------
        UserError
            If there is no decision to take: no episode, or one that is over.
        TypeError, IndexError, ValueError
            If the action makes no sense.
        KeyboardInterrupt
            On Ctrl-C, once SCIP has come to rest: the episode is over, and the model can be looked
            at. After a second one, or 30 seconds, it is lost.
        RuntimeError
            If SCIP fails.
        Exception
            Whatever a function raises; the step has been taken, and :attr:`action_set` is that of
            the next one.
        """
        if self._solve is None or self._model is None:
            raise UserError("there is no episode: call reset(instance) first")
        if self.done:
            raise UserError("the episode is over: call reset(instance) to begin another")
        try:
            self._options = self._advance(self._solve, action)
        except BaseException:
            self._settle(self._solve)
            raise
        observation, reward, info = self._extract()
        ended = self.termination
        terminated = ended is not None and ended.limit is None
        return observation, reward, terminated, ended is not None and not terminated, info

    def close(self) -> None:
        """End the episode, if there is one, and let go of its model; again is no harm.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C while SCIP comes to rest.
        """
        solve, self._solve, self._model, self._options = self._solve, None, None, None
        if solve is not None:
            solve.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def model(self) -> Any:
        """The ``pyscipopt.Model`` of the episode, at a decision or solved; ``None`` without one.

        To be looked at, as in a callback of SCIP; not to be solved, freed or changed.
        """
        return self._model

    @property
    def action_set(self) -> NDArray[np.int64] | None:
        """What the next action may choose of; ``None`` if there is nothing to decide."""
        return self._options

    @property
    def done(self) -> bool:
        """Whether there is nothing to decide: the episode is over, or has not begun."""
        return self._options is None

    @property
    def seed(self) -> int:
        """SCIP's seed in this episode: given to :meth:`reset`, or drawn there."""
        return self._seed

    @property
    def first_reward(self) -> Any:
        """What the reward function extracted at ``reset``: of the solve up to the first decision.

        ``step`` returns rewards of what came after it.
        """
        return self._first_reward

    @property
    def solver_seconds(self) -> float:
        """Seconds that SCIP has worked in this episode; those of waiting for actions left out."""
        return 0.0 if self._solve is None else self._solve.seconds

    @property
    def termination(self) -> Termination | None:
        """How the episode's solve ended; ``None`` before that."""
        if self._model is None or not self.done:
            return None
        return termination(self._model, self._model.getNSols() > 0)

    def _settle(self, solve: SteppedSolve) -> None:
        """Take note of what has become of a solve in which something was raised."""
        if solve.lost:
            self._model = self._solve = None
        if solve.over:
            self._options = None

    def _prepared(self, instance: Any, seed: int) -> Any:
        """Return a model of ``instance`` with everything set but for who decides."""
        known: Instance | None = None
        if is_model(instance):
            model = copied_model(instance)
        else:
            known = instance if isinstance(instance, Instance) else named_instance(str(instance))
            model = open_model(known)
        settings, limits = self._settings, self._limits
        prepare(model, known, settings, limits, (seed, 0))
        with set_parameters(model, self._parameters):
            after_root = settings.clock_starts == "root_end"
            seconds = limits.seconds(settings) if after_root else np.inf
            BoundRecorder(capsule(model), limit_after_root=seconds)
        return model

    def _extract(self) -> tuple[Any, Any, dict[str, Any]]:
        done = self.done
        observation = self._observation.extract(self._model, done)
        information = self._information.extract(self._model, done)
        # Last: it counts from what it told before, which would be lost if another one failed.
        reward = self._reward.extract(self._model, done)
        info = {"action_set": self._options}
        if isinstance(information, dict):
            info |= information
        elif information is not None:
            info["information"] = information
        return observation, 0.0 if self._without_reward else reward, info

    def _decision_options(self) -> dict[str, Any]:
        """Return the further arguments of the stepped solve."""
        return {}

    def _begin(self, solve: SteppedSolve) -> NDArray[np.int64] | None:
        """Run to the first decision and return what may be chosen of, ``None`` if there is none."""
        return solve.start()

    def _advance(self, solve: SteppedSolve, action: Any) -> NDArray[np.int64] | None:
        """Take ``action`` and return as :meth:`_begin`; raise if it makes no sense."""
        assert self._options is not None  # step has looked
        return solve.resume(chosen(action, len(self._options)))
