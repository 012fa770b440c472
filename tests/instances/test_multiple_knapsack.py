import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.multiple_knapsack import multiple_knapsack
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


@pytest.mark.parametrize(("size", "knapsacks"), [("easy", 6), ("medium", 12)])
def test_sizes(size: str, knapsacks: int) -> None:
    (instance,) = instances("multiple_knapsack", "test", 0, 1, size)
    program = generated_family("multiple_knapsack").program(instance)
    assert len(program.columns) == program.binaries == 100 * knapsacks
    assert len(program.rows) == knapsacks + 100
    weights = program.values[:100]
    assert (weights.min(), weights.max()) == (10, 19)
    # Half of the weight fits, and profits are weights.
    assert program.right[:knapsacks].sum() == pytest.approx(weights.sum() / 2, abs=1)
    np.testing.assert_array_equal(program.objective[::knapsacks], weights)


def test_the_best_choice_of_a_small_one() -> None:
    program = multiple_knapsack("p", Source(4), items=8, knapsacks=2, correlated=False)
    weights, profits = program.values[:8], program.objective[::2]
    best = 0.0
    for code in range(3**8):
        where = np.array([code // 3**i % 3 for i in range(8)])
        loads = [weights[where == k].sum() for k in range(2)]
        if loads[0] <= program.right[0] and loads[1] <= program.right[1]:
            best = max(best, profits[where < 2].sum())
    model = build_model(program)
    model.optimize()
    assert model.getObjVal() == pytest.approx(best)


@pytest.mark.parametrize("wrong", [{"knapsacks": 0}, {"items": 7, "knapsacks": 2}])
def test_impossible_parameters(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        multiple_knapsack("p", Source(0), **({"items": 10, "knapsacks": 2} | wrong))
