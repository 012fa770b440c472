from itertools import pairwise

import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.instances.unit_commitment import unit_commitment
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, generators, hours in (("easy", 15, 24), ("medium", 30, 36)):
        (instance,) = instances("unit_commitment", "test", 0, 1, size)
        program = generated_family("unit_commitment").program(instance)
        assert program.binaries == 2 * generators * hours
        assert len(program.columns) == 3 * generators * hours
        demand = program.right[-hours:]
        most = [-program.values[program.starts[program.rows.index(f"most_{g}_0")]]
                for g in range(generators)]  # fmt: skip
        assert demand.min() == pytest.approx(0.4 * sum(most))
        assert demand.max() == pytest.approx(0.8 * sum(most))


def test_a_solution_keeps_minimum_times() -> None:
    generators, hours = 6, 18
    program = unit_commitment("p", Source(8), generators, hours)
    model = build_model(program)
    model.optimize()
    assert model.getStatus() == "optimal"
    found = {variable.name: model.getVal(variable) for variable in model.getVars()}
    columns = np.array([round(found[name]) for name in program.columns[: generators * hours]])
    for g, states in enumerate(columns.reshape(generators, hours)):
        up = program.starts[program.rows.index(f"up_{g}_{hours - 1}") :][:2]
        shortest_up = int(up[1] - up[0]) - 1
        changes = np.flatnonzero(np.diff(states)) + 1
        for begin, end in pairwise(changes):
            if states[begin]:
                assert end - begin >= shortest_up
            else:
                assert end - begin >= 2


@pytest.mark.parametrize("wrong", [{"generators": 0}, {"hours": 1}])
def test_impossible_parameters(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="make no problem"):
        unit_commitment("p", Source(0), **({"generators": 2, "hours": 4} | wrong))
