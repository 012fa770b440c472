"""Small problems of every sort, and what observes the nodes of their solves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from pyscipopt import SCIP_PARAMSETTING, SCIP_RESULT, Branchrule, Model, quicksum

NODES = 25


def knapsack(model: Model, generator: np.random.Generator) -> None:
    """A maximisation."""
    x = [model.addVar(f"x{i}", vtype="B") for i in range(30)]
    for _ in range(5):
        weights = generator.integers(20, 100, size=30).tolist()
        model.addCons(quicksum(w * v for w, v in zip(weights, x, strict=True)) <= 900)
    values = generator.integers(20, 100, size=30).tolist()
    model.setObjective(quicksum(w * v for w, v in zip(values, x, strict=True)), "maximize")


def cover(model: Model, generator: np.random.Generator) -> None:
    """A minimisation, with sides on both ends."""
    costs = generator.integers(10, 20, size=120).tolist()
    x = [model.addVar(f"x{i}", vtype="B", obj=cost) for i, cost in enumerate(costs)]
    for _ in range(90):
        covering = quicksum(x[j] for j in generator.choice(120, 9, replace=False))
        model.addCons((covering <= 5) >= 1)


def split(model: Model, generator: np.random.Generator) -> None:
    """Equations without a solution, whose deeper nodes are infeasible; integers and reals."""
    x = [model.addVar(f"x{i}", vtype="I", ub=2, obj=(-1) ** i * i) for i in range(14)]
    for _ in range(3):
        weights = generator.integers(10, 100, size=14).tolist()
        y = model.addVar(lb=-0.3, ub=0.3, obj=0.1)
        total = quicksum(w * v for w, v in zip(weights, x, strict=True)) + y
        model.addCons(total == sum(weights) + int(generator.integers(1, 50)))


PROBLEMS: dict[str, Callable[[Model, np.random.Generator], None]] = {
    "maximisation": knapsack,
    "minimisation": cover,
    "infeasible children": split,
}


@dataclass
class Solve:
    """What a solve was, and what was observed in it."""

    observed: list[Any] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    nodes: int = 0
    lp_iterations: int = 0
    infeasible_leaves: int = 0
    solutions: int = 0
    bound: float = 0.0
    after: Any = None


class _First(Branchrule):
    """Looks, and branches on the first of the fractional candidates."""

    def __init__(self, look: Callable[[Model], Any] | None, solve: Solve) -> None:
        self.look, self.solve = look, solve
        self.failure: BaseException | None = None

    def branchexeclp(self, allowaddcons: bool) -> dict[str, Any]:
        try:
            if self.look is not None:
                self.solve.observed.append(self.look(self.model))
            self.solve.depths.append(self.model.getDepth())
            candidate = self.model.getLPBranchCands()[0][0]
            self.solve.choices.append(candidate.name)
            self.model.branchVar(candidate)
        except BaseException as failure:
            self.failure = failure
            self.model.interruptSolve()
            return {"result": SCIP_RESULT.DIDNOTRUN}
        return {"result": SCIP_RESULT.BRANCHED}

    def branchexecps(self, allowaddcons: bool) -> dict[str, Any]:
        return {"result": SCIP_RESULT.DIDNOTRUN}

    def branchexecext(self, allowaddcons: bool) -> dict[str, Any]:
        return {"result": SCIP_RESULT.DIDNOTRUN}


def run(
    problem: str,
    function: Any = None,
    look: Callable[[Model], Any] | None = None,
    *,
    heuristics: bool = False,
    nodes: int = NODES,
) -> Solve:
    """Solve a problem by branching on the first candidate; observe by ``function``, or ``look``."""
    model = Model()
    model.hideOutput()
    PROBLEMS[problem](model, np.random.default_rng(7))
    if not heuristics:
        model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", nodes)
    model.setParam("separating/maxroundsroot", 1)  # so that something is left to branch on
    if function is not None:
        function.before_reset(model)
        look = look or (lambda at: function.extract(at, False))
    solve = Solve()
    rule = _First(look, solve)
    model.includeBranchrule(rule, "first", "first candidate", 10**8, -1, 1.0)
    model.optimize()
    if rule.failure is not None:
        raise rule.failure
    if function is not None:
        solve.after = function.extract(model, True)
    solve.nodes, solve.lp_iterations = model.getNNodes(), model.getNLPIterations()
    solve.infeasible_leaves, solve.solutions = model.getNInfeasibleLeaves(), model.getNSols()
    solve.bound = model.getDualbound()
    model.free()
    return solve


@pytest.fixture(scope="session")
def observe() -> Callable[..., Solve]:
    """Return what solves a small problem and observes its nodes: see ``run``."""
    return run
