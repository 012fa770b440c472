"""The environment of node selection: which of the open nodes is next."""

from typing import ClassVar

from kida.env.environment import Environment
from kida.solver.stepping import DecisionKind


class NodeSelection(Environment):
    """Stops whenever SCIP chooses the next node and there are two at least.

    The action set holds the numbers of the open nodes (int64, shape ``(k,)``; SCIP's
    ``SCIPnodeGetNumber``): first the children of the last node, then their siblings, then the
    leaves. An action is a *position* in it; or a vector of ``k`` scores, of which the highest is
    taken; or :data:`~kida.env.actions.DEFAULT`, which takes the node of lowest dual bound. (SCIP's
    own selection cannot be asked beside another one.) SCIP's rules branch.

    At a decision no node is in focus and no LP is solved: observations of one do not exist here.

    Parameters
    ----------
    observation, reward, information, settings, parameters, limits
        See :class:`~kida.env.environment.Environment`.
    """

    _decision: ClassVar[DecisionKind] = "node_selection"
