"""Actions that choose one of several options, and the checks that they pass."""

import operator
from enum import Enum
from typing import Any, Final

import numpy as np

from kida.solver.stepping import LEAVE_TO_SCIP


class Default(Enum):
    """The type of :data:`DEFAULT`, which is its only value."""

    DEFAULT = "default"

    def __repr__(self) -> str:
        return self.name


#: The action that leaves a decision to SCIP.
DEFAULT: Final = Default.DEFAULT


def chosen(action: Any, options: int) -> int:
    """Return what an action chooses, for :meth:`kida.solver.stepping.SteppedSolve.resume`.

    Parameters
    ----------
    action
        :data:`DEFAULT`; a position, any kind of integer; or a vector of scores, shape
        ``(options,)``, of which the highest is chosen and the first of equal ones. NaN says that
        there is no score.
    options
        How many there are.

    Raises
    ------
    TypeError
        If it is neither.
    IndexError
        If there is no such position.
    ValueError
        If there is not one score for each option, or every score is NaN.
    """
    if isinstance(action, Default):
        return LEAVE_TO_SCIP
    if isinstance(action, list | tuple) or getattr(action, "ndim", 0) > 0:
        return _best(action, options)
    try:
        position = operator.index(action)
    except TypeError:
        position = None
    if position is None or isinstance(action, bool):
        raise TypeError(
            f"the action {action!r} is neither a position in the action set, nor a vector of "
            "scores, nor DEFAULT"
        )
    if not 0 <= position < options:
        raise IndexError(
            f"the action is {position}, but the action set has {options} entries, 0 to "
            f"{options - 1}: an action is a position in info['action_set'], not an entry of it"
        )
    return position


def _best(action: Any, options: int) -> int:
    try:
        scores = np.asarray(action, np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"the action is no vector of scores ({error})") from error
    if scores.shape != (options,):
        raise ValueError(
            f"the scores have shape {scores.shape}, but the action set has {options} entries: "
            "give one for each of them"
        )
    if np.isnan(scores).all():
        raise ValueError("every score is NaN: there is none to choose by")
    return int(np.nanargmax(scores))
