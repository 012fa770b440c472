"""kida: a learned branching rule for the SCIP solver.

>>> import kida
>>> from pyscipopt import Model
>>> model = Model()
>>> model.readProblem("instance.mps.gz")
>>> brancher = kida.attach(model, "item_placement")
>>> model.optimize()
>>> brancher.statistics
"""

# First: an uncompiled source tree hands over to the installed package.
from kida import _source_tree  # isort: skip
import logging as _logging
from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from kida.errors import UserError
from kida.errors import installed_as as _installed_as

if TYPE_CHECKING:
    from kida.instances.family import Instance
    from kida.network.instruction_set import instruction_set, use_instruction_set
    from kida.network.policy import Policy
    from kida.observation import Observation
    from kida.solver.branching import BranchingStatistics, attach, attach_callable, observe
    from kida.solver.solve import Progress, SolveResult, optimize, solve
    from kida.solver.versions import show_versions

# Names are loaded when they are first used: policies can be read, and score another program's
# observations (``kida.interop``), beside a SCIP that kida cannot solve with; and whoever imports a
# file of plain data needs numpy alone.
_LOADED_LATER = {
    "BranchingStatistics": "kida.solver.branching",
    "Instance": "kida.instances.family",
    "Observation": "kida.observation",
    "Policy": "kida.network.policy",
    "Progress": "kida.solver.solve",
    "SolveResult": "kida.solver.solve",
    "attach": "kida.solver.branching",
    "attach_callable": "kida.solver.branching",
    "observe": "kida.solver.branching",
    "instruction_set": "kida.network.instruction_set",
    "optimize": "kida.solver.solve",
    "show_versions": "kida.solver.versions",
    "solve": "kida.solver.solve",
    "use_instruction_set": "kida.network.instruction_set",
}


# Whoever wants to see what kida logs configures it: docs/solving.md, "Progress and logging".
_logging.getLogger("kida").addHandler(_logging.NullHandler())


# Hidden from type checkers, to which every name would exist otherwise.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _LOADED_LATER:
            raise AttributeError(f"module 'kida' has no attribute {name!r}")
        return getattr(_import_module(_LOADED_LATER[name]), name)


__version__ = _version(_installed_as())

__all__ = [
    "BranchingStatistics",
    "Instance",
    "Observation",
    "Policy",
    "Progress",
    "SolveResult",
    "UserError",
    "__version__",
    "attach",
    "attach_callable",
    "instruction_set",
    "observe",
    "optimize",
    "show_versions",
    "solve",
    "use_instruction_set",
]
