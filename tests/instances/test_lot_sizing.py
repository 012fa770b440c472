import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.lot_sizing import lot_sizing
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, items, periods in (("easy", 8, 20), ("medium", 12, 25)):
        (instance,) = instances("lot_sizing", "test", 0, 1, size)
        program = generated_family("lot_sizing").program(instance)
        assert program.binaries == items * periods
        assert len(program.columns) == 3 * items * periods + periods
        assert len(program.rows) == 2 * items * periods + periods


def test_the_best_plan_of_a_small_one() -> None:
    program = lot_sizing("p", Source(4), items=1, periods=4, utilization=0.01)
    # With so much time the setups decide: Wagner and Whitin's recursion.
    demand = np.array([program.left[program.rows.index(f"demand_0_{t}")] for t in range(4)])
    setup, holding = program.objective[0], program.objective[8]
    best = [0.0]
    for end in range(1, 5):
        best.append(
            min(
                best[first]
                + (setup if demand[first:end].sum() > 0 else 0.0)
                + holding * (demand[first:end] * np.arange(end - first)).sum()
                for first in range(end)
            )
        )
    model = build_model(program)
    model.optimize()
    assert model.getObjVal() == pytest.approx(best[-1])


@pytest.mark.parametrize("seed", range(5))
def test_overtime_serves_all_demands(seed: int) -> None:
    model = build_model(lot_sizing("p", Source(seed), items=3, periods=3))
    model.optimize()
    assert model.getStatus() == "optimal"


@pytest.mark.parametrize("wrong", [{"items": 0}, {"periods": 0}, {"utilization": 1.5}])
def test_impossible_parameters(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        lot_sizing("p", Source(0), **({"items": 2, "periods": 2} | wrong))  # type: ignore[arg-type]
