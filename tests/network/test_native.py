"""The native forward pass against its definition in torch, on recorded real nodes."""

import platform
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pyscipopt import SCIP_PARAMSETTING, Model

from kida import _core
from kida.instances.registry import instances
from kida.network.architecture import Architecture
from kida.network.card import Card
from kida.network.gnn import Graphs, Network
from kida.network.policy import Policy
from kida.observation import Observation
from kida.solver.branching import attach_callable, observe_candidates
from kida.solver.problem import open_model

Node = tuple[Observation, NDArray[np.int32], NDArray[np.float32]]


def record(model: Model, count: int) -> list[Node]:
    nodes: list[Node] = []

    def branch(observation: Observation, candidates: NDArray[np.int32]) -> int:
        nodes.append((observation, candidates, observe_candidates(model, candidates)))
        return len(candidates) // 2

    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", count)
    model.setParam("separating/maxroundsroot", 0)  # cuts take most of the time and teach nothing
    attach_callable(model, branch, candidates="unfixed")
    model.optimize()
    model.free()
    return nodes


@pytest.fixture(scope="module")
def nodes() -> list[Node]:
    """Nodes of an official item-placement instance and of a set-cover instance."""
    torch.set_num_threads(1)
    recorded = []
    for family, count in (("item_placement", 5), ("set_cover", 2)):
        (instance,) = instances(family, split="valid", start=4, count=1)
        recorded += record(open_model(instance), count)
    assert len(recorded) >= 6
    return recorded


def graphs(node: Node) -> Graphs:
    observation, candidates, features = node
    return Graphs(
        torch.from_numpy(observation.row_features),
        torch.from_numpy(observation.variable_features),
        torch.from_numpy(observation.edge_indices),
        torch.from_numpy(observation.edge_values[:, None]),
        torch.from_numpy(candidates).long(),
        torch.from_numpy(features),
    )


def trained_like(architecture: Architecture, nodes: list[Node]) -> Network:
    """Random weights with prenorm statistics of the data, biases included."""
    torch.manual_seed(architecture.embedding_size)
    network = Network(architecture)
    network.fit_prenorms([graphs(node) for node in (nodes[0], nodes[-1])])
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return network


def native_scores(network: _core.NativeNetwork, node: Node) -> NDArray[np.float32]:
    observation, candidates, features = node
    return network.score(
        observation.row_features,
        observation.variable_features,
        observation.row_starts,
        observation.edge_columns,
        observation.edge_values,
        candidates,
        features,
    )


@pytest.fixture
def instruction_sets() -> Iterator[list[str]]:
    """Those this processor has; the choice is restored afterwards."""
    best = _core.instruction_set()
    everywhere = ["baseline", "avx2", "avx512"]
    yield everywhere[: everywhere.index(best) + 1]
    _core.use_instruction_set(best)


@pytest.mark.parametrize("statistics", [False, True])
@pytest.mark.parametrize("size", [8, 24, 64, 128])
def test_native_scores_are_torchs(
    size: int, statistics: bool, nodes: list[Node], instruction_sets
) -> None:
    architecture = Architecture(size, statistics)
    oracle = trained_like(architecture, nodes)
    native = Policy(oracle.weights(), Card(architecture)).native()
    assert (native.embedding_size, native.candidate_features) == (size, statistics)
    for node in nodes:
        observation, candidates, known = node
        with torch.no_grad():
            expected = oracle(graphs(node)).numpy()
        for instruction_set in instruction_sets:
            _core.use_instruction_set(instruction_set)
            scores = native_scores(native, node)
            np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-4 * np.ptp(expected))
            assert expected[np.argmax(scores)] == expected.max()
        # Any subset gets the same scores as in the whole; of a small one, fewer rows are computed.
        for some in (slice(None, None, 7), slice(2, 3)):
            np.testing.assert_allclose(
                native_scores(native, (observation, candidates[some], known[some])),
                scores[some],
                rtol=1e-5,
                atol=1e-5,
            )


def test_candidate_features_change_the_scores_and_may_not_be_missing(nodes: list[Node]) -> None:
    architecture = Architecture(16, candidate_features=True)
    oracle = trained_like(architecture, nodes)
    native = _core.NativeNetwork(oracle.weights(), 16, True)
    observation, candidates, features = nodes[0]
    without = native_scores(native, (observation, candidates, np.zeros_like(features)))
    assert not np.allclose(native_scores(native, nodes[0]), without)
    for wrong in (None, features[:-1], features[:, :-1].copy()):
        with pytest.raises(ValueError, match=r"features, of shape \(candidates, 9\)"):
            native_scores(native, (observation, candidates, wrong))


def weights(size: int = 16) -> dict[str, NDArray[np.float32]]:
    return Network(Architecture(embedding_size=size)).weights()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("output_module.0.bias"), "'output_module.0.bias' is missing"),
        (lambda w: w.update(extra=np.ones(3, np.float32)), "unexpected parameter 'extra'"),
        (
            lambda w: w.update({"var_embedding.1.weight": np.ones((16, 5), np.float32)}),
            r"'var_embedding.1.weight' has shape \(16, 5, \), expected \(16, 17, \)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named(change, message: str) -> None:
    changed = weights()
    change(changed)
    with pytest.raises(ValueError, match=message):
        _core.NativeNetwork(changed, 16)


@pytest.mark.parametrize("size", [0, 12, 136])
def test_unsupported_embedding_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 8 up to 128"):
        _core.NativeNetwork(weights(), size)


def test_the_processors_instruction_sets_are_all_compiled_in() -> None:
    found = dict(_core.instruction_sets())
    x86 = platform.machine() in ("x86_64", "AMD64")
    assert list(found) == (["avx512", "avx2", "baseline"] if x86 else ["baseline"])
    assert found["baseline"]
    cpuinfo = Path("/proc/cpuinfo")
    if x86 and cpuinfo.exists():
        flags = set(cpuinfo.read_text().split())
        assert found["avx2"] == ({"avx2", "fma"} <= flags)
        assert found["avx512"] == ({"avx512f", "avx512vl"} <= flags)


@pytest.mark.parametrize("count", [2, 5])
def test_a_candidate_that_is_there_twice_is_refused(count: int, nodes: list[Node]) -> None:
    observation, candidates, features = nodes[0]
    native = trained_like(Architecture(8), nodes)
    network = Policy(native.weights(), Card(Architecture(8))).native()
    twice = np.concatenate([candidates[: count - 1], candidates[:1]])
    with pytest.raises(ValueError, match="twice"):
        native_scores(network, (observation, twice, features[:count]))


def test_an_unknown_instruction_set_is_refused() -> None:
    with pytest.raises(ValueError, match="no instruction set named sse9"):
        _core.use_instruction_set("sse9")


@pytest.mark.parametrize(
    ("position", "value", "message"),
    [
        (0, np.zeros((3, 4), np.float32), "row_features"),
        (1, np.zeros((3, 17), np.float32), "variable_features"),
        (2, np.array([0, 2], np.int32), "row_starts"),
        (2, np.array([0, 9, 1, 2], np.int32), "row_starts"),
        (3, np.array([0, 3], np.int32), "an edge leads to a variable"),
        (4, np.ones(5, np.float32), "differ in length"),
        (5, np.array([-1], np.int32), "a candidate is a variable"),
    ],
)
def test_arrays_out_of_range_are_refused(position: int, value, message: str) -> None:
    arrays = [
        np.zeros((3, 5), np.float32),
        np.zeros((3, 19), np.float32),
        np.array([0, 1, 1, 2], np.int32),
        np.array([0, 2], np.int32),
        np.ones(2, np.float32),
        np.array([1], np.int32),
    ]
    network = _core.NativeNetwork(weights(), 16)
    assert network.score(*arrays).shape == (1,)
    arrays[position] = value
    with pytest.raises(ValueError, match=message):
        network.score(*arrays)


def test_scores_that_are_not_finite_are_an_error(nodes: list[Node]) -> None:
    broken = weights()
    broken["output_module.2.weight"][:] = np.inf
    with pytest.raises(RuntimeError, match="not finite"):
        native_scores(_core.NativeNetwork(broken, 16), nodes[0])
