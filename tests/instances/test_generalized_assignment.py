import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.generalized_assignment import generalized_assignment
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, agents, jobs in (("easy", 5, 50), ("medium", 10, 60)):
        (instance,) = instances("generalized_assignment", "test", 0, 1, size)
        program = generated_family("generalized_assignment").program(instance)
        assert len(program.columns) == program.binaries == agents * jobs
        assert len(program.rows) == agents + jobs
        resource = program.values[: agents * jobs].reshape(agents, jobs)
        assert resource.min() >= 1
        assert resource.max() <= 100
        # Costly where it needs little (Chu and Beasley's type D).
        noise = program.objective - (111 - resource.ravel())
        assert np.abs(noise).max() <= 10
        limits = np.floor(0.8 * resource.sum(axis=1) / agents)
        np.testing.assert_array_equal(program.right[:agents], limits)


def test_the_best_choice_of_a_small_one() -> None:
    program = generalized_assignment("p", Source(1), agents=2, jobs=10)
    resource, cost = program.values[:20].reshape(2, 10), program.objective.reshape(2, 10)
    second = np.array([[code >> job & 1 for job in range(10)] for code in range(2**10)])
    loads = np.stack([(1 - second) @ resource[0], second @ resource[1]], axis=1)
    costs = (1 - second) @ cost[0] + second @ cost[1]
    model = build_model(program)
    model.optimize()
    assert model.getObjVal() == pytest.approx(costs[(loads <= program.right[:2]).all(axis=1)].min())


@pytest.mark.parametrize("wrong", [{"agents": 1}, {"jobs": 9}])
def test_impossible_parameters(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        generalized_assignment("p", Source(0), **({"agents": 2, "jobs": 10} | wrong))
