import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.p_median import p_median
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, points, centres in (("easy", 30, 5), ("medium", 50, 7)):
        (instance,) = instances("p_median", "test", 0, 1, size)
        program = generated_family("p_median").program(instance)
        assert len(program.columns) == program.binaries == points * (points + 1)
        assert len(program.rows) == 2 * points + 1 + points**2
        distance = program.objective[points:].reshape(points, points)
        np.testing.assert_allclose(distance, distance.T)
        assert distance.max() <= 100 * np.sqrt(2)
        assert program.left[2 * points] == program.right[2 * points] == centres


def test_the_best_centres_of_a_small_one() -> None:
    program = p_median("p", Source(11), points=5, centres=2)
    rows = [slice(program.starts[5 + j], program.starts[6 + j]) for j in range(5)]
    demand = program.values[rows[0]][1:]
    capacity = np.array([-program.values[row][0] for row in rows])
    distance = program.objective[5:].reshape(5, 5)
    best = np.inf
    for first in range(5):
        for second in range(first):
            for code in range(2**5):
                to_first = np.array([code >> i & 1 for i in range(5)], bool)
                loads = [demand[to_first].sum(), demand[~to_first].sum()]
                if (loads <= capacity[[first, second]]).all():
                    served = np.where(to_first, distance[:, first], distance[:, second])
                    best = min(best, served.sum())
    model = build_model(program)
    model.optimize()
    assert np.isfinite(best)
    assert model.getObjVal() == pytest.approx(best)


@pytest.mark.parametrize("wrong", [{"centres": 0}, {"points": 1}])
def test_impossible_parameters(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        p_median("p", Source(0), **({"points": 4, "centres": 2} | wrong))
