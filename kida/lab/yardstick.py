"""What policies are worth by nodes: a measure that no busy machine disturbs.

Either the tree that they need, or how far they raise the dual bound in a tree of given size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.evaluation.records import Failed, Protocol, Record
from kida.jobs.run import Workers
from kida.lab.sections import root_bound
from kida.learning.events import Listener, Solve
from kida.learning.judge import solve_all
from kida.learning.plan import Draw
from kida.network.policy import Policy
from kida.trajectory import step_values

# A solve that takes longer is none that such a study can use.
_SECONDS = 3600.0
# Of the logarithm of nodes: trees of a few nodes count little.
_SHIFT = 10.0


@dataclass(frozen=True)
class Yardstick:
    """How policies are measured.

    Attributes
    ----------
    settings
        The named SCIP settings to solve under.
    node_limit
        Where a solve ends; None solves to optimality.
    folder
        Where solves are kept; what is there is not solved again.
    workers
        Do the solves.
    listener
        Gets an event after every solve.
    """

    settings: str
    node_limit: int | None
    folder: Path
    workers: Workers
    listener: Listener

    @property
    def unit(self) -> Literal["nodes", "bound"]:
        """What is measured."""
        return "nodes" if self.node_limit is None else "bound"

    def worth(self, policies: Sequence[Policy], draws: Sequence[Draw]) -> NDArray[np.float64]:
        """Return what each policy is worth on each draw, shape ``(policies, draws)``.

        Minus the logarithm of the nodes; or, under a node limit, the dual bound's mean rise above
        that of the root, over the nodes up to the limit: the cumulated reward, with nodes for
        seconds.

        Raises
        ------
        UserError
            If a solve has failed, or has not ended within an hour.
        """
        protocol = Protocol(self.settings, _SECONDS, node_limit=self.node_limit)
        table = solve_all(
            policies,
            draws,
            protocol,
            self.folder,
            self.workers,
            lambda done, of: self.listener(Solve(done=done, of=of)),
        )
        return np.array([[self._worth(record) for record in row] for row in table]).T

    def _worth(self, record: Record) -> float:
        if isinstance(record, Failed):
            raise UserError(f"{record.job.instance.name} failed: {record.reason}; run it again")
        result = record.result
        if result.limit == "time":
            raise UserError(f"{record.job.instance.name} takes longer than {_SECONDS:g} s")
        if self.node_limit is None:
            return -float(np.log(result.nodes + _SHIFT))
        path = result.trajectory.bounds()
        mirrored = path.dual if path.sense == "minimize" else -path.dual
        root = root_bound(record)
        nodes = np.arange(1, self.node_limit + 1)
        bounds = step_values(path.nodes.astype(np.float64), mirrored, nodes, root)
        return float(np.maximum(bounds, root).mean() - root)

    def nodes(self, worth: NDArray[np.float64]) -> float:
        """Return the shifted geometric mean of nodes to optimality, from one policy's worths."""
        return float(np.exp(-worth.mean())) - _SHIFT

    def scaled(self, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return worths in which a difference of 0.05 is about 5 %, from :meth:`worth`.

        Logarithms are. Rises are divided by their mean over the policies, draw by draw; where none
        has risen they are all alike.
        """
        if self.node_limit is None:
            return worth
        scale = worth.mean(axis=0)
        return worth / np.where(scale > 0, scale, 1.0)
