"""A policy in Pyomo: its solvers ``scip_direct`` and ``scip_persistent``, with a learned rule.

Pyomo hands out no model before it is solved. So both are derived from, and one private method of
theirs is extended: ``_create_solver_model``, which returns the model that is solved next. The
persistent one solves the same model again, in which the rule stays; its statistics go on counting.
"""

from pathlib import Path
from typing import Any

from kida.errors import missing_extra, other_version
from kida.network.steering import AnyPolicy, load_policy
from kida.solver.branching import Brancher, attach

try:
    from pyomo.contrib.solver.solvers.scip.scip_direct import ScipDirect
    from pyomo.contrib.solver.solvers.scip.scip_persistent import ScipPersistent
except ImportError as error:
    raise missing_extra("a policy in Pyomo", "pyomo", "pyomo") from error


class _Branched:
    """What both have in common; comes before Pyomo's class."""

    brancher: Brancher

    def __init__(self, policy: AnyPolicy | str | Path, **options: Any) -> None:
        super().__init__(**options)
        self.policy = load_policy(policy) if isinstance(policy, str | Path) else policy
        self._branched: Any = None

    def solve(self, model: Any, **options: Any) -> Any:
        """Solve a model; options and results are Pyomo's."""
        try:
            result = super().solve(model, **options)  # type: ignore[misc]
        except Exception:
            # Pyomo says that there is no solution, and not why.
            if self._branched is not None:
                self.brancher.raise_error()
            raise
        if self._branched is None:
            raise other_version("Pyomo", "builds", "6.10")
        self.brancher.raise_error()
        return result

    def _create_solver_model(self, *given: Any) -> Any:
        created = super()._create_solver_model(*given)  # type: ignore[misc]
        if created[0] is not self._branched:
            self.brancher = attach(created[0], self.policy)
            self._branched = created[0]
        return created


class KidaDirect(_Branched, ScipDirect):
    """Pyomo's ``scip_direct`` with a policy: ``KidaDirect("set_cover").solve(model)``.

    Parameters
    ----------
    policy
        As for :func:`kida.attach`. Pyomo's ``solver_options`` come after what its card sets.
    **options
        Of Pyomo's class.

    Attributes
    ----------
    brancher
        Of the model solved last: its ``statistics`` tell what the rule has done.
    """


class KidaPersistent(_Branched, ScipPersistent):
    """Pyomo's ``scip_persistent`` with a policy, for solving a model that changes again and again.

    Parameters and attributes are those of :class:`KidaDirect`.
    """
