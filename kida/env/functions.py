"""Observation, reward and information functions: what one is, and how several are one.

Anything with ``before_reset`` and ``extract`` will do, and so will a tuple, a list or a dictionary
of them, nested as you like: what comes out has the same form. Functions belong to one environment
each, as most of them keep what they saw last.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, runtime_checkable

from kida.errors import UserError


@runtime_checkable
class Function(Protocol):
    """What an environment asks at every step; subclassing it is not needed.

    Both methods run in the thread that has called ``reset`` or ``step``, while the solver waits,
    and may look at the model as a callback of SCIP may.
    """

    def before_reset(self, model: Any) -> None:
        """Prepare for an episode.

        Parameters
        ----------
        model
            The ``pyscipopt.Model`` that is about to be solved, with all its parameters set.
        """

    def extract(self, model: Any, done: bool) -> Any:
        """Return what there is to see; called once after ``reset`` and once after each step.

        Parameters
        ----------
        model
            The model, at a decision; or, if ``done``, after its solve.
        done
            Whether the episode is over.
        """


#: What environments take: a function, several in any form, or ``None`` for nothing.
Functions: TypeAlias = "Function | tuple[Any, ...] | list[Any] | dict[Any, Any] | None"


def composed(functions: Functions, what: str) -> Function:
    """Return one function that does what all of ``functions`` do.

    Parameters
    ----------
    functions
        What the user gave.
    what
        What they are, for messages: "observation".

    Raises
    ------
    UserError
        If something among them is no function.
    """
    if functions is None:
        return _Nothing()
    if isinstance(functions, tuple | list):
        return _Several([composed(each, what) for each in functions], type(functions))
    if isinstance(functions, dict):
        return _Named({name: composed(each, what) for name, each in functions.items()})
    if isinstance(functions, type):
        raise UserError(f"the {what} is the class {functions.__name__}; give one: make it by ()")
    if not isinstance(functions, Function):
        raise UserError(
            f"the {what} {functions!r} has no methods before_reset(model) and "
            "extract(model, done); give an object that has, or a tuple, list or dict of such"
        )
    return functions


class _Nothing:
    """Extracts ``None``."""

    def before_reset(self, model: Any) -> None:
        """Do nothing."""

    def extract(self, model: Any, done: bool) -> None:
        """Return nothing."""


class _Several:
    def __init__(self, functions: list[Function], form: Callable[[Any], Any]) -> None:
        self._functions = functions
        self._form = list if form is list else tuple

    def before_reset(self, model: Any) -> None:
        for function in self._functions:
            function.before_reset(model)

    def extract(self, model: Any, done: bool) -> Any:
        return self._form(function.extract(model, done) for function in self._functions)


class _Named:
    def __init__(self, functions: dict[Any, Function]) -> None:
        self._functions = functions

    def before_reset(self, model: Any) -> None:
        for function in self._functions.values():
            function.before_reset(model)

    def extract(self, model: Any, done: bool) -> dict[Any, Any]:
        return {name: each.extract(model, done) for name, each in self._functions.items()}


class Lazy:
    """Has another function extracted only at the steps at which it is asked for.

    What is extracted is a :class:`Deferred`, to be called for the value: an expert's scores that
    are wanted at every tenth node cost nothing at the other nine.

    Parameters
    ----------
    functions
        As an environment takes them.
    """

    def __init__(self, functions: Functions) -> None:
        self._function = composed(functions, "function that is to be lazy")
        self._last: Deferred | None = None

    def before_reset(self, model: Any) -> None:
        """Prepare the function."""
        self._expire()
        self._function.before_reset(model)

    def extract(self, model: Any, done: bool) -> "Deferred":
        """Return what extracts when it is called."""
        self._expire()
        self._last = Deferred(self._function, model, done)
        return self._last

    def _expire(self) -> None:
        if self._last is not None:
            self._last.expire()


class Deferred:
    """A value that is extracted when this is called; until the next step only."""

    def __init__(self, function: Function, model: Any, done: bool) -> None:
        self._sources: tuple[Function, Any, bool] | None = (function, model, done)
        self._value: tuple[Any] | None = None

    def __call__(self) -> Any:
        """Return the value; extracted at the first call, and kept.

        Raises
        ------
        UserError
            If the environment has gone on, and nobody had asked before.
        """
        if self._value is None:
            if self._sources is None:
                raise UserError("this belongs to an earlier step: call it before the next one")
            function, model, done = self._sources
            self._value = (function.extract(model, done),)
            self._sources = None
        return self._value[0]

    def expire(self) -> None:
        """Forget the model; a value that was asked for stays."""
        self._sources = None
