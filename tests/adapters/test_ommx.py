"""OMMX with a policy: the same optimum, and the policy branches."""

import pytest

pytest.importorskip("ommx_pyscipopt_adapter", reason="the extra ommx is not installed")

from ommx.v1 import DecisionVariable, Instance
from ommx_pyscipopt_adapter import OMMXPySCIPOptAdapter

from kida.adapters.ommx import KidaAdapter


def instance_of(packing) -> Instance:
    x = [DecisionVariable.binary(j) for j in range(len(packing.values))]
    return Instance.from_components(
        decision_variables=x,
        objective=sum(c * v for c, v in zip(packing.values.tolist(), x, strict=True)),
        constraints=[
            (sum(w * v for w, v in zip(row, x, strict=True)) <= packing.capacity).set_id(i)
            for i, row in enumerate(packing.weights.tolist())
        ],
        sense=Instance.MAXIMIZE,
    )


def test_the_optimum_is_the_same_and_the_policy_branches(packing, plain) -> None:
    instance = instance_of(packing)
    assert KidaAdapter.solve(instance, "set_cover").objective == pytest.approx(packing.optimum())
    assert OMMXPySCIPOptAdapter.solve(instance).objective == pytest.approx(packing.optimum())
    adapter = KidaAdapter(instance, "set_cover", use_sos1="disabled")
    adapter.solver_input.setParams(plain)
    adapter.solver_input.optimize()
    assert adapter.decode(adapter.solver_input).objective == pytest.approx(packing.optimum())
    assert adapter.brancher.statistics.decisions > 0
