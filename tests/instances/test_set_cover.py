import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kida.errors import UserError
from kida.instances.registry import generated_family, instances
from kida.instances.set_cover import set_cover
from kida.instances.source import Source


@pytest.mark.parametrize(("size", "rows"), [("easy", 500), ("medium", 1000), ("hard", 2000)])
def test_published_sizes(size: str, rows: int) -> None:
    program = generated_family("set_cover").program(instances("set_cover", "test", 0, 1, size)[0])
    assert (len(program.rows), len(program.columns)) == (rows, 1000)
    assert len(program.values) == rows * 1000 * 0.05  # density to the last entry
    assert program.binaries == 1000


def test_the_size_of_the_published_networks() -> None:
    instance = instances("set_cover", "test", 0, 1, "400x750")[0]
    program = generated_family("set_cover").program(instance)
    assert (len(program.rows), len(program.columns)) == (400, 750)
    assert len(program.values) == 400 * 750 * 0.05


def test_statistics() -> None:
    programs = [set_cover("p", Source(seed), rows=500, columns=1000) for seed in range(5)]
    costs = np.concatenate([program.objective for program in programs])
    assert set(costs.tolist()) == set(range(1, 101))
    assert costs.mean() == pytest.approx(50.5, abs=1.5)
    lengths = np.concatenate([np.bincount(p.indices, minlength=1000) for p in programs])
    assert lengths.min() >= 2
    # 2 + binomial(23000, 1/1000): the variance is that of the binomial.
    assert lengths.mean() == 25.0
    assert lengths.var() == pytest.approx(23.0, rel=0.1)


@given(
    seed=st.integers(0, 1000),
    rows=st.integers(2, 40),
    columns=st.integers(1, 40),
    density=st.floats(0.01, 1.0),
    highest_cost=st.integers(1, 5),
)
@settings(max_examples=60, deadline=None)
def test_every_row_covered_and_every_entry_distinct(
    seed: int, rows: int, columns: int, density: float, highest_cost: int
) -> None:
    arguments = (rows, columns, density, highest_cost)
    if int(np.floor(rows * columns * density)) < max(rows, 2 * columns):
        with pytest.raises(UserError, match="density"):
            set_cover("p", Source(seed), *arguments)
        return
    program = set_cover("p", Source(seed), *arguments)  # refuses repeated entries itself
    assert np.diff(program.starts).min() >= 1
    assert np.bincount(program.indices, minlength=columns).min() >= min(2, rows)
    assert program.objective.min() >= 1
    assert program.objective.max() <= highest_cost


@pytest.mark.parametrize("wrong", [{"rows": 1}, {"columns": 0}, {"density": 1.5}])
def test_impossible_parameters(wrong: dict[str, float]) -> None:
    parameters = {"rows": 50, "columns": 50, "density": 0.1} | wrong
    with pytest.raises(UserError, match="does not exist"):
        set_cover("p", Source(0), **parameters)  # type: ignore[arg-type]
