import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kida.errors import UserError
from kida.instances.maritime_inventory_routing import maritime_inventory_routing
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


@given(
    seed=st.integers(0, 10**6),
    loading=st.integers(1, 3),
    discharging=st.integers(1, 3),
    ships=st.integers(1, 3),
    periods=st.integers(15, 25),
)
@settings(max_examples=15, deadline=None)
def test_every_draw_is_feasible(
    seed: int, loading: int, discharging: int, ships: int, periods: int
) -> None:
    program = maritime_inventory_routing("p", Source(seed), loading, discharging, ships, periods)
    model = build_model(program)
    # Ships stay in port and leave the system at the end, the spot market does the rest.
    solution = model.createSol()
    values = dict.fromkeys(program.columns, 0.0)
    stock = {}
    for j in range(loading + discharging):
        row = program.rows.index(f"stock_balance_{j}_0")
        sign = 1.0 if j < loading else -1.0
        spot = program.columns.index(f"spot_{j}_0")
        stock[j] = program.right[row] - sign * program.upper[spot]
    for name, most in zip(program.columns, program.upper.tolist(), strict=True):
        kind, *place = name.split("_")
        if kind == "spot":
            values[name] = most
        elif kind == "stock":
            values[name] = stock[int(place[0])]
        elif kind == "load":
            start = program.rows.index(f"load_start_{place[0]}")
            values[name] = program.right[start]
    for ship in range(ships):
        starts = [
            row
            for row, right in zip(program.rows, program.right.tolist(), strict=True)
            if row.startswith(f"route_{ship}_") and right == 1.0
        ]
        assert len(starts) == 1
        values[f"sail_{'_'.join(starts[0].split('_')[1:])}_end"] = 1.0
    for variable in model.getVars():
        model.setSolVal(solution, variable, values[variable.name])
    assert model.checkSol(solution, printreason=False, original=True)


def test_medium() -> None:
    instance = instances("maritime_inventory_routing", "test", 0, 1, "medium")[0]
    program = generated_family("maritime_inventory_routing").program(instance)
    kinds = {name.split("_")[0] for name in program.columns[: program.binaries]}
    assert kinds == {"call", "sail"}
    # Earnings and costs: discharging pays, sailing and the spot market cost.
    amounts = np.array([name.startswith("amount") for name in program.columns])
    spots = np.array([name.startswith("spot") for name in program.columns])
    assert program.objective[amounts].min() < 0
    assert program.objective[amounts].max() == 0
    assert program.objective[spots].min() > 9


@pytest.mark.parametrize(
    "wrong", [{"loading": 0}, {"discharging": 0}, {"ships": 0}, {"periods": 14}]
)
def test_impossible_parameters(wrong: dict[str, int]) -> None:
    parameters = {"loading": 1, "discharging": 1, "ships": 1, "periods": 15} | wrong
    with pytest.raises(UserError, match="does not exist"):
        maritime_inventory_routing("p", Source(0), **parameters)
