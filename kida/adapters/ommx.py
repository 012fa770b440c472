"""A policy in OMMX: its adapter for PySCIPOpt, with a learned branching rule in the model.

Stands on ``OMMXPySCIPOptAdapter`` and its ``solver_input``, both public. Instances whose objective
or constraints are not linear are left to SCIP's own rules, with a warning.
"""

from pathlib import Path
from typing import Any

from kida.errors import missing_extra
from kida.network.steering import AnyPolicy
from kida.solver.branching import Brancher, attach

try:
    from ommx_pyscipopt_adapter import OMMXPySCIPOptAdapter
except ImportError as error:
    raise missing_extra("a policy in OMMX", "ommx-pyscipopt-adapter", "ommx") from error


class KidaAdapter(OMMXPySCIPOptAdapter):
    """Solve an OMMX instance with a learned branching rule.

    Parameters
    ----------
    ommx_instance
        An ``ommx.v1.Instance``.
    policy
        As for :func:`kida.attach`.
    **options
        Of ``OMMXPySCIPOptAdapter``.

    Attributes
    ----------
    brancher
        Its ``statistics`` tell what the rule has done.

    Raises
    ------
    UserError
        As :func:`kida.attach`.
    """

    brancher: Brancher

    def __init__(self, ommx_instance: Any, policy: AnyPolicy | str | Path, **options: Any) -> None:
        super().__init__(ommx_instance, **options)
        self.brancher = attach(self.solver_input, policy)

    @classmethod
    def solve(cls, ommx_instance: Any, policy: AnyPolicy | str | Path, **options: Any) -> Any:
        """Return the ``ommx.v1.Solution``; the parameters are the class's."""
        adapter = cls(ommx_instance, policy, **options)
        adapter.solver_input.optimize()
        adapter.brancher.raise_error()
        return adapter.decode(adapter.solver_input)
