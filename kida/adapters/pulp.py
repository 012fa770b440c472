"""A policy in PuLP: its solver ``SCIP_PY``, with a learned branching rule in the model.

Stands on ``SCIP_PY``, its methods ``actualSolve`` and ``callSolver`` and the problem's
``solverModel``; none is marked private.
"""

from pathlib import Path
from typing import Any

from kida.errors import missing_extra, other_version
from kida.network.steering import AnyPolicy, load_policy
from kida.solver.branching import Brancher, attach

try:
    from pulp import SCIP_PY
except ImportError as error:
    raise missing_extra("a policy in PuLP", "pulp", "pulp") from error


class Kida(SCIP_PY):
    """SCIP with a learned branching rule: ``problem.solve(Kida("set_cover"))``.

    Parameters
    ----------
    policy
        As for :func:`kida.attach`. What its card sets comes after ``options``.
    **options
        Of ``SCIP_PY``: ``msg``, ``timeLimit``, ...

    Attributes
    ----------
    brancher
        Of the last solve: its ``statistics`` tell what the rule has done.
    """

    name = "KIDA"
    brancher: Brancher

    def __init__(self, policy: AnyPolicy | str | Path, **options: Any) -> None:
        super().__init__(**options)
        self.policy = load_policy(policy) if isinstance(policy, str | Path) else policy

    def actualSolve(self, lp: Any) -> Any:  # noqa: N802
        """Build the model, solve it and read the solution, as SCIP_PY does."""
        self._branched: Any = None
        status = super().actualSolve(lp)
        if self._branched is not lp.solverModel:
            raise other_version("PuLP", "solves", "3.3")
        return status

    def callSolver(self, lp: Any) -> None:  # noqa: N802
        """Solve the model that SCIP_PY has built."""
        self.brancher = attach(lp.solverModel, self.policy)
        self._branched = lp.solverModel
        super().callSolver(lp)
        self.brancher.raise_error()
