"""``ecole.dynamics``: what a decision is, to be subclassed as programs of the field do."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.ecole.data import Default, DefaultType
from kida.ecole.errors import Exception, MarkovError
from kida.ecole.random import RandomGenerator
from kida.ecole.scip import Model
from kida.parameters import ParameterValue
from kida.rule import CandidateSet
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
    """Not offered: the class is here for programs that derive from it and use another one.

    Raises
    ------
    Exception
        Always.
    """

    def __init__(
        self,
        trials_per_node: int = 1,
        depth_freq: int = 1,
        depth_start: int = 0,
        depth_stop: int = -1,
    ) -> None:
        raise Exception("kida.ecole does not offer PrimalSearch, only Branching and Configuring")
