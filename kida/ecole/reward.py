"""``ecole.reward``: rewards with arithmetic, sums and integrals."""

import builtins
import math
import operator
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from kida._core import BoundRecorder
from kida.ecole.scip import Model
from kida.sense import sign
from kida.solver import standing
from kida.solver.branching import capsule


class RewardFunction:
    """The base of rewards; formulas of rewards ask each of them by its ``extract``."""

    def before_reset(self, model: Model) -> None:
        """Prepare for an episode."""

    def extract(self, model: Model, done: bool = False) -> float:
        """Return what the last step was worth."""
        raise NotImplementedError

    def apply(self, function: Callable[[float], float]) -> "RewardFunction":
        """Return the reward of which ``function`` has been taken."""
        return Arithmetic(function, self)

    def cumsum(self) -> "RewardFunction":
        """Return the reward's sum over the episode."""
        return Cumulative(self)


class Arithmetic(RewardFunction):
    """A function of rewards, functions like these, and numbers."""

    def __init__(self, operation: Callable[..., Any], *functions: Any) -> None:
        self._operation = operation
        self._functions = [
            Constant(float(f)) if isinstance(f, int | float | np.number) else f for f in functions
        ]

    def before_reset(self, model: Model) -> None:
        """Prepare all of them."""
        for function in self._functions:
            function.before_reset(model)

    def extract(self, model: Model, done: bool = False) -> float:
        """Return the function of what they extract."""
        value: float = self._operation(*(f.extract(model, done) for f in self._functions))
        return value


class Cumulative(RewardFunction):
    """The sum of a reward over the episode."""

    def __init__(self, function: RewardFunction) -> None:
        self._function = function
        self._sum = 0.0

    def before_reset(self, model: Model) -> None:
        """Begin at 0."""
        self._sum = 0.0
        self._function.before_reset(model)

    def extract(self, model: Model, done: bool = False) -> float:
        """Return the sum so far."""
        self._sum += self._function.extract(model, done)
        return self._sum


def _give_operators() -> None:
    """Give rewards Python's operators and the functions of ``math``, as Ecole's have them."""

    def binary(operation: Callable[..., Any]) -> Any:
        return lambda self, other: Arithmetic(operation, self, other)

    def reflected(operation: Callable[..., Any]) -> Any:
        return lambda self, other: Arithmetic(lambda x, y: operation(y, x), self, other)

    def unary(operation: Callable[..., Any]) -> Any:
        return lambda self: Arithmetic(operation, self)

    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
        setattr(RewardFunction, f"__{name}__", binary(getattr(operator, name)))
        setattr(RewardFunction, f"__r{name}__", reflected(getattr(operator, name)))
    for name in ("neg", "pos", "abs"):
        setattr(RewardFunction, f"__{name}__", unary(getattr(operator, name)))
    for name in ("exp", "log", "log2", "log10", "sqrt", "sin", "cos", "tan", "floor", "ceil"):
        setattr(RewardFunction, name, unary(getattr(math, name)))
    for name in ("isfinite", "isinf", "isnan"):
        setattr(RewardFunction, name, unary(getattr(math, name)))
    RewardFunction.abs = unary(builtins.abs)  # type: ignore[attr-defined]


_give_operators()


class Constant(RewardFunction):
    """Always the same."""

    def __init__(self, constant: float = 0.0) -> None:
        self._constant = constant

    def extract(self, model: Model, done: bool = False) -> float:
        """Return the constant."""
        return self._constant


class IsDone(RewardFunction):
    """1 when the episode is over, 0 before."""

    def extract(self, model: Model, done: bool = False) -> float:
        """Return 1 or 0."""
        return float(done)


class _Difference(RewardFunction):
    """What has been added to a counter since the last call."""

    def __init__(self) -> None:
        self._last = 0.0

    def before_reset(self, model: Model) -> None:
        """Begin at the counter's first value."""
        self._last = self._first()

    def extract(self, model: Model, done: bool = False) -> float:
        """Return the difference."""
        before, self._last = self._last, self._count(model)
        return self._last - before

    def _first(self) -> float:
        return 0.0

    def _count(self, model: Model) -> float:
        raise NotImplementedError


class NNodes(_Difference):
    """Nodes processed since the last step."""

    def _count(self, model: Model) -> float:
        return float(standing.nodes(model.as_pyscipopt()))


class LpIterations(_Difference):
    """Simplex iterations since the last step."""

    def _count(self, model: Model) -> float:
        return float(standing.lp_iterations(model.as_pyscipopt()))


class SolvingTime(_Difference):
    """Seconds since the last step, those of ``reset`` and of waiting for the agent included.

    Parameters
    ----------
    wall
        Of wall-clock time, not of the process's on all its threads.
    """

    def __init__(self, wall: bool = False) -> None:
        super().__init__()
        self._clock = time.perf_counter if wall else time.process_time

    def _first(self) -> float:
        return self._clock()

    def _count(self, model: Model) -> float:
        return self._clock()


#: Returns two numbers of a model, which has not been solved.
BoundFunction = Callable[[Model], tuple[float, float]]

INFINITY = 1e20


class _Integral(RewardFunction):
    """The area under a function of the bounds since the last step."""

    def __init__(self, wall: bool = False, bound_function: BoundFunction | None = None) -> None:
        self._wall = wall
        self._bound_function = bound_function

    def before_reset(self, model: Model) -> None:
        """Listen to the bounds, and start the clock."""
        scip = capsule(model.as_pyscipopt())
        recorder = BoundRecorder.of(scip)
        self._recorder = BoundRecorder(scip) if recorder is None else recorder
        self._recorder.start()
        self._origin = time.process_time()
        self._sign = sign(standing.sense(model.as_pyscipopt()))
        self._given = (self._bound_function or self._default)(model)
        self._read, self._time = 0, 0.0
        self._bounds = np.array([[-INFINITY], [INFINITY]])  # dual, primal: of a minimisation

    def extract(self, model: Model, done: bool = False) -> float:
        """Return the area since the last step, of a minimisation's sign."""
        clock = "wall" if self._wall else "cpu"
        now = self._recorder.wall if self._wall else time.process_time() - self._origin
        events = self._recorder.arrays(self._read)
        self._read += len(events[clock])
        edges = np.clip(np.concatenate([[self._time], events[clock], [now]]), self._time, now)
        bounds = np.stack([events["dual"], events["primal"]]) * self._sign
        held = np.concatenate([self._bounds, np.clip(bounds, -INFINITY, INFINITY)], axis=1)
        self._time, self._bounds = now, held[:, -1:]
        return float(np.dot(np.diff(edges), self._heights(*held)))

    def _default(self, model: Model) -> tuple[float, float]:
        raise NotImplementedError

    def _heights(self, dual: Any, primal: Any) -> Any:
        raise NotImplementedError


class PrimalIntegral(_Integral):
    """The area between the primal bound and an offset.

    Parameters
    ----------
    wall
        Of wall-clock time, not of the process's.
    bound_function
        Returns the offset and the initial primal bound; (0, infinity) by default.
    """

    def _default(self, model: Model) -> tuple[float, float]:
        return 0.0, self._sign * INFINITY

    def _heights(self, dual: Any, primal: Any) -> Any:
        offset, initial = (self._sign * value for value in self._given)
        return np.minimum(primal, initial) - offset


class DualIntegral(_Integral):
    """The area between an offset and the dual bound.

    Parameters
    ----------
    wall
        Of wall-clock time, not of the process's.
    bound_function
        Returns the offset and the initial dual bound; (0, minus infinity) by default.
    """

    def _default(self, model: Model) -> tuple[float, float]:
        return 0.0, -self._sign * INFINITY

    def _heights(self, dual: Any, primal: Any) -> Any:
        offset, initial = (self._sign * value for value in self._given)
        return offset - np.maximum(dual, initial)


class PrimalDualIntegral(_Integral):
    """The area between the two bounds.

    Parameters
    ----------
    wall
        Of wall-clock time, not of the process's.
    bound_function
        Returns the initial primal and dual bounds; infinite ones by default.
    """

    def _default(self, model: Model) -> tuple[float, float]:
        return self._sign * INFINITY, -self._sign * INFINITY

    def _heights(self, dual: Any, primal: Any) -> Any:
        first_primal, first_dual = (self._sign * value for value in self._given)
        return np.minimum(primal, first_primal) - np.maximum(dual, first_dual)
