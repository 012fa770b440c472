"""Networks that others published, natively: the same scores as torch's, on real nodes."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pyscipopt import Model

from kida.network.checkpoint import import_checkpoint
from kida.network.gnn import Graphs, Network
from kida.network.policy import Policy
from kida.observation import INCUMBENT_FEATURES, Observation
from kida.solver.branching import attach, attach_callable

pytestmark = pytest.mark.slow

NAMES = ("combinatorial_auction", "facility_location_35x35", "independent_set", "set_cover")
INSTANCES = Path(__file__).parents[2] / "instances"


@pytest.fixture(params=NAMES)
def published(request, shared_data: Path) -> Policy:
    return import_checkpoint(
        shared_data / "published" / f"rl2branch_il_{request.param}.safetensors"
    )


@cache
def native(policy: Policy) -> Any:
    return policy.native()


def scores(policy: Policy, observation: Observation, candidates: NDArray[Any]) -> NDArray[Any]:
    return native(policy).score(
        observation.row_features,
        observation.variable_features,
        observation.row_starts,
        observation.edge_columns,
        observation.edge_values,
        candidates,
    )


def assert_torchs(policy: Policy, observation: Observation, candidates: NDArray[Any]) -> None:
    network = Network(policy.card.architecture)
    network.load_weights(policy.weights)
    with torch.no_grad():
        expected = network(
            Graphs(
                torch.from_numpy(observation.row_features),
                torch.from_numpy(observation.variable_features),
                torch.from_numpy(observation.edge_indices),
                torch.from_numpy(observation.edge_values[:, None]),
                torch.from_numpy(candidates).long(),
            )
        ).numpy()
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(
        scores(policy, observation, candidates), expected, rtol=1e-4, atol=1e-4
    )


def golden(shared_data: Path) -> list[tuple[Observation, NDArray[Any]]]:
    found = []
    for path in sorted((shared_data / "golden").glob("*.node*.npz")):
        with np.load(path) as arrays:
            rows, columns = arrays["edge_indices"].astype(int)
            order = np.argsort(rows, kind="stable")
            row_features = arrays["row_features"].astype(np.float32)
            starts = np.searchsorted(rows[order], np.arange(len(row_features) + 1))
            observation = Observation(
                row_features,
                arrays["column_features"].astype(np.float32),
                starts.astype(np.int32),
                columns[order].astype(np.int32),
                arrays["edge_values"][order].astype(np.float32),
            )
            found.append((observation, arrays["action_set"].astype(np.int32)))
    return found


def test_scores_of_golden_observations_are_torchs(published: Policy, shared_data: Path) -> None:
    """Some of Ecole's golden nodes have no incumbent: what is NaN there is read as 0."""
    absent = []
    for observation, candidates in golden(shared_data):
        absent.append(np.isnan(observation.variable_features[:, INCUMBENT_FEATURES]).all())
        assert_torchs(published, observation, candidates)
    assert {*absent} == {True, False}


def live(function: Any, nodes: int = 6) -> Model:
    model = Model()
    model.hideOutput()
    model.setParam("limits/nodes", nodes)
    model.setParam("presolving/maxrestarts", 0)
    model.setParam("separating/maxrounds", 0)
    model.readProblem(INSTANCES / "combinatorial_auction_easy_valid_0.mps.gz")
    function(model)
    model.optimize()
    return model


def test_scores_of_live_nodes_are_torchs_and_the_incumbent_is_read(published: Policy) -> None:
    seen: list[tuple[Observation, NDArray[Any]]] = []

    def first(observation: Observation, candidates: NDArray[Any]) -> int:
        seen.append((observation, candidates))
        return 0

    live(lambda model: attach_callable(model, first)).free()
    assert len(seen) >= 3
    for observation, candidates in seen:
        assert np.isfinite(observation.variable_features).all()  # heuristics have found a solution
        assert_torchs(published, observation, candidates)
        features = observation.variable_features.copy()
        features[:, INCUMBENT_FEATURES] = np.nan
        without = Observation(**{**vars(observation), "variable_features": features})
        assert not np.allclose(
            scores(published, without, candidates), scores(published, observation, candidates)
        )


def test_the_native_rule_branches_as_the_network_scores(published: Policy) -> None:
    def argmax(observation: Observation, candidates: NDArray[Any]) -> int:
        return int(np.argmax(scores(published, observation, candidates)))

    ours = live(lambda model: attach(model, published), nodes=30)
    python = live(lambda model: attach_callable(model, argmax), nodes=30)
    assert ours.getNTotalNodes() == python.getNTotalNodes() > 10
    assert ours.getNLPIterations() == python.getNLPIterations()
    ours.free()
    python.free()
