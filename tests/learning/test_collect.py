import numpy as np
import pytest
from msgspec.structs import replace

from kida.errors import UserError
from kida.instances.registry import instances
from kida.jobs.job import Stage
from kida.jobs.run import run_alone
from kida.learning.config import CollectionConfig
from kida.learning.samples import Shard
from kida.network.architecture import Architecture
from kida.network.card import Card
from kida.network.gnn import Network
from kida.network.policy import Policy


def test_an_episode_ends_with_its_last_sample(played):
    path, record = played
    assert (record.instance, record.split, record.index) == ("item_placement_0", "train", 0)
    assert (record.seed, record.acting) == (0, "random")
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


@pytest.mark.slow
def test_episodes_repeat_by_their_seed(played, make_episode, tmp_path):
    path, _ = played
    options = CollectionConfig(
        expert_candidates=0, samples_per_episode=4, probability_by_depth=(0.5,)
    )
    for seed in (0, 1):
        shard = tmp_path / f"{seed}.safetensors"
        make_episode(0, shard, options, seed=seed).run(Stage())
    first, again, other = (
        Shard(file) for file in (path, tmp_path / "0.safetensors", tmp_path / "1.safetensors")
    )
    numbers = [[shard.sample(k).node_number for k in range(4)] for shard in (first, again, other)]
    assert numbers[0] == numbers[1] != numbers[2]
    np.testing.assert_array_equal(first.scores(3), again.scores(3))


@pytest.mark.slow
def test_a_network_acts_and_the_expert_records_all_unfixed(make_episode, tmp_path):
    architecture = Architecture(8)
    network = Network(architecture)
    folder = tmp_path / "policy"
    Policy(network.weights(), Card(architecture, candidates="unfixed")).save(folder)
    options = CollectionConfig(
        expert_candidates=0,
        candidates="unfixed",
        samples_per_episode=1,
        probability_by_depth=(0.0, 0.0, 1.0),
    )
    path = tmp_path / "a.safetensors"
    episode = make_episode(1, path, options, acting="network", policy=str(folder))
    record = episode.run(Stage())
    assert record.acting == "network"
    assert record.samples == 1
    assert record.decisions > record.expert_decisions == 1
    sample = Shard(path).sample(0)
    assert len(sample.candidates) > 500
    assert path.stat().st_size < 120_000
    # A child that keeps the LP solution gains nothing, so an integral variable is never best.
    assert sample.observation.variable_features[sample.candidates[sample.chosen], 9] > 0

    fractional = replace(options, candidates="fractional")
    with pytest.raises(UserError, match="set collection"):
        replace(episode, options=fractional).run(Stage())


def test_the_expert_may_look_at_promising_candidates_only(make_episode, tmp_path):
    options = CollectionConfig(
        samples_per_episode=3, probability_by_depth=(1.0,), expert_candidates=5, act_on_expert=False
    )
    path = tmp_path / "a.safetensors"
    make_episode(3, path, options).run(Stage())
    shard = Shard(path)
    for index in range(3):
        sample = shard.sample(index)
        assert np.isfinite(sample.scores).sum() == 5 < len(sample.candidates)
        assert np.isfinite(sample.scores[sample.chosen])
        assert 0 <= sample.taken < len(sample.candidates)


def test_an_expert_too_slow_for_the_limit_records_nothing(make_episode, tmp_path):
    # The root alone takes strong branching more than ten times as long.
    options = CollectionConfig(probability_by_depth=(1.0,), time_limit=0.005)
    record = make_episode(4, tmp_path / "a.safetensors", options, acting="expert").run(Stage())
    assert (record.samples, record.status) == (0, "timelimit")
    assert record.nodes >= 1
    assert len(Shard(tmp_path / "a.safetensors")) == 0


def test_an_instance_that_cannot_be_read_leaves_neither_shard_nor_record(make_episode, tmp_path):
    (tmp_path / "torn.mps").write_text("ROWS\n x")
    (instance,) = instances(str(tmp_path), "train")
    episode = make_episode(0, tmp_path / "a.safetensors", CollectionConfig(), instance=instance)
    failure = run_alone(episode)
    assert failure.by_user
    assert "torn.mps" in failure.error
    assert [path.name for path in tmp_path.iterdir()] == ["torn.mps"]
