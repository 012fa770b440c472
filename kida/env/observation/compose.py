"""Several observations at a time: a tuple or a dict of functions gives a tuple or a dict."""

from collections.abc import Mapping
from typing import Any

from kida.env.observation.base import ObservationFunction
from kida.errors import UserError


class Nothing:
    """Observes nothing: ``None``."""

    def before_reset(self, model: Any) -> None:
        """Do nothing."""

    def extract(self, model: Any, done: bool) -> None:
        """Return ``None``."""
        return None


class _Tuple:
    def __init__(self, functions: tuple[ObservationFunction, ...]) -> None:
        self._functions = functions

    def before_reset(self, model: Any) -> None:
        for function in self._functions:
            function.before_reset(model)

    def extract(self, model: Any, done: bool) -> tuple[Any, ...]:
        return tuple(function.extract(model, done) for function in self._functions)


class _Dict:
    def __init__(self, functions: dict[Any, ObservationFunction]) -> None:
        self._functions = functions

    def before_reset(self, model: Any) -> None:
        for function in self._functions.values():
            function.before_reset(model)

    def extract(self, model: Any, done: bool) -> dict[Any, Any]:
        return {name: function.extract(model, done) for name, function in self._functions.items()}


def composed(observation: Any) -> ObservationFunction:
    """Return one observation function for one, for a tuple, a list or a dict of such, or ``None``.

    Raises
    ------
    UserError
        If something is no observation function: it lacks ``before_reset`` or ``extract``, or is a
        class.
    """
    if observation is None:
        return Nothing()
    if isinstance(observation, tuple | list):
        return _Tuple(tuple(composed(part) for part in observation))
    if isinstance(observation, Mapping):
        return _Dict({name: composed(part) for name, part in observation.items()})
    if isinstance(observation, type):
        raise UserError(
            f"an observation is an object: write {observation.__name__}(), with parentheses"
        )
    if not (hasattr(observation, "before_reset") and hasattr(observation, "extract")):
        raise UserError(
            f"{observation!r} is no observation function: it needs the methods "
            "before_reset(model) and extract(model, done)"
        )
    function: ObservationFunction = observation
    return function
