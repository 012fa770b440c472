import json
from concurrent.futures import Executor

import numpy as np
import pytest

from kida.boundary import write_json
from kida.instances.registry import initial_bounds
from kida.learning.config import CollectionConfig, InheritanceConfig, RunConfig
from kida.learning.plan import Plan
from kida.learning.selection import Judge, clearly_worse, measure, select
from kida.network.architecture import Architecture, shapes
from kida.network.card import Card
from kida.network.inheritance import exponential_average, interpolate, uniform_average
from kida.network.policy import Policy

DRAWS = 8


def policy(seed: int) -> Policy:
    architecture = Architecture(8)
    generator = np.random.default_rng(seed)
    weights = {
        name: generator.standard_normal(shape).astype(np.float32)
        for name, shape in shapes(architecture).items()
    }
    return Policy(weights, Card(architecture))


def config(**options) -> RunConfig:
    inheritance = InheritanceConfig(instances=DRAWS, **options)
    return RunConfig("item_placement", inheritance=inheritance, collection=CollectionConfig())


class NoExecutor(Executor):
    """Rewards come from disk: nothing may be solved."""

    def submit(self, *arguments, **options):
        raise AssertionError("a solve was asked for")


def write_rewards(folder, policy, rewards):
    draws = Plan(config()).selection(DRAWS)
    for draw, reward in zip(draws, rewards, strict=False):
        write_json(
            folder / policy.identity()[:16] / f"{draw.instance.name}_{draw.seed}.json",
            {"reward": float(reward)},
        )


def judge(folder) -> Judge:
    return Judge(config(), Plan(config()).selection(DRAWS), folder, NoExecutor())


BASE = np.array([1.0, 9.0, 3.0, 7.0, 2.0, 5.0, 4.0, 8.0])
NOISE = np.array([0.1, -0.1, 0.0, 0.1, 0.0, -0.1, 0.1, 0.0])


def test_a_clear_loser_is_solved_for_one_round_only(tmp_path):
    good, close, bad = policies = [policy(k) for k in range(3)]
    write_rewards(tmp_path, good, BASE)
    write_rewards(tmp_path, close, BASE + NOISE - 0.05)
    # The last four are not on disk: asking for them fails.
    write_rewards(tmp_path, bad, (BASE + NOISE - 2)[:4])
    rewards = judge(tmp_path).race(policies)
    assert rewards[0] == pytest.approx(BASE.mean())
    assert rewards[1] == pytest.approx((BASE + NOISE - 0.05).mean())
    # Estimated on the instances that it shares with the leader, not from its own four.
    assert rewards[2] == pytest.approx(BASE.mean() + NOISE[:4].mean() - 2)


def test_those_to_keep_stay_in_the_race(tmp_path):
    policies = [policy(k) for k in range(3)]
    for number, entry in enumerate(policies):
        write_rewards(tmp_path, entry, BASE - number)
    rewards = judge(tmp_path).race(policies, keep=3)
    assert rewards == pytest.approx([BASE.mean(), BASE.mean() - 1, BASE.mean() - 2])


def test_clearly_worse_needs_three_pairs_and_a_difference():
    assert not clearly_worse([0, 0], [9, 9], 0.05)
    assert not clearly_worse([1, 2, 3], [1, 2, 3], 0.05)
    assert clearly_worse([1, 2, 3], [2, 3, 4], 0.05)
    assert clearly_worse([1, 2, 3], [2, 3.1, 4], 0.05)
    assert not clearly_worse([2, 3, 4], [1, 2, 3], 0.05)
    assert not clearly_worse([1, 5, 3], [5, 1, 3.5], 0.05)


def saved(folder, policies):
    paths = [folder / f"gen_{k + 1:02d}" / "policy" for k in range(len(policies))]
    for path, entry in zip(paths, policies, strict=True):
        entry.save(path)
    return paths


@pytest.mark.parametrize(("merged_gain", "expected"), [(1.0, (1, 3)), (-1.0, (3,))])
def test_the_best_are_merged_unless_one_alone_is_better(tmp_path, merged_gain, expected):
    policies = [policy(k) for k in range(3)]

    def with_expert(weights, depth):
        return Policy(weights, Card(Architecture(8), expert_depth=depth))

    # All are compared with the expert down to depth 2, the first of the depths.
    for entry, gain in zip(policies, (0.2, 0.0, 0.3), strict=True):
        write_rewards(tmp_path, with_expert(entry.weights, 2), BASE + gain + NOISE)
    merged = uniform_average([policies[2].weights, policies[0].weights])
    write_rewards(tmp_path, with_expert(merged, 2), BASE + merged_gain)
    best = with_expert(merged if merged_gain > 0 else policies[2].weights, 5)
    write_rewards(tmp_path, best, BASE + 3)
    events = []
    selection = select(
        config(count=2, expert_depths=(2, 5)),
        saved(tmp_path, policies),
        tmp_path,
        NoExecutor(),
        events.append,
    )
    assert selection.generations == expected
    assert selection.expert_depth == 5
    for name, array in best.weights.items():
        np.testing.assert_array_equal(selection.weights[name], array)
    assert selection.rewards["expert to depth 5, candidates all"] == pytest.approx(BASE.mean() + 3)
    assert [event["policy"] for event in events] == list(selection.rewards)


def test_greedy_and_weighted_merging(tmp_path):
    policies = [policy(k) for k in range(2)]
    for entry, gain in zip(policies, (0.0, 1.0), strict=True):
        write_rewards(tmp_path, entry, BASE + gain)
    paths = saved(tmp_path, policies)
    merged = Policy(uniform_average([policies[1].weights, policies[0].weights]), policies[0].card)
    write_rewards(tmp_path, merged, BASE + 0.5)
    greedy = select(config(method="greedy", expert_depths=(-1,)), paths, tmp_path, NoExecutor())
    assert greedy.generations == (2,)
    # All weight is on the second: the first is no better than the worst.
    weighted = select(config(method="weighted", expert_depths=(-1,)), paths, tmp_path, NoExecutor())
    for name, array in policies[1].weights.items():
        np.testing.assert_allclose(weighted.weights[name], array, rtol=1e-6)


def test_exponential_average_and_scan(tmp_path):
    policies = [policy(k) for k in range(2)]
    for entry, gain in zip(policies, (0.0, 1.0), strict=True):
        write_rewards(tmp_path, entry, BASE + gain)
    paths = saved(tmp_path, policies)
    card = policies[0].card
    first, second = (entry.weights for entry in policies)
    write_rewards(tmp_path, Policy(exponential_average([first, second], 0.2), card), BASE + 2)
    chosen = select(
        config(method="exponential", decay=0.2, expert_depths=(-1,)),
        paths,
        tmp_path,
        NoExecutor(),
    )
    name = "output_module.0.weight"
    expected = (0.2 * first[name] + second[name]) / 1.2
    np.testing.assert_allclose(chosen.weights[name], expected, atol=1e-6)
    for share, gain in ((0.25, 3.0), (0.5, 2.0), (0.75, 0.0)):
        write_rewards(tmp_path, Policy(interpolate(second, first, share), card), BASE + gain)
    chosen = select(config(method="scan", expert_depths=(-1,)), paths, tmp_path, NoExecutor())
    expected = 0.75 * second[name] + 0.25 * first[name]
    np.testing.assert_allclose(chosen.weights[name], expected, atol=1e-6)
    assert chosen.generations == (1, 2)


def test_prenorms_of_the_merged_network_can_be_fitted_anew(tmp_path):
    policies = [policy(k) for k in range(2)]

    def refit(weights):
        return {**weights, "edge_embedding.0.scale": np.full(1, 7, np.float32)}

    for entry in policies:
        write_rewards(tmp_path, entry, BASE)
    weights = refit(uniform_average([policies[1].weights, policies[0].weights]))
    write_rewards(tmp_path, Policy(weights, policies[0].card), BASE + 1)
    selection = select(
        config(expert_depths=(-1,)),
        saved(tmp_path, policies),
        tmp_path,
        NoExecutor(),
        refit=refit,
    )
    assert selection.weights["edge_embedding.0.scale"].tolist() == [7]


def test_a_measurement_is_a_solve_written_down(tmp_path):
    home = tmp_path / "policy"
    policy(0).save(home)
    draw = Plan(config()).selection(1)[0]
    path = tmp_path / "reward.json"
    reward = measure(draw.instance, draw.seed, str(home), "competition", 0.5, path)
    content = json.loads(path.read_text())
    assert content["reward"] == reward
    assert content["instance"] == "item_placement_9900"
    assert reward >= initial_bounds(draw.instance).dual
    assert content["nodes"] > 1
    assert content["root_bound"] <= reward + 1e-6
