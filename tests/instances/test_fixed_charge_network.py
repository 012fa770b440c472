import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kida.errors import UserError
from kida.instances.fixed_charge_network import fixed_charge_network
from kida.instances.source import Source
from kida.solver.problem import build_model


@given(seed=st.integers(0, 10**6), nodes=st.integers(4, 9), strong=st.booleans())
@settings(max_examples=15, deadline=None)
def test_every_draw_can_be_served(seed: int, nodes: int, strong: bool) -> None:
    model = build_model(fixed_charge_network("p", Source(seed), nodes, 3, strong=strong))
    model.setParam("limits/solutions", 1)
    model.optimize()
    assert model.getNSols() >= 1


def test_strong_rows_only_tighten_the_relaxation() -> None:
    bounds, optima = [], []
    for strong in (False, True):
        program = fixed_charge_network("p", Source(5), 7, 4, strong=strong)
        model = build_model(program)
        model.relax()
        model.optimize()
        bounds.append(model.getObjVal())
        model = build_model(program)
        model.optimize()
        optima.append(model.getObjVal())
    assert optima[0] == pytest.approx(optima[1])
    assert bounds[0] < bounds[1] <= optima[1] + 1e-6


def test_statistics() -> None:
    programs = [fixed_charge_network("p", Source(seed), 15, 22) for seed in range(4)]
    densities = [program.binaries / (15 * 14) for program in programs]
    assert np.mean(densities) == pytest.approx(0.33, abs=0.06)
    fixed = np.concatenate([program.objective[: program.binaries] for program in programs])
    assert fixed.min() >= 1100
    assert fixed.max() < 5000
    assert fixed.mean() == pytest.approx(3050, rel=0.1)
    for program in programs:
        assert (len(program.columns) - program.binaries) % 22 == 0
        # As many sources as sinks, one of each per commodity.
        balance = [
            side
            for row, side in zip(program.rows, program.left, strict=True)
            if row.startswith("flow")
        ]
        assert balance.count(1.0) == balance.count(-1.0) == 22


@pytest.mark.parametrize(("nodes", "commodities"), [(3, 1), (5, 0), (5, 11)])
def test_impossible_parameters(nodes: int, commodities: int) -> None:
    with pytest.raises(UserError, match="does not exist"):
        fixed_charge_network("p", Source(0), nodes, commodities)


def test_capacity_factor() -> None:
    with pytest.raises(UserError, match="too small"):
        fixed_charge_network("p", Source(0), 8, 3, capacity_factor=0.001)
    ample, tight = (
        fixed_charge_network("p", Source(1), 15, 22, capacity_factor=factor)
        for factor in (1.0, 0.3)
    )
    assert tight.binaries == ample.binaries  # the same network, unless it was drawn again
    assert tight.values.min() == pytest.approx(0.3 * ample.values.min(), rel=0.01)
