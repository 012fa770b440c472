"""kida: a learned branching rule for the SCIP solver.

>>> import kida
>>> from pyscipopt import Model
>>> model = Model()
>>> model.readProblem("instance.mps.gz")
>>> brancher = kida.attach(model, "item_placement")
>>> model.optimize()
>>> brancher.statistics
"""

from importlib.metadata import version as _version

from kida.errors import UserError
from kida.instances.family import Instance, family, instances
from kida.network.weights import Policy
from kida.observation import Observation
from kida.solver.branching import BranchingStatistics, attach, attach_callable, observe
from kida.solver.solve import SolveResult, optimize, solve
from kida.versions import show_versions

__version__ = _version("kida")

__all__ = [
    "BranchingStatistics",
    "Instance",
    "Observation",
    "Policy",
    "SolveResult",
    "UserError",
    "__version__",
    "attach",
    "attach_callable",
    "family",
    "instances",
    "observe",
    "optimize",
    "show_versions",
    "solve",
]
