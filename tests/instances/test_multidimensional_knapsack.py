import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.multidimensional_knapsack import multidimensional_knapsack
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, items in (("easy", 30), ("medium", 50)):
        (instance,) = instances("multidimensional_knapsack", "test", 0, 1, size)
        program = generated_family("multidimensional_knapsack").program(instance)
        assert len(program.columns) == program.binaries == items
        assert len(program.rows) == 10
        weights = np.zeros((10, items))
        weights[np.repeat(np.arange(10), np.diff(program.starts)), program.indices] = program.values
        np.testing.assert_array_equal(program.right, np.floor(weights.sum(axis=1) / 4))
        profit = program.objective - weights.mean(axis=0)
        assert -0.5 <= profit.min() < profit.max() <= 500.5


def test_the_best_choice_of_a_small_one() -> None:
    program = multidimensional_knapsack("p", Source(5), items=10, dimensions=3)
    weights = np.zeros((3, 10))
    weights[np.repeat(np.arange(3), np.diff(program.starts)), program.indices] = program.values
    taken = np.array([[code >> item & 1 for item in range(10)] for code in range(2**10)])
    fits = (taken @ weights.T <= program.right).all(axis=1)
    model = build_model(program)
    model.optimize()
    assert model.getObjVal() == pytest.approx((taken[fits] @ program.objective).max())


@pytest.mark.parametrize("wrong", [{"items": 0}, {"dimensions": 0}, {"tightness": 1.0}])
def test_impossible_parameters(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        multidimensional_knapsack("p", Source(0), **({"items": 4, "dimensions": 2} | wrong))  # type: ignore[arg-type]
