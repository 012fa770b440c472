"""Rewards: numbers that say what a step was worth, and what can be computed of them.

Each is a function as in :mod:`kida.env.functions`, and may serve as information too. Those that
count or integrate say what has been added since the last step, so that their sum over an episode is
the whole solve's from its first decision on; what came before is the ``first_reward``. All of them
grow with effort (``Solved`` apart): negate them to reward less of it. To add one, subclass
:class:`Reward`, or give any object with ``before_reset`` and ``extract``.

>>> from kida.env.rewards import LPIterations, Nodes, Solved
>>> reward = 10 * Solved() - Nodes() - LPIterations() / 1000
>>> so_far = Nodes().cumsum()
"""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.sense import sign
from kida.solver import standing


class Reward:
    """The base of rewards: a subclass has ``before_reset`` if need be, and ``_value``."""

    def before_reset(self, model: Any) -> None:
        """Prepare for an episode of ``model``."""

    def extract(self, model: Any, done: bool) -> float:
        """Return the value of the last step."""
        return self._evaluated(model, done, {})

    def _value(self, model: Any, done: bool) -> float:
        raise NotImplementedError

    def _evaluated(self, model: Any, done: bool, known: dict[int, float]) -> float:
        """Return the value; of one that stands in a formula twice, the same both times."""
        if id(self) not in known:
            known[id(self)] = self._value(model, done)
        return known[id(self)]

    def cumsum(self) -> "Reward":
        """Return the reward whose value is the sum over the episode so far."""
        return _Cumulated(self)

    def apply(self, function: Callable[[float], float]) -> "Reward":
        """Return the reward whose value is ``function`` of this one's."""
        return _Combined(function, self)

    def __add__(self, other: "Reward | float") -> "Reward":
        return _Combined(operator.add, self, other)

    def __radd__(self, other: float) -> "Reward":
        return _Combined(operator.add, other, self)

    def __sub__(self, other: "Reward | float") -> "Reward":
        return _Combined(operator.sub, self, other)

    def __rsub__(self, other: float) -> "Reward":
        return _Combined(operator.sub, other, self)

    def __mul__(self, other: "Reward | float") -> "Reward":
        return _Combined(operator.mul, self, other)

    def __rmul__(self, other: float) -> "Reward":
        return _Combined(operator.mul, other, self)

    def __truediv__(self, other: "Reward | float") -> "Reward":
        return _Combined(operator.truediv, self, other)

    def __rtruediv__(self, other: float) -> "Reward":
        return _Combined(operator.truediv, other, self)

    def __pow__(self, other: "Reward | float") -> "Reward":
        return _Combined(operator.pow, self, other)

    def __neg__(self) -> "Reward":
        return _Combined(operator.neg, self)

    def __abs__(self) -> "Reward":
        return _Combined(operator.abs, self)


class _Combined(Reward):
    """A function of rewards and numbers."""

    def __init__(self, function: Callable[..., float], *operands: Any) -> None:
        for operand in operands:
            if not isinstance(operand, Reward | int | float):
                raise TypeError(f"{operand!r} is neither a reward nor a number")
        self._function = function
        self._operands = operands

    def before_reset(self, model: Any) -> None:
        for operand in self._operands:
            if isinstance(operand, Reward):
                operand.before_reset(model)

    def _evaluated(self, model: Any, done: bool, known: dict[int, float]) -> float:
        if id(self) not in known:
            known[id(self)] = self._function(
                *(
                    operand._evaluated(model, done, known)
                    if isinstance(operand, Reward)
                    else operand
                    for operand in self._operands
                )
            )
        return known[id(self)]


class _Cumulated(Reward):
    def __init__(self, reward: Reward) -> None:
        self._reward = reward
        self._sum = 0.0

    def before_reset(self, model: Any) -> None:
        self._sum = 0.0
        self._reward.before_reset(model)

    def _evaluated(self, model: Any, done: bool, known: dict[int, float]) -> float:
        if id(self) not in known:
            self._sum += self._reward._evaluated(model, done, known)
            known[id(self)] = self._sum
        return known[id(self)]


class _Count(Reward):
    """What has been added to one of SCIP's counters since the last step."""

    def __init__(self, counter: Callable[[Any], float]) -> None:
        self._counter = counter
        self._last = 0.0

    def before_reset(self, model: Any) -> None:
        self._last = 0.0

    def _value(self, model: Any, done: bool) -> float:
        before, self._last = self._last, float(self._counter(model))
        return self._last - before


class Nodes(_Count):
    """Nodes processed in the step, over all restarts."""

    def __init__(self) -> None:
        super().__init__(standing.nodes)


class LPIterations(_Count):
    """Simplex iterations in the step, those of strong branching left out."""

    def __init__(self) -> None:
        super().__init__(standing.lp_iterations)


class SolvingTime(_Count):
    """Seconds of wall-clock time since the last step, those of waiting for the action included."""

    def __init__(self) -> None:
        super().__init__(standing.solving_time)


class Gap(Reward):
    """SCIP's relative gap now, ``|primal - dual| / min(|primal|, |dual|)``; may be infinite."""

    def _value(self, model: Any, done: bool) -> float:
        return standing.gap(model)


class Solved(Reward):
    """1 in the step that solves the problem, and 0 in all others."""

    def _value(self, model: Any, done: bool) -> float:
        return float(done and standing.solved(model))


#: A number, or what gives one of the model before its solve.
Level = float | Callable[[Any], float]


class _Integral(Reward):
    """The area between two step functions of wall-clock time since the last step."""

    def before_reset(self, model: Any) -> None:
        self._trajectory = standing.Trajectory(model)
        self._sign = sign(standing.sense(model))

    def _value(self, model: Any, done: bool) -> float:
        widths, dual, primal = self._trajectory.advance()
        held = widths > 0
        heights = self._heights(self._sign * dual[held], self._sign * primal[held])
        return math.fsum((widths[held] * heights).tolist())

    def _heights(
        self, dual: NDArray[np.float64], primal: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the heights, the bounds being those of a minimisation."""
        raise NotImplementedError


class _OneBound(_Integral):
    def __init__(self, reference: Level = 0.0, initial: Level | None = None) -> None:
        self._reference = reference
        self._initial = initial

    def before_reset(self, model: Any) -> None:
        super().before_reset(model)
        self._zero = self._sign * _level(self._reference, model)
        self._first = None if self._initial is None else self._sign * _level(self._initial, model)


class DualIntegral(_OneBound):
    """The area between a reference and the dual bound since the last step; lower is better.

    The clock is wall-clock time, and runs on while an action is waited for. Signs are those of a
    minimisation: a maximisation is turned round.

    Parameters
    ----------
    reference
        Where the area begins, such as the best known objective value; a number, or a function that
        returns it of the model before its solve.
    initial
        A bound known beforehand: the recorded one counts as at least this good. Without it the
        area is infinite while there is no dual bound.
    """

    def _heights(
        self, dual: NDArray[np.float64], primal: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return self._zero - (dual if self._first is None else np.maximum(dual, self._first))


class PrimalIntegral(_OneBound):
    """The area between the primal bound and a reference; otherwise as :class:`DualIntegral`."""

    def _heights(
        self, dual: NDArray[np.float64], primal: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return (primal if self._first is None else np.minimum(primal, self._first)) - self._zero


class PrimalDualIntegral(_Integral):
    """The area between the primal and the dual bound since the last step; lower is better.

    The clock is as in :class:`DualIntegral`.

    Parameters
    ----------
    initial_dual, initial_primal
        As ``initial`` there; without one, the area is infinite while there is no such bound.
    """

    def __init__(
        self, initial_dual: Level | None = None, initial_primal: Level | None = None
    ) -> None:
        self._initial = (initial_dual, initial_primal)

    def before_reset(self, model: Any) -> None:
        """Read the initial bounds."""
        super().before_reset(model)
        dual, primal = self._initial
        self._dual = -math.inf if dual is None else self._sign * _level(dual, model)
        self._primal = math.inf if primal is None else self._sign * _level(primal, model)

    def _heights(
        self, dual: NDArray[np.float64], primal: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        upper, lower = np.minimum(primal, self._primal), np.maximum(dual, self._dual)
        # Both are infinite where the problem is proved to be infeasible: nothing is left between.
        between = np.subtract(upper, lower, out=np.zeros(upper.shape), where=upper != lower)
        return np.maximum(between, 0.0)


def _level(level: Level, model: Any) -> float:
    return float(level(model) if callable(level) else level)
