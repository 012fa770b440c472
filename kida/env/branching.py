"""The environment of variable selection: at every node, which variable to branch on."""

from collections.abc import Mapping
from typing import Any, ClassVar

from kida.boundary import checked
from kida.env.environment import Environment
from kida.env.functions import Functions
from kida.parameters import NO_PARAMETERS, ParameterValue
from kida.rule import CandidateSet, Decision
from kida.settings import Limits, Settings
from kida.solver.stepping import DecisionKind


class Branching(Environment):
    """Stops at every node that SCIP is about to branch on.

    The action set holds the candidates as problem indices of variables (int64, shape ``(k,)``;
    SCIP's ``SCIPvarGetProbindex``, and the row of a variable in a bipartite observation). An action
    is a *position* in it, from 0 to ``k - 1``, not a variable's index; or a vector of ``k`` scores,
    of which the highest is taken; or :data:`~kida.env.actions.DEFAULT`, which leaves this node to
    SCIP's own rules.

    Nodes that SCIP does not ask a branching rule about are passed over, such as those without a
    candidate.

    Parameters
    ----------
    observation, reward, information, settings, parameters, limits
        See :class:`~kida.env.environment.Environment`.
    candidates
        Which variables may be chosen: ``"fractional"`` ones of the LP's solution, or all
        ``"unfixed"`` integer variables.

    Raises
    ------
    UserError
        If there are no such settings or candidates, or something is no function.

    Examples
    --------
    >>> from kida.env import Branching
    >>> from kida.env.rewards import Nodes
    >>> with Branching(reward=-Nodes()) as env:
    ...     observation, info = env.reset("set_cover:train:0", seed=0)
    ...     terminated = truncated = env.done
    ...     while not (terminated or truncated):
    ...         observation, reward, terminated, truncated, info = env.step(0)
    """

    _decision: ClassVar[DecisionKind] = "branching"

    def __init__(
        self,
        observation: Functions = None,
        reward: Functions = None,
        information: Functions = None,
        *,
        settings: str | Settings = "default",
        parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
        limits: Limits | None = None,
        candidates: CandidateSet = "fractional",
    ) -> None:
        super().__init__(
            observation,
            reward,
            information,
            settings=settings,
            parameters=parameters,
            limits=limits,
        )
        self._candidates = checked(Decision(candidates=candidates)).candidates

    def _decision_options(self) -> dict[str, Any]:
        return {"candidates": self._candidates}
