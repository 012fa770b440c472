"""Ecole's exceptions. Most mistakes here are a :class:`kida.UserError`, which they derive from."""

from kida.errors import UserError


class Exception(UserError):  # noqa: N818
    """What Ecole raises; its name is Ecole's."""


class MarkovError(Exception):
    """A step is taken where there is nothing to decide."""


class IteratorExhausted(StopIteration):
    """An instance generator has no more instances."""
