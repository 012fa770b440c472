"""The environment of algorithm configuration: one decision, before the solve."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from kida.env.actions import Default
from kida.env.environment import Environment
from kida.solver.settings import set_parameters
from kida.solver.stepping import DecisionKind, SteppedSolve


class Configuring(Environment):
    """Stops once, before the solve begins; the step solves to the end.

    An action maps names of SCIP parameters to values, which are set beside the environment's own;
    or is :data:`~kida.env.actions.DEFAULT`, which sets none. There is no action set to choose of:
    ``info["action_set"]`` is empty, and ``None`` after the step.

    At the decision the problem is as it was read: nothing is presolved, and there is no LP.

    Parameters
    ----------
    observation, reward, information, settings, parameters, limits
        See :class:`~kida.env.environment.Environment`.
    """

    _decision: ClassVar[DecisionKind] = "none"

    def _begin(self, solve: SteppedSolve) -> NDArray[np.int64] | None:
        return np.empty(0, np.int64)

    def _advance(self, solve: SteppedSolve, action: Any) -> NDArray[np.int64] | None:
        if isinstance(action, Default):
            action = {}
        if not isinstance(action, Mapping):
            raise TypeError(
                f"the action {action!r} is neither a mapping of SCIP parameters to values nor "
                "DEFAULT"
            )
        with set_parameters(self._model, action):
            pass
        return solve.start()
