"""The node at which the solver waits."""

from dataclasses import dataclass
from typing import Any

from kida.solver.features import focus_node


@dataclass(frozen=True)
class NodeObservation:
    """Where a node stands in the tree; bounds are of the problem as SCIP solves it, minimised.

    Attributes
    ----------
    number
        SCIP's number of the node in the order of creation; the root is 1.
    depth
        0 for the root.
    lower_bound
        Proven for the node, its LP included.
    estimate
        SCIP's guess of the best solution's objective below the node.
    added_constraints
        Number of constraints added at the node.
    parent_number
        ``None`` for the root.
    parent_lower_bound
        ``None`` for the root.
    """

    number: int
    depth: int
    lower_bound: float
    estimate: float
    added_constraints: int
    parent_number: int | None
    parent_lower_bound: float | None


class FocusNode:
    """Number, depth, bounds and parent of the focus node."""

    def before_reset(self, model: Any) -> None:
        """Do nothing: nothing is remembered."""

    def extract(self, model: Any, done: bool) -> NodeObservation | None:
        """Return the node's data, ``None`` if ``done``."""
        if done:
            return None
        node = focus_node(model)
        parent = node.getParent()
        return NodeObservation(
            number=node.getNumber(),
            depth=node.getDepth(),
            lower_bound=node.getLowerbound(),
            estimate=node.getEstimate(),
            added_constraints=node.getNAddedConss(),
            parent_number=None if parent is None else parent.getNumber(),
            parent_lower_bound=None if parent is None else parent.getLowerbound(),
        )
