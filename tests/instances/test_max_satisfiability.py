import pytest

from kida.errors import UserError
from kida.instances.max_satisfiability import max_satisfiability
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, fewest, most in (("easy", 60, 70), ("medium", 70, 80)):
        for instance in instances("max_satisfiability", "test", 0, 2, size):
            program = generated_family("max_satisfiability").program(instance)
            nodes = int((program.objective == 0).sum())
            assert fewest <= nodes <= most
            # Two clauses for every edge: 0.6 of those between the halves, and three in ten more,
            # some of which are there already.
            edges = (len(program.columns) - nodes) / 2
            assert len(program.rows) == 2 * edges
            assert 0.6 * nodes**2 / 4 < edges < 0.6 * 1.3 * nodes**2 / 4 * 1.1


def test_the_best_cut_of_a_small_graph() -> None:
    program = max_satisfiability("p", Source(6), fewest=8, most=8)
    weights = program.objective[8::2]
    edges = [program.indices[program.starts[2 * k] :][:2] for k in range(len(weights))]
    best = 0.0
    for code in range(2**8):
        # A clause holds for every edge, the other one for those that are cut.
        cut = [(code >> i & 1) != (code >> j & 1) for i, j in edges]
        best = max(best, float(weights.sum() + weights[cut].sum()))
    model = build_model(program)
    model.optimize()
    assert model.getObjVal() == pytest.approx(best)


@pytest.mark.parametrize("wrong", [{"fewest": 1}, {"most": 2}, {"extra": 2.0}])
def test_impossible_parameters(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        max_satisfiability("p", Source(0), **({"fewest": 3, "most": 4} | wrong))  # type: ignore[arg-type]
