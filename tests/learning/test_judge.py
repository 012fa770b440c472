import json

import pytest

from kida.instances.registry import initial_bounds
from kida.learning.config import RunConfig
from kida.learning.judge import clearly_worse, measure
from kida.learning.plan import Plan


def test_a_clear_loser_is_solved_for_one_round_only(written, make_policy):
    good, close, bad = policies = [make_policy(k) for k in range(3)]
    written.write(good, written.base)
    written.write(close, written.base + written.noise - 0.05)
    # The last four are not on disk: asking for them fails.
    written.write(bad, (written.base + written.noise - 2)[:4])
    rewards = written.judge.race(policies)
    assert rewards[0] == pytest.approx(written.base.mean())
    assert rewards[1] == pytest.approx((written.base + written.noise - 0.05).mean())
    # Estimated on the instances that it shares with the leader, not from its own four.
    assert rewards[2] == pytest.approx(written.base.mean() + written.noise[:4].mean() - 2)


def test_those_to_keep_stay_in_the_race(written, make_policy):
    policies = [make_policy(k) for k in range(3)]
    for number, entry in enumerate(policies):
        written.write(entry, written.base - number)
    rewards = written.judge.race(policies, keep=3)
    assert rewards == pytest.approx(
        [written.base.mean(), written.base.mean() - 1, written.base.mean() - 2]
    )


def test_clearly_worse_needs_three_pairs_and_a_difference():
    assert not clearly_worse([0, 0], [9, 9], 0.05)
    assert not clearly_worse([1, 2, 3], [1, 2, 3], 0.05)
    assert clearly_worse([1, 2, 3], [2, 3, 4], 0.05)
    assert clearly_worse([1, 2, 3], [2, 3.1, 4], 0.05)
    assert not clearly_worse([2, 3, 4], [1, 2, 3], 0.05)
    assert not clearly_worse([1, 5, 3], [5, 1, 3.5], 0.05)


def test_a_measurement_is_a_solve_written_down(tmp_path, make_policy):
    home = tmp_path / "policy"
    make_policy(0).save(home)
    (draw,) = Plan(RunConfig(family="item_placement")).selection(1)
    path = tmp_path / "reward.json"
    reward = measure(draw.instance, draw.seed, str(home), "competition", 0.5, path)
    content = json.loads(path.read_text())
    assert content["reward"] == reward
    assert content["instance"] == "item_placement_9900"
    assert reward >= initial_bounds(draw.instance).dual
    assert content["nodes"] > 1
    assert content["root_bound"] <= reward + 1e-6
