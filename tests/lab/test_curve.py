"""Learning curves: nested samples, a network of every kind on each, and peers beside them."""

import pytest

from kida.errors import UserError
from kida.jobs.run import ONE_AT_A_TIME
from kida.lab.curve import Collection, Kind, curve, markdown, train_all
from kida.lab.yardstick import Yardstick
from kida.learning.config import read_config
from kida.learning.plan import Plan
from kida.learning.run import Run

OPTIONS = (
    "generations=1",
    "collection.episodes=6",
    "collection.validation_episodes=2",
    "collection.samples_per_episode=6",
    "collection.thinning=1",
    "training.epochs=2",
    "training.draws_per_epoch=20",
    "training.prenorm_batches=1",
    'training.device="cpu"',
)


@pytest.mark.slow
def test_more_samples_hold_the_fewer_ones_and_all_is_done_once(tmp_path, knapsack, make_policy):
    config = read_config(str(knapsack), None, OPTIONS)
    events = []
    collection = Collection(Run(tmp_path / "run", config, events.append), Plan(config))
    collection.play(12, ONE_AT_A_TIME)
    few, more = (collection.samples("train", count) for count in (4, 10))
    assert 4 <= len(few) < 10 <= len(more)
    assert [x.path for x in few.shards] == [x.path for x in more.shards][: len(few.shards)]
    with pytest.raises(UserError, match="fewer than 1000: allow more episodes"):
        collection.samples("train", 1000)
    kinds = [Kind(8, "hard"), Kind(16, "soft")]
    networks = train_all(collection, [4, 10], kinds, threads=1)
    assert [policy.card.shape.embedding_size for policy in networks.values()] == [8, 16, 8, 16]
    yardstick = Yardstick("competition", None, tmp_path / "solves", ONE_AT_A_TIME, events.append)
    draws = collection.plan.selection(2)
    same = networks[4, kinds[0]]
    peers = {"same": same, "other": make_policy(5)}
    content = curve(collection, networks, peers, yardstick, draws)
    assert [row["samples"] for row in content["rows"]] == [len(few)] * 2 + [len(more)] * 2
    assert content["rows"][0]["fewer_than"]["same"] == [0, 0, 0]
    assert content["rows"][0]["nodes"] == content["peers"]["same"] >= 1
    text = markdown(content)
    assert f"| {len(more):,} | 16, soft | 2 |" in text
    assert "fewer than other |" in text
    # Again: nothing is played, trained or solved.
    before = len(events)
    assert train_all(collection, [4, 10], kinds, threads=1).keys() == networks.keys()
    assert curve(collection, networks, peers, yardstick, draws) == content
    assert len(events) == before
