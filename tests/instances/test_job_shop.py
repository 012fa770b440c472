from itertools import permutations

import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.job_shop import job_shop
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, jobs, machines in (("easy", 8, 4), ("medium", 8, 6)):
        (instance,) = instances("job_shop", "test", 0, 1, size)
        program = generated_family("job_shop").program(instance)
        pairs = machines * jobs * (jobs - 1) // 2
        assert program.binaries == pairs
        assert len(program.columns) == pairs + jobs * machines + 1
        assert len(program.rows) == 2 * pairs + jobs * (machines - 1) + jobs


def test_the_best_schedule_of_a_small_one() -> None:
    program = job_shop("p", Source(2), jobs=3, machines=2)
    duration, route = np.zeros((3, 2)), [[0, 0] for _ in range(3)]
    for name, left in zip(program.rows, program.left, strict=True):
        what, *numbers = name.split("_")
        if what == "route":
            job, first, then = map(int, numbers)
            duration[job, first] = left
            route[job] = [first, then]
    for name, left in zip(program.rows, program.left, strict=True):
        if name.startswith("end_"):
            job = int(name[4:])
            duration[job, route[job][1]] = left
    # Every semi-active schedule comes from some order of all operations.
    best = np.inf
    for order in set(permutations([0, 0, 1, 1, 2, 2])):
        free, ready, step = np.zeros(2), np.zeros(3), [0, 0, 0]
        for job in order:
            machine = route[job][step[job]]
            step[job] += 1
            ready[job] = free[machine] = max(free[machine], ready[job]) + duration[job, machine]
        best = min(best, ready.max())
    model = build_model(program)
    model.optimize()
    assert model.getObjVal() == pytest.approx(best)


@pytest.mark.parametrize("wrong", [{"jobs": 1}, {"machines": 0}])
def test_impossible_parameters(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        job_shop("p", Source(0), **({"jobs": 2, "machines": 2} | wrong))
