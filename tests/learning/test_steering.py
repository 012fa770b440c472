"""Training a steering model: what it learns from, and that it learns it."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pyscipopt import Model

from kida import _core
from kida.errors import UserError
from kida.learning.config import read_config
from kida.learning.dagger import train
from kida.learning.events import Kept
from kida.learning.run import status
from kida.learning.steering import TRAINED_ON, features_of, fit, rankings_of
from kida.network.steering import FEATURES, Steering, load_policy
from kida.observation import CandidateFeature, Observation, VariableFeature
from kida.sample import Sample
from kida.solver.branching import attach_callable, capsule, observe_candidates

INSTANCES = Path(__file__).parents[2] / "instances"


def sample(generator: np.random.Generator, count: int = 30) -> Sample:
    """The best candidates are those of a high conflict score that are close to a half."""
    variables = np.zeros((count, len(VariableFeature)), np.float32)
    variables[:, VariableFeature.SOLUTION_FRAC] = generator.uniform(0.05, 0.95, count)
    variables[:, VariableFeature.OBJECTIVE] = generator.normal(size=count)
    features = generator.random((count, len(CandidateFeature)), np.float32)
    fraction = variables[:, VariableFeature.SOLUTION_FRAC]
    scores = features[:, CandidateFeature.CONFLICT_SCORE] + 2 * np.minimum(fraction, 1 - fraction)
    empty = Observation(
        np.zeros((0, 5), np.float32),
        variables,
        np.zeros(1, np.int32),
        np.zeros(0, np.int32),
        np.zeros(0, np.float32),
    )
    return Sample(
        observation=empty,
        candidates=np.arange(count, dtype=np.int32),
        candidate_features=features,
        down_gains=scores.astype(float),
        up_gains=scores.astype(float),
        scores=scores.astype(float),
        depth=1,
        node_number=1,
        lp_objective=0.0,
        dual_bound=0.0,
        chosen=int(scores.argmax()),
        taken=int(scores.argmax()),
    )


def test_what_samples_tell_is_what_the_rule_observes() -> None:
    seen = []

    def first(observation: Observation, candidates: NDArray[np.int32]) -> int:
        known = observe_candidates(model, candidates)
        zeros = np.zeros(len(candidates))
        recorded = Sample(observation, candidates, known, zeros, zeros, zeros, 0, 1, 0.0, 0.0, 0, 0)
        native = _core.observe_steering(capsule(model), candidates)
        columns = [FEATURES.index(name) for name in TRAINED_ON]
        np.testing.assert_allclose(features_of(recorded), native[:, columns], atol=1e-6)
        seen.append(len(candidates))
        return 0

    model = Model()
    model.hideOutput()
    model.setParam("limits/nodes", 8)
    model.setParam("presolving/maxrestarts", 0)
    model.readProblem(INSTANCES / "fixed_charge_network_easy_valid_0.mps.gz")
    attach_callable(model, first)
    model.optimize()
    model.free()
    assert max(seen) > 3


def test_a_model_learns_what_the_samples_hold(tmp_path) -> None:
    generator = np.random.default_rng(0)
    samples = [sample(generator) for _ in range(240)]
    rankings = rankings_of(samples)
    found = fit(rankings[:200], rankings[200:], epochs=30)
    assert found.kept[4] > 0.9
    assert found.by_pseudocosts[4] < 0.5  # 4 of 30 at random
    assert found.kept[4] <= found.kept[8] <= found.kept[16]
    found.policy.save(tmp_path)
    assert load_policy(tmp_path).identity() == found.policy.identity()
    # The native model orders as the trained one does.
    one = samples[-1]
    features = np.zeros((len(one.candidates), len(FEATURES)), np.float32)
    features[:, [FEATURES.index(name) for name in TRAINED_ON]] = features_of(one)
    best = np.argsort(-found.policy.native().score(features))[:4]
    assert one.chosen in best
    again = fit(rankings[:200], rankings[200:], epochs=30)
    assert again.policy.identity() == found.policy.identity()


def test_samples_that_tell_nothing_are_refused() -> None:
    generator = np.random.default_rng(0)
    good, flat = [sample(generator)], [sample(generator)]
    flat[0].scores[:] = 1.0
    with pytest.raises(UserError, match="no validation sample tells its candidates apart"):
        fit(rankings_of(good), rankings_of(flat))


@pytest.mark.slow
def test_a_run_of_this_kind_ends_with_such_a_policy(tmp_path) -> None:
    settings = (
        "kind=relpscost",
        "generations=1",
        "collection.episodes=2",
        "collection.validation_episodes=1",
        "collection.samples_per_episode=8",
        "collection.probability_by_depth=[1]",
        "collection.thinning=[1]",
    )
    config = read_config("fixed_charge_network", None, settings)
    events: list[dict] = []
    folder = train(tmp_path / "run", config, listener=events.append)
    policy = load_policy(folder)
    assert isinstance(policy, Steering)
    assert policy.card.features == TRAINED_ON
    assert policy.card.recipe["config"]["kind"] == "relpscost"
    assert [entry["finished"] for entry in status(tmp_path / "run")] == [True]
    (kept,) = (event for event in events if isinstance(event, Kept))
    assert all(0 <= share <= 1 for share in kept.by_model.values())
    assert train(tmp_path / "run", config) == folder  # nothing is left to do
