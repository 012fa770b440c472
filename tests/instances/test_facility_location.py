import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kida.errors import UserError
from kida.instances.facility_location import facility_location
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


@pytest.mark.parametrize(
    ("size", "customers"), [("small", 50), ("easy", 100), ("medium", 200), ("hard", 400)]
)
def test_sizes(size: str, customers: int) -> None:
    instance = instances("facility_location", "test", 0, 1, size)[0]
    program = generated_family("facility_location").program(instance)
    assert (program.binaries, len(program.columns)) == (100, 100 + 100 * customers)
    assert len(program.rows) == customers + 100 + 1 + 100 * customers


def test_the_size_of_the_published_networks_does_not_split_demands() -> None:
    instance = instances("facility_location", "test", 0, 1, "35x35")[0]
    program = generated_family("facility_location").program(instance)
    assert program.binaries == len(program.columns) == 35 + 35 * 35
    assert len(program.rows) == 35 + 35 + 1 + 35 * 35


def test_statistics() -> None:
    program = facility_location("p", Source(3), customers=200)
    total = program.rows.index("total_capacity")
    capacity = program.values[program.starts[total] : program.starts[total + 1]]
    demand = program.values[program.starts[200] : program.starts[201]][1:]
    assert program.values[program.starts[200]] == -capacity[0]
    assert demand.min() >= 5
    assert demand.max() <= 35
    assert program.left[total] == demand.sum()
    # Five times the demand, but for rounding down.
    assert 5 * demand.sum() - 100 <= capacity.sum() <= 5 * demand.sum()
    assert capacity.max() / capacity.min() <= 17.0  # raw capacities are 10 to 160
    fixed, transport = program.objective[:100], program.objective[100:].reshape(200, 100)
    assert fixed.min() >= 100 * np.sqrt(10)
    assert fixed.max() <= 110 * np.sqrt(160) + 90
    distance = transport / (10.0 * demand[:, np.newaxis])
    assert distance.max() <= np.sqrt(2.0)
    assert distance.mean() == pytest.approx(0.5214, abs=0.05)  # of two points in the unit square


@given(seed=st.integers(0, 999), customers=st.integers(1, 8), facilities=st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_any_size_is_solvable(seed: int, customers: int, facilities: int) -> None:
    model = build_model(facility_location("p", Source(seed), customers, facilities, ratio=3.0))
    model.optimize()
    assert model.getStatus() == "optimal"


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"facilities": 0}, {"ratio": 1.0}])
def test_impossible_parameters(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        facility_location("p", Source(0), **({"customers": 5} | wrong))  # type: ignore[arg-type]


def test_capacity_lost_by_rounding_down() -> None:
    with pytest.raises(UserError, match="larger ratio"):
        facility_location("p", Source(0), customers=2, facilities=90, ratio=1.01)
