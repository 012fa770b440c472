import numpy as np
import pytest

from kida.lab.space import space
from kida.network.architecture import Architecture, shapes
from kida.network.card import Card
from kida.network.policy import Policy

GENERATOR = np.random.default_rng(0)
START = {
    name: GENERATOR.standard_normal(shape).astype(np.float32)
    for name, shape in shapes(Architecture(8)).items()
}
PARAMETERS = [name for name in START if name.endswith((".weight", ".bias"))]
READOUT = [f"output_module.{name}" for name in ("0.weight", "0.bias", "2.weight")]


@pytest.mark.parametrize(
    ("parameters", "dimension", "changed"),
    [
        ("all", sum(START[name].size for name in PARAMETERS), set(PARAMETERS)),
        ("subspace", 5, set(PARAMETERS)),
        ("readout", 8 * 8 + 8 + 8, set(READOUT)),
        ("neurons", 17 * 8, set(PARAMETERS) - {"output_module.2.weight"}),
    ],
)
def test_the_origin_is_the_start_and_a_step_is_relative(parameters, dimension, changed):
    found = space(START, parameters, 5, seed=1)
    assert found.dimension == dimension
    origin = found.weights(np.zeros(dimension))
    assert list(origin) == list(START)
    for name, array in START.items():
        np.testing.assert_array_equal(origin[name], array)
    step = 0.1 * np.random.default_rng(2).standard_normal(dimension)
    moved = Policy(found.weights(step), Card(Architecture(8))).weights
    again = space(START, parameters, 5, seed=1).weights(step)
    assert {name for name in START if (moved[name] != START[name]).any()} == changed
    for name in changed:
        np.testing.assert_array_equal(moved[name], again[name])
    joined, before = (
        np.concatenate([weights[name].ravel() for name in changed]) for weights in (moved, START)
    )
    change = np.sqrt(np.mean((joined - before) ** 2) / np.mean(before**2))
    assert change == pytest.approx(0.1, rel=0.6)


def test_a_zero_bias_moves_with_its_layer():
    start = {**START, "output_module.0.bias": np.zeros(8, np.float32)}
    found = space(start, "readout", 2, seed=0)
    moved = found.weights(np.ones(found.dimension))["output_module.0.bias"]
    assert 0.5 < moved[0] < 1.5


def test_subspaces_follow_from_the_seed():
    first, second = (space(START, "subspace", 3, seed).weights(np.ones(3)) for seed in (1, 2))
    assert (first["output_module.0.weight"] != second["output_module.0.weight"]).any()
