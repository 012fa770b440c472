"""The network's shape: the arrays that follow from it, and the sizes there are."""

import numpy as np
import pytest

from kida.errors import UserError
from kida.network.architecture import Architecture, check_weights, shapes


def test_default_network_has_the_published_number_of_parameters():
    statistics = ("shift", "scale")
    parameters = sum(
        int(np.prod(shape))
        for name, shape in shapes(Architecture(64)).items()
        if not name.endswith(statistics)
    )
    assert parameters == 63872


def test_shapes_are_those_of_the_torch_network():
    from kida.network.gnn import Network

    for architecture in (
        Architecture(8),
        Architecture(64),
        Architecture(8, candidate_features=True),
    ):
        state = Network(architecture).state_dict()
        assert {name: tuple(tensor.shape) for name, tensor in state.items()} == shapes(architecture)


@pytest.mark.parametrize("size", [0, -8, 12, 136, 64.0, True])
def test_embedding_sizes_that_the_native_core_lacks_are_refused(size):
    with pytest.raises(UserError, match="multiple of 8"):
        Architecture(size)


def test_weights_that_are_not_this_network_are_refused():
    shape = Architecture(16)
    weights = {name: np.zeros(size, np.float32) for name, size in shapes(shape).items()}
    check_weights(weights, shape)
    name = "conv_v_to_c.output_module.0.bias"
    with pytest.raises(UserError, match="not finite"):
        check_weights({**weights, name: np.full(16, np.nan, np.float32)}, shape)
    with pytest.raises(UserError, match="float64"):
        check_weights({**weights, name: weights[name].astype(np.float64)}, shape)
    with pytest.raises(UserError, match="does not know"):
        check_weights({**weights, "more": weights[name]}, shape)
    with pytest.raises(UserError, match="lack"):
        check_weights({key: array for key, array in weights.items() if key != name}, shape)
    with pytest.raises(UserError, match="do not belong together"):
        check_weights(weights, Architecture(24))
