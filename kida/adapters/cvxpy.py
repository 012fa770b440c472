"""A policy in CVXPY: its solver ``SCIP``, with a learned branching rule in the model.

CVXPY takes solvers of one's own, but its ``SCIP`` hands out no model before it is solved. So it is
derived from, and one private method of it is extended: ``_solve``, which is given the model with
everything set. Problems with second-order cones are left to SCIP's own rules, with a warning.
"""

from pathlib import Path
from typing import Any

from kida.errors import missing_extra, other_version
from kida.network.steering import AnyPolicy, load_policy
from kida.solver.branching import Brancher, attach

try:
    from cvxpy.reductions.solvers.conic_solvers.scip_conif import SCIP
except ImportError as error:
    raise missing_extra("a policy in CVXPY", "cvxpy", "cvxpy") from error


class Kida(SCIP):
    """SCIP with a learned branching rule: ``problem.solve(solver=Kida("set_cover"))``.

    Parameters
    ----------
    policy
        As for :func:`kida.attach`. What its card sets comes after ``scip_params``.

    Attributes
    ----------
    brancher
        Of the last solve: its ``statistics`` tell what the rule has done.
    """

    brancher: Brancher | None = None

    def __init__(self, policy: AnyPolicy | str | Path) -> None:
        super().__init__()
        self.policy = load_policy(policy) if isinstance(policy, str | Path) else policy

    def name(self) -> str:
        """Return the solver's name, which must be none of CVXPY's own."""
        return "KIDA"

    def solve_via_data(self, *given: Any, **options: Any) -> Any:
        """Solve what CVXPY has made of the problem."""
        self.brancher = None
        solution = super().solve_via_data(*given, **options)
        # Read here: whoever keeps this solver has no need of the type checker's doubts.
        brancher: Brancher | None = self.brancher
        if brancher is None:
            raise other_version("CVXPY", "solves", "1.9")
        brancher.raise_error()
        return solution

    def _solve(self, model: Any, *given: Any) -> Any:
        self.brancher = attach(model, self.policy)
        return super()._solve(model, *given)
