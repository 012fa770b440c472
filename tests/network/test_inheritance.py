import numpy as np
import pytest
import torch

from kida.network.architecture import Architecture, shapes
from kida.network.gnn import Graphs, Network
from kida.network.inheritance import (
    best_parents,
    combine,
    greedy_soup,
    interpolate,
    logit_average,
    regression_mean,
    uniform_average,
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


def test_other_combinations(parents):
    name = "output_module.0.weight"
    first, second, third = (parent[name] for parent in parents)
    np.testing.assert_allclose(
        combine(parents, [1.5, 0, -0.5])[name], 1.5 * first - 0.5 * third, atol=1e-6
    )
    np.testing.assert_array_equal(interpolate(parents[0], parents[1], 0)[name], first)
    np.testing.assert_array_equal(interpolate(parents[0], parents[1], 1)[name], second)


def test_layers_may_be_of_different_parents(parents):
    found = combine(parents, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0.5, 0]])
    for start, parent in (("var_emb", 0), ("edge", 0), ("conv_v_to_c", 1), ("conv_c_to_v", 2)):
        for name in (name for name in found if name.startswith(start)):
            np.testing.assert_array_equal(found[name], parents[parent][name])
    last = "output_module.2.weight"
    np.testing.assert_allclose(found[last], (parents[0][last] + parents[1][last]) / 2, atol=1e-6)


@pytest.mark.parametrize(
    "coefficients", [[0.5, 0.5], [0, 0, 0], [1, -1, 1.5], [1, np.nan, 1], [[1, 0, 0]] * 3, 1.0]
)
def test_impossible_coefficients_are_refused(parents, coefficients):
    with pytest.raises(ValueError, match=r"coefficients|broadcast"):
        combine(parents, coefficients)


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


def positive(weights):
    """Return weights whose prenorm scales are positive, as those of a fitted network are."""
    return {
        name: np.abs(array) + 0.1 if name.endswith(".scale") else array
        for name, array in weights.items()
    }


@pytest.mark.parametrize("size", [8, 16])
@pytest.mark.parametrize("candidate_features", [False, True])
def test_the_wide_network_scores_as_its_parents_do_in_the_mean(size, candidate_features):
    generator = np.random.default_rng(size)
    architecture = Architecture(size, candidate_features)
    parents = [
        positive(
            {
                name: generator.standard_normal(shape).astype(np.float32) / 2
                for name, shape in shapes(architecture).items()
            }
        )
        for _ in range(3)
    ]
    rows, variables, edges = 6, 9, 20

    def random(*shape):
        return torch.from_numpy(generator.standard_normal(shape).astype(np.float32))

    graphs = Graphs(
        random(rows, 5),
        random(variables, 19),
        torch.from_numpy(
            np.stack([generator.integers(0, n, edges) for n in (rows, variables)]).astype(np.int64)
        ),
        random(edges, 1),
        torch.arange(2, 7),
        random(5, 9),
    )

    def scores(weights, shape):
        network = Network(shape)
        network.load_weights(weights)
        with torch.no_grad():
            return network(graphs).numpy()

    each = np.array([scores(parent, architecture) for parent in parents])
    wide = Architecture(3 * size, candidate_features)
    merged = scores(logit_average(parents), wide)
    np.testing.assert_allclose(merged, each.mean(axis=0), rtol=1e-4, atol=1e-4)
    weighted = scores(logit_average(parents, [1, 0, 0.5]), wide)
    np.testing.assert_allclose(weighted, (each[0] + each[2] / 2) / 3, rtol=1e-4, atol=1e-4)


def test_the_regression_mean_keeps_what_each_parent_does_on_its_own_inputs(parents):
    name = "output_module.0.weight"
    # The first parent's layer has only read its first half, the second's the second.
    halves = [np.diag([1.0] * 4 + [0.0] * 4), np.diag([0.0] * 4 + [1.0] * 4)]
    merged = regression_mean(parents[:2], [{name: half} for half in halves])
    np.testing.assert_allclose(merged[name][:, :4], parents[0][name][:, :4], atol=1e-4)
    np.testing.assert_allclose(merged[name][:, 4:], parents[1][name][:, 4:], atol=1e-4)
    other = "output_module.2.weight"
    np.testing.assert_allclose(
        merged[other], (parents[0][other] + parents[1][other]) / 2, atol=1e-6
    )


def test_the_regression_mean_of_equals_is_what_they_are(parents):
    name = "conv_v_to_c.output_module.2.weight"
    inputs = np.random.default_rng(1).standard_normal((50, 8))
    merged = regression_mean([parents[0]] * 2, [{name: inputs.T @ inputs}] * 2)
    np.testing.assert_allclose(merged[name], parents[0][name], atol=1e-5)
