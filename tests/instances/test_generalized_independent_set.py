import pytest

from kida.errors import UserError
from kida.instances.generalized_independent_set import generalized_independent_set
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, fewest, most in (("easy", 60, 70), ("medium", 80, 100)):
        for instance in instances("generalized_independent_set", "test", 0, 3, size):
            program = generated_family("generalized_independent_set").program(instance)
            nodes = int((program.objective == 100.0).sum())
            assert fewest <= nodes <= most
            removable = int((program.objective == -1.0).sum())
            assert nodes + removable == len(program.columns) == program.binaries
            edges, possible = len(program.rows), nodes * (nodes - 1) / 2
            assert edges == pytest.approx(0.6 * possible, rel=0.1)
            assert removable == pytest.approx(0.5 * edges, rel=0.15)


def test_the_best_choice_of_a_small_one() -> None:
    program = generalized_independent_set("p", Source(2), 8, 8, revenue=3.0, cost=2.0)
    best = 0.0
    for code in range(2**8):
        taken = [node for node in range(8) if code >> node & 1]
        value = 3.0 * len(taken)
        for k in range(len(program.rows)):
            columns = program.indices[program.starts[k] : program.starts[k + 1]]
            if columns[0] in taken and columns[1] in taken:
                value -= 2.0 if len(columns) == 3 else 1000.0
        best = max(best, value)
    model = build_model(program)
    model.optimize()
    assert model.getObjVal() == pytest.approx(best)


@pytest.mark.parametrize("wrong", [{"fewest": 1}, {"most": 2}, {"probability": 1.1}])
def test_impossible_parameters(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        generalized_independent_set("p", Source(0), **({"fewest": 3, "most": 4} | wrong))  # type: ignore[arg-type]
