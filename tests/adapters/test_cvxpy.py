"""CVXPY with a policy: the same optimum, and the policy branches."""

import pytest

cp = pytest.importorskip("cvxpy", reason="the extra cvxpy is not installed")

from kida.adapters.cvxpy import Kida
from kida.errors import UserError


def problem_of(packing):
    x = cp.Variable(len(packing.values), boolean=True)
    return cp.Problem(cp.Maximize(packing.values @ x), [packing.weights @ x <= packing.capacity])


def test_the_optimum_is_the_same_and_the_policy_branches(packing, plain) -> None:
    problem = problem_of(packing)
    solver = Kida("set_cover")
    for _ in range(2):  # each solve builds a model of its own
        problem.solve(solver=solver, scip_params=plain)
        assert problem.status == "optimal"
        assert problem.value == pytest.approx(packing.optimum())
        assert solver.brancher.statistics.decisions > 0
    problem.solve(solver="SCIP")
    assert problem.value == pytest.approx(packing.optimum())


def test_what_is_not_called_any_more_is_an_error(packing, monkeypatch) -> None:
    monkeypatch.delattr(Kida, "_solve")
    with pytest.raises(UserError, match="solves its SCIP models elsewhere"):
        problem_of(packing).solve(solver=Kida("set_cover"))
