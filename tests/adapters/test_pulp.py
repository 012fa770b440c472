"""PuLP with a policy: the same optimum, and the policy branches."""

import pytest

pulp = pytest.importorskip("pulp", reason="the extra pulp is not installed")

from kida.adapters.pulp import Kida
from kida.errors import UserError


def problem_of(packing):
    problem = pulp.LpProblem("packing", pulp.LpMaximize)
    x = [problem.add_variable(f"x{j}", cat="Binary") for j in range(len(packing.values))]
    problem += pulp.lpSum(c * v for c, v in zip(packing.values.tolist(), x, strict=True))
    for row in packing.weights.tolist():
        problem += pulp.lpSum(w * v for w, v in zip(row, x, strict=True)) <= packing.capacity
    return problem


def test_the_optimum_is_the_same_and_the_policy_branches(packing, plain) -> None:
    problem = problem_of(packing)
    options = [f"{name}={value}" for name, value in plain.items()]
    solver = Kida("set_cover", msg=False, options=options)
    assert solver.available()
    for _ in range(2):  # each solve builds a model of its own
        assert pulp.LpStatus[problem.solve(solver)] == "Optimal"
        assert pulp.value(problem.objective) == pytest.approx(packing.optimum())
        assert solver.brancher.statistics.decisions > 0
    problem.solve(pulp.SCIP_PY(msg=False))
    assert pulp.value(problem.objective) == pytest.approx(packing.optimum())


def test_what_is_not_called_any_more_is_an_error(packing, monkeypatch) -> None:
    monkeypatch.delattr(Kida, "callSolver")
    with pytest.raises(UserError, match="solves its SCIP models elsewhere"):
        problem_of(packing).solve(Kida("set_cover", msg=False))
