import numpy as np
import pytest
from msgspec.structs import replace

from kida.errors import UserError
from kida.instances.registry import instances
from kida.learning.collect import Episode, play
from kida.learning.config import CollectionConfig
from kida.learning.records import record_of
from kida.learning.samples import Shard
from kida.network.architecture import Architecture
from kida.network.card import Card
from kida.network.gnn import Network
from kida.network.policy import Policy


def test_an_episode_ends_with_its_last_sample(played):
    path, record = played
    assert record == record_of(path)
    assert record.samples == len(Shard(path)) == 24
    assert record.status == "userinterrupt"
    assert record.decisions >= 24
    assert record.expert_decisions == 24
    assert 0 < record.root_seconds < record.seconds
    assert 0 < record.expert_seconds < record.seconds
    # The dual bound only rises, from the root's known one.
    assert 0.36438 <= record.reward <= record.dual_bound + 1e-9


def test_samples_are_sound(samples):
    for sample in samples:
        assert sample.scores[sample.chosen] == np.nanmax(sample.scores)
        assert sample.taken == sample.chosen
        assert sample.dual_bound <= sample.lp_objective + 1e-6
        assert (sample.down_gains >= 0).all()
        assert (sample.up_gains >= 0).all()
        assert len(set(sample.candidates.tolist())) == len(sample.candidates)
        values = sample.observation.variable_features[sample.candidates, 9]
        assert ((values > 0) & (values < 1)).all()
    assert samples[0].depth == 0 or samples[0].node_number > 1


def test_a_finished_episode_is_not_played_again(played):
    path, record = played
    before = path.stat().st_mtime_ns
    instance = instances("item_placement", "train", 0, 1)[0]
    options = CollectionConfig()
    assert play(Episode(instance, 0, "random", None, options, 1.0, path)) == record
    assert path.stat().st_mtime_ns == before


def test_episodes_repeat_by_their_seed(played, tmp_path):
    path, _ = played
    instance = instances("item_placement", "train", 0, 1)[0]
    options = CollectionConfig(expert_candidates=0, max_samples=4, record_probability=(0.5,))
    for seed in (0, 1):
        play(
            Episode(instance, seed, "random", None, options, 1.0, tmp_path / f"{seed}.safetensors")
        )
    first, again, other = (
        Shard(file) for file in (path, tmp_path / "0.safetensors", tmp_path / "1.safetensors")
    )
    numbers = [[shard.sample(k).node_number for k in range(4)] for shard in (first, again, other)]
    assert numbers[0] == numbers[1] != numbers[2]
    np.testing.assert_array_equal(first.scores(3), again.scores(3))


def test_a_network_acts_and_the_expert_records_all_unfixed(tmp_path):
    architecture = Architecture(8)
    network = Network(architecture)
    folder = tmp_path / "policy"
    Policy(network.weights(), Card(architecture, candidates="unfixed")).save(folder)
    instance = instances("item_placement", "train", 1, 1)[0]
    options = CollectionConfig(
        expert_candidates=0,
        candidates="unfixed",
        max_samples=1,
        record_probability=(0.0, 0.0, 1.0),
    )
    path = tmp_path / "a.safetensors"
    record = play(Episode(instance, 0, "network", str(folder), options, 1.0, path))
    assert record.samples == 1
    assert record.decisions > record.expert_decisions == 1
    sample = Shard(path).sample(0)
    assert len(sample.candidates) > 500
    assert path.stat().st_size < 120_000
    # A child that keeps the LP solution gains nothing, so an integral variable is never best.
    assert sample.observation.variable_features[sample.candidates[sample.chosen], 9] > 0

    with pytest.raises(UserError, match="set collection"):
        play(
            Episode(
                instance,
                0,
                "network",
                str(folder),
                replace(options, candidates="fractional"),
                1.0,
                tmp_path / "b.safetensors",
            )
        )


def test_the_expert_may_look_at_promising_candidates_only(tmp_path):
    instance = instances("item_placement", "train", 3, 1)[0]
    options = CollectionConfig(
        max_samples=3, record_probability=(1.0,), expert_candidates=5, act_on_expert=False
    )
    path = tmp_path / "a.safetensors"
    play(Episode(instance, 0, "random", None, options, 1.0, path))
    shard = Shard(path)
    for index in range(3):
        sample = shard.sample(index)
        assert np.isfinite(sample.scores).sum() == 5 < len(sample.candidates)
        assert np.isfinite(sample.scores[sample.chosen])
        assert 0 <= sample.taken < len(sample.candidates)


def test_an_expert_too_slow_for_the_limit_records_nothing(tmp_path):
    instance = instances("item_placement", "train", 4, 1)[0]
    # The root alone takes strong branching more than ten times as long.
    options = CollectionConfig(record_probability=(1.0,), time_limit=0.005)
    record = play(Episode(instance, 0, "expert", None, options, 1.0, tmp_path / "a.safetensors"))
    assert (record.samples, record.status) == (0, "timelimit")
    assert record.nodes >= 1
    assert len(Shard(tmp_path / "a.safetensors")) == 0
