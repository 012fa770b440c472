"""A policy for linopy's models, which are solved here and get their solution back.

linopy's own way to SCIP builds, solves and reads out a model in one step, with no place for a rule.
So the model is written with ``Model.to_file``, solved here, and given its values with
``Model.assign_result``: all public. That the variable of label 7 is called ``x7`` in the file is a
habit of linopy's that nothing promises.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from pyscipopt import Model as ScipModel

from kida.errors import UserError, missing_extra
from kida.network.steering import AnyPolicy
from kida.parameters import NO_PARAMETERS, ParameterValue
from kida.solver.branching import BranchingStatistics, attach
from kida.solver.settings import set_parameters

try:
    import linopy
    from linopy.constants import Result, Solution, Status
except ImportError as error:
    raise missing_extra("a policy in linopy", "linopy", "linopy") from error

#: SCIP's statuses that linopy has other words for; to all else that may end a solve it says
#: "terminated_by_limit".
_CONDITIONS = {
    "optimal": "optimal",
    "gaplimit": "optimal",
    "infeasible": "infeasible",
    "unbounded": "unbounded",
    "inforunbd": "infeasible_or_unbounded",
    "userinterrupt": "user_interrupt",
    "terminate": "user_interrupt",
    "timelimit": "time_limit",
}


def solve(
    model: linopy.Model,
    policy: AnyPolicy | str | Path,
    *,
    parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
) -> BranchingStatistics:
    """Solve a linopy model with a learned branching rule.

    Parameters
    ----------
    model
        A model of linear constraints. Afterwards it holds status, objective and values, as after
        ``model.solve()``.
    policy
        As for :func:`kida.attach`.
    parameters
        SCIP parameters to set, by name; what the policy's card sets comes after them.

    Returns
    -------
    BranchingStatistics
        What the rule has done.

    Raises
    ------
    UserError
        As :func:`kida.attach`.
    """
    scip = ScipModel()
    scip.hideOutput()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.lp"
        model.to_file(file, progress=False)
        scip.readProblem(str(file))
    with set_parameters(scip, parameters):
        brancher = attach(scip, policy)
    # As model.solve() does: what an earlier solve has found is not this one's.
    model.reset_solution()
    scip.optimize()
    brancher.raise_error()
    statistics = brancher.statistics
    status = Status.from_termination_condition(
        _CONDITIONS.get(scip.getStatus(), "terminated_by_limit")
    )
    status.legacy_status = scip.getStatus()
    solution = _solution(model, scip) if scip.getNSols() > 0 else Solution()
    model.assign_result(Result(status, solution, solver_model=scip, solver_name="kida"))
    return statistics


def _solution(model: linopy.Model, scip: ScipModel) -> Solution:
    best = scip.getBestSol()
    assert best is not None  # there are solutions
    found = {
        int(variable.name[1:]): best[variable]
        for variable in scip.getVars()
        if variable.name[:1] == "x" and variable.name[1:].isdecimal()
    }
    if not found:
        raise UserError(
            "this version of linopy names variables in another way in its files, and the solution "
            "cannot be read; use linopy 0.10"
        )
    primal = np.full(max(v.range[1] for _, v in model.variables.items()), np.nan)
    primal[[*found]] = [*found.values()]
    return Solution(primal=primal, objective=scip.getSolObjVal(best))
