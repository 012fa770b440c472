import numpy as np
import pytest

from kida.lab.evolution import Evolution, fitness_of


@pytest.mark.parametrize("dimension", [10, 150])
def test_the_evolution_climbs_a_hill(dimension):
    evolution = Evolution(dimension, population=16, sigma=0.3, learning_rate=1.0, seed=0)
    peak = np.full(dimension, 0.5)

    def height(point):
        return -float(np.sum((point - peak) ** 2))

    for _ in range(200):
        points = evolution.ask()
        np.testing.assert_allclose(points[0] + points[8], 2 * evolution.mean, atol=1e-12)
        evolution.tell(points, np.array([height(point) for point in points]))
    assert height(evolution.mean) > 0.05 * height(np.zeros(dimension))


def test_noise_alone_keeps_the_step_size_and_no_difference_keeps_everything():
    evolution = Evolution(50, population=8, sigma=0.1, learning_rate=0.5, seed=0)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    generator = np.random.default_rng(1)
    for _ in range(100):
        evolution.tell(evolution.ask(), generator.standard_normal(8))
    # Selecting both of a pair would have shrunk it to 0.03.
    assert 0.04 < evolution.sigma < 0.2
    mean, sigma = evolution.mean, evolution.sigma
    evolution.tell(evolution.ask(), np.full(8, 3.0))
    np.testing.assert_array_equal(evolution.mean, mean)
    assert evolution.sigma == sigma
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_fitness_is_in_units_of_each_instances_gain():
    # The second instance's gains are a thousand times the first one's, and count the same.
    rewards = np.array([[1.1, 1000.0], [1.3, 0.0]])
    roots = np.array([[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(fitness_of(rewards, roots, "gain"), [1.25, 0.75])
    np.testing.assert_allclose(fitness_of(rewards, roots, "rank"), [0.75, 0.75])


@pytest.mark.parametrize("kind", ["gain", "rank"])
def test_failures_are_the_worst_and_rounding_counts_nothing(kind):
    nan = np.nan
    rewards = np.array([[1.0, nan, 5.0], [3.0, nan, 5.0 + 1e-10], [nan, nan, 5.0]])
    fitness = fitness_of(rewards, np.array([[0.0, nan, 5.0 - 1e-9]] * 3), kind)
    assert fitness[0] == fitness[2] < fitness[1]
    with pytest.raises(ValueError, match="every solve failed"):
        fitness_of(np.full((2, 2), nan), np.zeros((2, 2)), kind)
