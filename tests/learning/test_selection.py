import numpy as np
import pytest

from kida.learning.config import InheritanceConfig
from kida.learning.selection import select
from kida.network.architecture import Architecture
from kida.network.card import Card
from kida.network.inheritance import uniform_average
from kida.network.policy import Policy

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("merged_gain", "expected"), [(1.0, (1, 3)), (-1.0, (3,))])
def test_the_best_are_merged_unless_one_alone_is_better(
    written, make_policy, merged_gain, expected
):
    policies = [make_policy(k) for k in range(3)]

    def with_expert(weights, depth):
        return Policy(weights, Card(Architecture(8), expert_depth=depth))

    # All are compared with the expert down to depth 2, the first of the depths.
    for entry, gain in zip(policies, (0.2, 0.0, 0.3), strict=True):
        written.write(with_expert(entry.weights, 2), written.base + gain + written.noise)
    merged = uniform_average([policies[2].weights, policies[0].weights])
    written.write(with_expert(merged, 2), written.base + merged_gain)
    best = with_expert(merged if merged_gain > 0 else policies[2].weights, 5)
    written.write(best, written.base + 3)
    events = []
    selection = select(
        InheritanceConfig(count=2, expert_depths=(2, 5)),
        policies,
        written.judge,
        events.append,
    )
    assert selection.generations == expected
    assert selection.expert_depth == 5
    for name, array in best.weights.items():
        np.testing.assert_array_equal(selection.weights[name], array)
    assert selection.rewards["expert to depth 5, candidates all"] == pytest.approx(
        written.base.mean() + 3
    )
    assert [event.policy for event in events] == list(selection.rewards)


def test_a_greedy_soup_takes_what_raises_the_reward(written, make_policy):
    policies = [make_policy(k) for k in range(2)]
    for entry, gain in zip(policies, (0.0, 1.0), strict=True):
        written.write(entry, written.base + gain)
    merged = Policy(uniform_average([policies[1].weights, policies[0].weights]), policies[0].card)
    written.write(merged, written.base + 0.5)
    greedy = select(InheritanceConfig(method="greedy"), policies, written.judge)
    assert greedy.generations == (2,)
    written.write(merged, written.base + 2)
    greedy = select(InheritanceConfig(method="greedy"), policies, written.judge)
    assert greedy.generations == (1, 2)


def test_the_last_generation_needs_no_rewards(written, make_policy):
    policies = [make_policy(k) for k in range(2)]
    last = select(InheritanceConfig(method="last"), policies, written.judge)
    assert (last.generations, last.rewards) == ((2,), {})
