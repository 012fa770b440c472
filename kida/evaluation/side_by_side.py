"""Several policies on one instance, one after the other: bounds over time side by side.

This is for a first look, without repetition; an evaluation that is to be believed is ``runner.py``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.evaluation.outcome import Outcome
from kida.evaluation.watched import solve_watched
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds
from kida.parameters import NO_PARAMETERS, ParameterValue
from kida.reward import ScoringRule, cumulated_reward
from kida.sense import Sense
from kida.settings import Limits, named_settings
from kida.solver.policies import policy_identity
from kida.solver.solve import Progress


@dataclass(frozen=True, eq=False)
class Comparison:
    """One instance solved by several policies.

    Attributes
    ----------
    instance
        The instance.
    time_limit
        Seconds from the end of the root node over which the policies are scored.
    results
        Policy to result, in the order of solving.
    """

    instance: Instance
    time_limit: float
    results: Mapping[str, Outcome]

    @property
    def sense(self) -> Sense:
        """Of the instance's objective."""
        return next(iter(self.results.values())).sense

    def rewards(self) -> dict[str, float]:
        """Return each policy's cumulated reward, mirrored to minimisation: higher is better."""
        known = initial_bounds(self.instance)
        rule = ScoringRule(self.time_limit, known.dual, known.primal)
        return {
            policy: cumulated_reward(result.trajectory.bounds(), rule)
            for policy, result in self.results.items()
        }

    def bounds_over_time(
        self, instants: int = 10
    ) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Return times from the end of the root node, and each policy's dual bound then.

        Both have shape ``(instants + 1,)``; the times are equidistant, from 0 to the limit.
        """
        times = np.linspace(0.0, self.time_limit, instants + 1)
        bounds = {
            policy: _dual_after_root(result, times) for policy, result in self.results.items()
        }
        return times, bounds


def compare(
    instance: Instance,
    policies: Sequence[str],
    time_limit: float,
    *,
    settings: str = "competition",
    user_parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
    seed: int = 0,
    on_start: Callable[[str], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Solve ``instance`` with each policy in turn.

    Parameters
    ----------
    instance, policies
        What to solve and who branches; all policies are checked before the first solve.
    time_limit
        Seconds per policy, counted as the settings say.
    settings, user_parameters, seed
        See :func:`kida.evaluation.watched.solve_watched`.
    on_start
        Called with each policy's name before its solve.
    on_progress
        Called about four times a second during the solves.

    Raises
    ------
    UserError
        If a policy or the settings do not exist, or the limit is not positive.
    KeyboardInterrupt
        On Ctrl-C.
    """
    limits = Limits(time=time_limit)
    named_settings(settings)
    if len(set(policies)) < len(policies):
        raise UserError("a policy is named twice; name each one once")
    for policy in policies:
        policy_identity(policy)
    results = {}
    for policy in policies:
        if on_start is not None:
            on_start(policy)
        results[policy] = solve_watched(
            instance,
            policy,
            settings=settings,
            limits=limits,
            user_parameters=user_parameters,
            seed=seed,
            on_progress=on_progress,
        )
    return Comparison(instance, time_limit, results)


def _dual_after_root(result: Outcome, times: NDArray[np.float64]) -> NDArray[np.float64]:
    bounds = result.trajectory.bounds()
    return bounds.dual_at(times + bounds.root_end())
