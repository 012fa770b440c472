"""``ecole.dynamics``: what a decision is, to be subclassed as programs of the field do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.ecole.data import Default, DefaultType
from kida.ecole.errors import MarkovError
from kida.ecole.random import RandomGenerator
from kida.ecole.scip import Model
from kida.parameters import ParameterValue
from kida.rule import CandidateSet
from kida.solver.primal_search import try_values
from kida.solver.stepping import LEAVE_TO_SCIP, SteppedSolve

ActionSet = NDArray[np.uint64] | None


class _Dynamics:
    def set_dynamics_random_state(self, model: Model, rng: RandomGenerator) -> None:
        """Permute variables and constraints, and set SCIP's seeds, from the generator."""
        # As GNU's uniform_int_distribution makes 31 bits of 32.
        seeds = [rng() >> 1 for _ in range(3)]
        names = ("permutationseed", "randomseedshift", "lpseed")
        model.set_params(
            {
                "randomization/permuteconss": True,
                "randomization/permutevars": True,
                **{f"randomization/{name}": s for name, s in zip(names, seeds, strict=True)},
            }
        )


class BranchingDynamics(_Dynamics):
    """Stops at every node; the action is the variable to branch on.

    The action set holds problem indices of variables, uint64; an action is one of them, not its
    position, or ``ecole.Default``.

    Parameters
    ----------
    pseudo_candidates
        The action set is of all unfixed integer variables, not only of the fractional ones.
    """

    def __init__(self, pseudo_candidates: bool = False) -> None:
        self._candidates: CandidateSet = "unfixed" if pseudo_candidates else "fractional"

    def reset_dynamics(self, model: Model) -> tuple[bool, ActionSet]:
        """Solve up to the first decision; return whether there is none, and the action set."""
        model.solving = SteppedSolve(model.as_pyscipopt(), "branching", self._candidates)
        return _result(model.solving.start())

    def step_dynamics(self, model: Model, action: Any) -> tuple[bool, ActionSet]:
        """Branch, and solve up to the next decision.

        Raises
        ------
        MarkovError
            If there is no decision to take.
        ValueError
            If the action is no variable of the action set.
        """
        solve = model.solving
        options = None if solve is None else solve.options
        if solve is None or options is None:
            raise MarkovError("there is no decision to take: reset the environment")
        return _result(solve.resume(_position(action, options)))


def _position(action: Any, options: NDArray[np.int64]) -> int:
    if isinstance(action, DefaultType) or (isinstance(action, str) and Default == action):
        return LEAVE_TO_SCIP
    positions = np.flatnonzero(options == int(action))
    if not len(positions):
        raise ValueError(
            f"{action!r} is not in the action set: an action is an entry of it, the index of a "
            "variable"
        )
    return int(positions[0])


def _result(options: NDArray[np.int64] | None) -> tuple[bool, ActionSet]:
    return options is None, None if options is None else options.astype(np.uint64)


class ConfiguringDynamics(_Dynamics):
    """One decision before the solve: a dictionary of SCIP parameters."""

    def reset_dynamics(self, model: Model) -> tuple[bool, ActionSet]:
        """Do nothing: the problem waits."""
        return False, None

    def step_dynamics(
        self, model: Model, action: dict[str, ParameterValue]
    ) -> tuple[bool, ActionSet]:
        """Set the parameters and solve to the end."""
        model.set_params(dict(action))
        model.solving = SteppedSolve(model.as_pyscipopt(), "none")
        model.solving.start()
        return True, None


class PrimalSearchDynamics(_Dynamics):
    """Stops after nodes; the action is a partial solution to be tried.

    The action set holds the problem indices of the integer variables that are not fixed, uint64. An
    action is a pair of arrays, of such indices and of values, or ``ecole.Default`` for an empty
    one: the variables are fixed, the rest is propagated and solved as an LP, and its solution is
    tried. Other solutions, by SCIP's own heuristics, are found beside.

    Parameters
    ----------
    trials_per_node
        How many actions at each node; -1 for no end, until the time is up.
    depth_freq, depth_start, depth_stop
        Nodes at every ``depth_freq``-th depth, from ``depth_start`` to ``depth_stop`` (-1: all).
    """

    def __init__(
        self,
        trials_per_node: int = 1,
        depth_freq: int = 1,
        depth_start: int = 0,
        depth_stop: int = -1,
    ) -> None:
        self._trials = trials_per_node
        self._where = {"freq": depth_freq, "freqofs": depth_start, "maxdepth": depth_stop}
        self._left = 0

    def reset_dynamics(self, model: Model) -> tuple[bool, ActionSet]:
        """Solve up to the first node; return whether there is none, and the action set."""
        model.solving = SteppedSolve(model.as_pyscipopt(), "primal_search")
        model.set_params({f"heuristics/kida_stop/{name}": n for name, n in self._where.items()})
        self._left = self._trials
        if not self._trials:
            model.set_param("heuristics/kida_stop/freq", -1)
        return _result(model.solving.start())

    def step_dynamics(self, model: Model, action: Any) -> tuple[bool, ActionSet]:
        """Try the values, and solve up to the next node if there are no more trials at this one.

        Raises
        ------
        MarkovError
            If there is nothing to try.
        ValueError
            If the two arrays differ in length, or name a variable outside the action set.
        """
        solve = model.solving
        options = None if solve is None else solve.options
        if solve is None or options is None:
            raise MarkovError("there is no node to search at: reset the environment")
        scip = model.as_pyscipopt()
        try_values(scip, _values(action, options))
        self._left -= 1
        if self._left != 0 and scip.getSolvingTime() < model.get_param("limits/time"):
            return _result(options)
        self._left = self._trials
        return _result(solve.resume(LEAVE_TO_SCIP))


def _values(action: Any, options: NDArray[np.int64]) -> dict[int, float]:
    if isinstance(action, DefaultType) or (isinstance(action, str) and Default == action):
        return {}
    variables, values = (np.asarray(part) for part in action)
    if variables.shape != values.shape or not np.isin(variables, options).all():
        raise ValueError("an action is variables of the action set, and as many values")
    return dict(zip(variables.astype(int).tolist(), values.astype(float).tolist(), strict=True))
