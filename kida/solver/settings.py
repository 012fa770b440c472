"""Putting settings, limits and seeds into a SCIP model; what they are is in ``kida.settings``."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from pyscipopt import SCIP_PARAMSETTING, Model

from kida.boundary import LARGEST_SEED
from kida.errors import UserError
from kida.parameters import ParameterValue
from kida.settings import Limits, Settings


def apply_settings(model: Model, settings: Settings) -> None:
    """Set the parameters of ``settings`` on ``model``; limits and seeds come from the caller."""
    if not settings.heuristics:
        model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParams(dict(settings.parameters))


def apply_limits(model: Model, limits: Limits, settings: Settings) -> None:
    """Set the limits that SCIP keeps by itself from the start of the solve.

    A clock that starts at the end of the root node belongs to the native bound recorder.
    """
    seconds = limits.seconds(settings)
    if settings.clock_starts == "start" and math.isfinite(seconds):
        model.setParam("limits/time", seconds)
    if limits.nodes is not None:
        model.setParam("limits/totalnodes", limits.nodes)
    if limits.memory is not None:
        model.setParam("limits/memory", limits.memory)


def apply_seeds(model: Model, seed: int, permutation_seed: int = 0) -> None:
    """Seed everything random in SCIP.

    Parameters
    ----------
    seed
        Shifts all of SCIP's random numbers, the LP solver's included.
    permutation_seed
        Permutes variables and constraints before solving; 0 keeps the order of the file.

    Raises
    ------
    UserError
        If a seed is negative or above ``LARGEST_SEED``, the second one by more than 1.
    """
    for value, most in ((seed, LARGEST_SEED), (permutation_seed, LARGEST_SEED + 1)):
        if not 0 <= value <= most:
            raise UserError(f"the seed is {value}; SCIP accepts 0 to {most}")
    model.setParam("randomization/randomseedshift", seed)
    model.setParam("randomization/lpseed", seed)
    if permutation_seed:
        model.setParam("randomization/permutevars", True)
        model.setParam("randomization/permutationseed", permutation_seed)


class Emphasis(NamedTuple):
    """One of SCIP's own settings for a part of it: a name that stands for many parameters.

    ``part`` is ``"heuristics"``, ``"separating"`` or ``"presolving"``; ``mode`` is ``"off"``,
    ``"fast"`` or ``"aggressive"``.
    """

    part: str
    mode: str


_MODES = {
    "off": SCIP_PARAMSETTING.OFF,
    "fast": SCIP_PARAMSETTING.FAST,
    "aggressive": SCIP_PARAMSETTING.AGGRESSIVE,
}
_SETTERS = {
    "heuristics": Model.setHeuristics,
    "separating": Model.setSeparating,
    "presolving": Model.setPresolve,
}


def emphasis_parameters(emphasis: Emphasis) -> dict[str, ParameterValue]:
    """Return what SCIP changes for an emphasis, by name: the parameters that it stands for."""
    model = Model()
    try:
        model.hideOutput()
        before = model.getParams()
        _SETTERS[emphasis.part](model, _MODES[emphasis.mode])
        after = model.getParams()
    finally:
        model.free()
    return {name: value for name, value in after.items() if value != before[name]}


@contextmanager
def set_parameters(model: Model, parameters: Mapping[str, ParameterValue]) -> Iterator[None]:
    """Set parameters for what happens in the block; if that fails, they are as before.

    Raises
    ------
    UserError
        If SCIP refuses one of them; none is set then.
    """
    before: dict[str, Any] = {}
    try:
        for name, value in parameters.items():
            try:
                former = model.getParam(name)
                model.setParam(name, value)
            except (KeyError, ValueError, TypeError) as error:
                raise UserError(f"SCIP refuses {name} = {value!r} ({error})") from error
            before[name] = former
        yield
    except BaseException:
        for name, value in before.items():
            model.setParam(name, value)
        raise
