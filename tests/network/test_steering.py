"""Policies that steer reliability branching: their files, bounds, and what the model computes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from kida.errors import UserError
from kida.network.policy import Policy
from kida.network.steering import (
    FEATURES,
    Steering,
    SteeringCard,
    by_one_feature,
    load_policy,
)
from kida.observation import CandidateFeature


@pytest.fixture
def steering() -> Steering:
    generator = np.random.default_rng(3)
    card = SteeringCard(
        features=("pseudocost_score", "depth", "fractionality"),
        hidden=5,
        shortlists=(2, 6),
        parameters={"branching/relpscost/maxlookahead": 6},
        recipe={"samples": 10},
    )
    weights = {
        "hidden.weight": generator.normal(size=(5, 3)).astype(np.float32),
        "hidden.bias": generator.normal(size=5).astype(np.float32),
        "output.weight": generator.normal(size=(1, 5)).astype(np.float32),
    }
    return Steering(weights, card)


def test_a_saved_policy_loads_unchanged(steering: Steering, tmp_path: Path) -> None:
    steering.save(tmp_path)
    loaded = load_policy(tmp_path)
    assert isinstance(loaded, Steering)
    assert loaded.card == steering.card
    assert loaded.identity() == steering.identity()
    for name, array in steering.weights.items():
        np.testing.assert_array_equal(loaded.weights[name], array)


def test_where_a_network_is_needed_it_is_no_policy(steering: Steering, tmp_path: Path) -> None:
    steering.save(tmp_path)
    with pytest.raises(UserError, match="of the kind 'relpscost', which steers"):
        Policy.load(tmp_path)


def test_a_networks_policy_is_one_still(make_policy, tmp_path: Path) -> None:
    policy = make_policy()
    policy.save(tmp_path)
    loaded = load_policy(tmp_path)
    assert isinstance(loaded, Policy)
    assert loaded.identity() == policy.identity()
    with pytest.raises(UserError, match="neither a folder nor a shipped policy"):
        load_policy(tmp_path / "none")


def test_identities_tell_what_differs(steering: Steering) -> None:
    others = [
        by_one_feature("pseudocost_score"),
        by_one_feature("pseudocost_score", descending=False),
        by_one_feature("noise"),
        by_one_feature("noise", monitor=False),
        by_one_feature("noise", shortlists=(8,)),
    ]
    assert len({policy.identity() for policy in [steering, *others]}) == 6


def test_scores_are_those_of_two_layers(steering: Steering) -> None:
    features = np.random.default_rng(0).random((7, len(FEATURES)), np.float32)
    columns = [FEATURES.index(name) for name in steering.card.features]
    hidden = features[:, columns] @ steering.weights["hidden.weight"].T
    hidden = np.maximum(hidden + steering.weights["hidden.bias"], 0)
    expected = hidden @ steering.weights["output.weight"][0]
    np.testing.assert_allclose(steering.native().score(features), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="shape"):
        steering.native().score(features[:, :-1].copy())


def test_one_feature_orders_by_it() -> None:
    features = np.random.default_rng(1).random((9, len(FEATURES)), np.float32)
    column = features[:, CandidateFeature.CONFLICT_SCORE]
    up, down = (by_one_feature("conflict_score", descending=d).native() for d in (True, False))
    np.testing.assert_array_equal(np.argsort(-up.score(features)), np.argsort(-column))
    np.testing.assert_array_equal(np.argsort(-down.score(features)), np.argsort(column))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "pscost"}, "kind"),
        ({"schema_version": 2}, "schema version 2"),
        ({"schema_version": True}, "schema version True"),
        ({"features": []}, "features"),
        ({"features": ["pseudocost"]}, "no candidate feature 'pseudocost'"),
        ({"features": ["depth", "depth", "noise"]}, "there twice"),
        ({"features": ["depth"]}, "do not belong together|as the card says"),
        ({"hidden": 0}, "hidden is 0"),
        ({"hidden": 4}, "as the card says"),
        ({"shortlists": []}, "shortlists"),
        ({"shortlists": [0, 4]}, "shortlists"),
        ({"shortlists": [8, 4]}, "must rise"),
        ({"monitor": 1}, "monitor is 1"),
        ({"novelty": 1}, "unknown field `novelty`"),
        ({"parameters": {"limits/objective": 1.0}}, "limits/objective"),
    ],
)
def test_a_wrong_card_is_one_sentence(steering, tmp_path, change: dict[str, Any], message) -> None:
    steering.save(tmp_path)
    file = tmp_path / "card.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(UserError, match=message) as refused:
        load_policy(tmp_path)
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("output.weight", np.ones((1, 4), np.float32)),
        ("output.weight", np.full((1, 5), np.nan, np.float32)),
        ("hidden.bias", np.ones(5)),
        ("novel", np.ones(5, np.float32)),
    ],
)
def test_wrong_weights_are_refused(steering: Steering, tmp_path: Path, name, array) -> None:
    steering.save(tmp_path)
    content = safetensors.numpy.save({**steering.weights, name: array})
    (tmp_path / "weights.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"restore the original|do not belong together"):
        load_policy(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(content[:20])
    with pytest.raises(UserError, match="truncated or damaged"):
        load_policy(tmp_path)
