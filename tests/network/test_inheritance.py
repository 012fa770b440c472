import numpy as np
import pytest

from kida.network.architecture import Architecture, shapes
from kida.network.inheritance import (
    best_parents,
    greedy_soup,
    interpolate,
    uniform_average,
    weighted_average,
)


@pytest.fixture
def parents():
    generator = np.random.default_rng(0)
    return [
        {
            name: generator.standard_normal(shape).astype(np.float32)
            for name, shape in shapes(Architecture(8)).items()
        }
        for _ in range(3)
    ]


def test_uniform_average_takes_every_array_prenorms_included(parents):
    merged = uniform_average(parents)
    assert merged.keys() == parents[0].keys()
    for name, array in merged.items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(
            array, (parents[0][name] + parents[1][name] + parents[2][name]) / 3, atol=1e-6
        )


def test_averaging_a_network_with_itself_changes_nothing(parents):
    for name, array in uniform_average([parents[0]] * 3).items():
        np.testing.assert_array_equal(array, parents[0][name])


def test_other_averages(parents):
    name = "output_module.0.weight"
    first, second, third = (parent[name] for parent in parents)
    np.testing.assert_allclose(
        weighted_average(parents, [1, 0, 3])[name], 0.25 * first + 0.75 * third, atol=1e-6
    )
    np.testing.assert_array_equal(interpolate(parents[0], parents[1], 0)[name], first)
    np.testing.assert_array_equal(interpolate(parents[0], parents[1], 1)[name], second)


@pytest.mark.parametrize("shares", [[1, 1], [0, 0, 0], [1, -1, 1], [1, np.nan, 1]])
def test_impossible_shares_are_refused(parents, shares):
    with pytest.raises(ValueError, match="share"):
        weighted_average(parents, shares)


def test_parents_of_different_shapes_are_refused(parents):
    other = dict(parents[0]) | {"output_module.0.bias": np.zeros(16, np.float32)}
    with pytest.raises(ValueError, match="architecture"):
        uniform_average([parents[0], other])


def test_best_parents():
    assert best_parents([1.0, 3.0, 2.0, 3.0], 3) == [3, 1, 2]


def test_greedy_soup_takes_a_parent_only_if_the_reward_rises(parents):
    # The reward is highest at the average of parents 0 and 2, and 1 only leads away from it.
    target = uniform_average([parents[0], parents[2]])

    def reward(weights):
        return -sum(float(np.square(weights[name] - target[name]).sum()) for name in target)

    soup = greedy_soup(parents, [reward(parent) for parent in parents], reward)
    assert set(soup.members) == {0, 2}
    assert soup.reward == pytest.approx(0, abs=1e-6)


def test_greedy_soup_keeps_the_best_parent_alone_when_averages_are_worse(parents):
    soup = greedy_soup(parents, [1.0, 5.0, 2.0], lambda weights: 0.0)
    assert soup.members == (1,)
    assert soup.reward == 5.0
    assert soup.weights is parents[1]
