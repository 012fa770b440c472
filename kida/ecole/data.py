"""``ecole.data``: functions made of functions, and of what stands for one."""

from collections.abc import Mapping
from numbers import Number
from typing import Any


class DefaultType:
    """The type of :data:`Default`."""

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, DefaultType) or (
            isinstance(other, str) and other.lower() == "default"
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "Default"


#: The environment's own choice, of a function or of an action; ``"default"`` says the same.
Default = DefaultType()


class NoneFunction:
    """Extracts ``None``."""

    def before_reset(self, model: Any) -> None:
        """Do nothing."""

    def extract(self, model: Any, done: bool) -> None:
        """Return ``None``."""
        return None


class ConstantFunction:
    """Extracts a constant."""

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def before_reset(self, model: Any) -> None:
        """Do nothing."""

    def extract(self, model: Any, done: bool) -> Any:
        """Return the constant."""
        return self.value


class VectorFunction:
    """Extracts a list of what several functions extract."""

    def __init__(self, *functions: Any) -> None:
        self.functions = functions

    def before_reset(self, model: Any) -> None:
        """Prepare all functions."""
        for function in self.functions:
            function.before_reset(model)

    def extract(self, model: Any, done: bool) -> list[Any]:
        """Return what they extract."""
        return [function.extract(model, done) for function in self.functions]


class MapFunction:
    """Extracts a dictionary of what several functions extract."""

    def __init__(self, **functions: Any) -> None:
        self.functions = functions

    def before_reset(self, model: Any) -> None:
        """Prepare all functions."""
        for function in self.functions.values():
            function.before_reset(model)

    def extract(self, model: Any, done: bool) -> dict[str, Any]:
        """Return what they extract, by name."""
        return {name: each.extract(model, done) for name, each in self.functions.items()}


def parse(something: Any, default: Any) -> Any:
    """Return the function that ``something`` stands for; ``default`` for :data:`Default`.

    Raises
    ------
    ValueError
        If a default is asked for within the default.
    """
    if Default == something:
        if default is None:
            raise ValueError("there is no default within the default")
        return parse(default, None)
    if something is None:
        return NoneFunction()
    if isinstance(something, Number):
        return ConstantFunction(something)
    if isinstance(something, tuple | list):
        return VectorFunction(*(parse(each, default) for each in something))
    if isinstance(something, Mapping):
        return MapFunction(**{name: parse(each, default) for name, each in something.items()})
    return something
