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
from kida.lab.evolution import ROUNDING
from kida.lab.sections import root_bound
from kida.learning.events import Listener, Solve
from kida.learning.judge import solve_all
from kida.learning.plan import Draw
from kida.network.policy import Policy
from kida.trajectory import step_values

# A solve that takes longer is none that such a study can use.
_SECONDS = 900.0
# Of the draws, those that may be left out because a solve has failed or taken longer.
_LOST = 0.1
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
        seconds. NaN where a solve has failed or not ended within a quarter of an hour.
        """
        protocol = Protocol(self.settings, _SECONDS, node_limit=self.node_limit)
        table = solve_all(
            policies,
            draws,
            protocol,
            self.folder,
            self.workers,
            lambda done, of: self.listener(Solve(done=done, of=of)),
            retry_failed=False,
        )
        return np.array([[self._worth(record) for record in row] for row in table]).T

    def _worth(self, record: Record) -> float:
        if isinstance(record, Failed) or record.result.limit == "time":
            return np.nan
        result = record.result
        if self.node_limit is None:
            return -float(np.log(result.nodes + _SHIFT))
        path = result.trajectory.bounds()
        mirrored = path.dual if path.sense == "minimize" else -path.dual
        root = root_bound(record)
        nodes = np.arange(1, self.node_limit + 1)
        bounds = step_values(path.nodes.astype(np.float64), mirrored, nodes, root)
        rise = float(np.maximum(bounds, root).mean() - root)
        # Or the last digits would decide where nothing has risen.
        return rise if rise > ROUNDING * max(abs(root), 1.0) else 0.0

    def compared(self, policies: Sequence[Policy], draws: Sequence[Draw]) -> NDArray[np.float64]:
        """Return worths in which a difference of 0.05 is about 5 %, shape ``(policies, kept)``.

        Logarithms are. Rises are divided by their mean over all policies and draws, so that means
        compare as those of rewards do. A draw that has no worth for one policy has none for all.

        Raises
        ------
        UserError
            If a tenth of the draws have no worth.
        """
        worth = self.worth(policies, draws)
        whole = np.isfinite(worth).all(axis=0)
        if (~whole).mean() > _LOST:
            raise UserError(
                f"{(~whole).sum()} of {len(draws)} draws have failed, or take longer than "
                f"{_SECONDS:g} s"
            )
        kept: NDArray[np.float64] = worth[:, whole]
        return kept if self.node_limit is None else kept / (kept.mean() or 1.0)

    def level(self, worth: NDArray[np.float64]) -> float:
        """Return what one policy's compared worths amount to.

        The shifted geometric mean of nodes to optimality, or the mean rise as a share of all
        policies'.
        """
        return float(worth.mean()) if self.node_limit else float(np.exp(-worth.mean())) - _SHIFT
