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

    SCIP chooses before it leaves the last node: observations of a node and its LP are of that one,
    and raise where its LP was not solved to optimality.

    Parameters
    ----------
    observation, reward, information, settings, parameters, limits
        See :class:`~kida.env.environment.Environment`.
    """

    _decision: ClassVar[DecisionKind] = "node_selection"
