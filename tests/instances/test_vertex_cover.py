import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.instances.vertex_cover import vertex_cover
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, nodes in (("easy", 120), ("medium", 200)):
        (instance,) = instances("vertex_cover", "test", 0, 1, size)
        program = generated_family("vertex_cover").program(instance)
        assert len(program.columns) == program.binaries == nodes
        assert len(program.rows) == pytest.approx(0.15 * nodes * (nodes - 1) / 2, rel=0.15)
        assert 0.0 <= program.objective.min() < program.objective.max() < 1.0


def test_the_best_choice_of_a_small_one() -> None:
    program = vertex_cover("p", Source(3), nodes=9, probability=0.4)
    edges = program.indices.reshape(-1, 2)
    chosen = np.array([[code >> node & 1 for node in range(9)] for code in range(2**9)], bool)
    covers = (chosen[:, edges[:, 0]] | chosen[:, edges[:, 1]]).all(axis=1)
    model = build_model(program)
    model.optimize()
    assert model.getObjVal() == pytest.approx((chosen[covers] @ program.objective).min())


@pytest.mark.parametrize("wrong", [{"nodes": 1}, {"probability": -0.1}])
def test_impossible_parameters(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        vertex_cover("p", Source(0), **({"nodes": 4} | wrong))  # type: ignore[arg-type]
