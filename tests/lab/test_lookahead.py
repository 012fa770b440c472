"""The study of reliability branching's lookahead: how nodes of SCIP's default replay it."""

from dataclasses import replace

import numpy as np
import pytest

from kida.errors import UserError
from kida.lab.default_nodes import Node
from kida.lab.lookahead import OWN, PERFECT, listed, markdown, replay, steering_policy, table
from kida.learning.steering import TRAINED_ON


def node(scores, *, observed=0.0, group="a", number=1) -> Node:
    scores = np.array(scores, dtype=float)
    count = len(scores)
    steering = np.zeros((count, len(TRAINED_ON)), np.float32)
    steering[:, 0] = scores
    return Node(
        group=group,
        number=number,
        scores=scores,
        pseudocosts=np.full(count, scores.min()),
        own=np.arange(count, 0.0, -1.0),
        observations=np.full(count, float(observed)),
        steering=steering,
        features=scores[:, None].astype(np.float32),
    )


def test_the_lookahead_ends_after_so_many_without_a_better_one():
    in_turn = np.array([4.0, 3.0, 2.0, 1.0])
    # None has ever been observed: a lookahead of 1 waits for two.
    seen = node([4.0, 1.0, 2.0, 9.0])
    assert replay(seen, in_turn, lookahead=1) == (3, pytest.approx(2 / 3))
    assert replay(seen, in_turn, lookahead=2) == (4, 1.0)
    assert replay(seen, seen.scores, lookahead=1) == (3, 1.0)
    # All have been observed, if too seldom.
    assert replay(node([4.0, 1.0, 2.0, 9.0], observed=1), in_turn, lookahead=1) == (
        2,
        pytest.approx(2 / 3),
    )


def test_as_good_as_the_best_counts_half():
    seen = node([4.0, 4.0, 4.0, 1.0, 9.0, 9.0], observed=1)
    in_turn = np.arange(6.0, 0.0, -1.0)
    assert replay(seen, in_turn, lookahead=1) == (3, pytest.approx(2 / 3))
    assert replay(seen, in_turn, lookahead=2) == (4, pytest.approx(2 / 3))
    assert replay(seen, in_turn, lookahead=3) == (6, 1.0)


def test_a_reliable_candidate_is_not_asked_and_chosen_by_its_pseudocost():
    seen = node([4.0, 1.0, 2.0, 9.0])
    observed = np.array([0.0, 0.0, 0.0, 6.0])
    unlikely = replace(seen, observations=observed)
    asked, share = replay(unlikely, seen.scores, lookahead=9)
    assert (asked, share) == (3, pytest.approx(2 / 3))
    likely = replace(unlikely, pseudocosts=np.array([0.0, 0.0, 0.0, 5.0]))
    assert replay(likely, seen.scores, lookahead=9) == (3, 1.0)
    # Its pseudocost may be wrong.
    wrong = replace(likely, observations=np.array([0.0, 6.0, 0.0, 0.0]))
    wrong = replace(wrong, pseudocosts=np.array([0.0, 50.0, 0.0, 0.0]))
    assert replay(wrong, seen.scores, lookahead=9) == (3, pytest.approx(1 / 3))
    # What was not asked may promise more than it.
    hoped = replace(wrong, own=np.array([4.0, 3.0, 9.0, 2.0]))
    assert replay(hoped, np.array([1.0, 0.0, 0.5, 2.0]), lookahead=1) == (3, pytest.approx(1 / 3))
    assert listed(hoped, np.array([2.0, 0.0, 0.5, 1.5]), lambda chances: 2) == (2, 1.0)
    assert listed(unlikely, np.zeros(4), lambda chances: 1) == (1, pytest.approx(2 / 3))
    assert listed(replace(likely, observations=np.full(4, 6.0)), np.zeros(4), len) == (0, 1.0)


def test_a_list_asks_about_its_candidates_alone():
    seen = node([4.0, 1.0, 2.0, 9.0])
    given = []

    def length(chances):
        given.append(chances)
        return 2

    asked, share = listed(seen, np.array([0.0, 1.0, 2.0, -1.0]), length)
    assert (asked, share) == (2, pytest.approx(np.sqrt(2 / 9)))
    (chances,) = given
    assert chances.sum() == pytest.approx(1.0)
    assert (np.diff(chances) < 0).all()


def some_nodes() -> list[Node]:
    draw = np.random.default_rng(0)
    return [
        node(draw.permutation(np.arange(1.0, 31.0)), group=group, number=number)
        for group in "abcde"
        for number in (1, 5, 20)
    ]


def test_a_network_learns_an_order_that_other_kinds_share():
    nodes = some_nodes()
    content = {"problems": 5, "seeds": 1, "seconds": 2.0, **table(nodes)}
    assert content["nodes"] == 15
    assert content["groups"] == dict.fromkeys("abcde", 3)
    for row in content["replays"]:
        (asked, best), (learned, share) = row[PERFECT], row["all features"]
        assert best == 1.0
        assert share > row["random"][1]
        assert asked <= learned
    assert content["lists"]["24 candidates"][1] > content["lists"]["2 candidates"][1] - 1e-9
    assert OWN not in content["differences"]
    mean, low, high = content["differences"][PERFECT]["kept"]
    assert low < mean < high
    assert mean > 0.001
    text = markdown(content)
    assert "| later | 5 | 9 |" in text
    assert "5 problems, 1 seeds, 2 s: 15 nodes of 5 kinds" in text
    with pytest.raises(UserError, match="kinds of problems are too few"):
        table(nodes[:6])


def test_a_steering_policy_learns_from_nodes():
    found = steering_policy(some_nodes())
    assert found.kept[4] > 0.9
    assert found.policy.card.features == TRAINED_ON


def test_kinds_count_alike_and_nodes_by_their_chance():
    certain = node([4.0, 1.0, 2.0, 9.0], group="a")
    rare = replace(certain, number=600)
    assert certain.chance == 1.0
    assert rare.chance == pytest.approx(0.05)
    late = [rare, certain, *(replace(certain, group=group) for group in "bcd")]
    content = table(late)
    asked = [replay(each, each.own)[0] for each in late]
    assert content["replays"][-1][OWN][0] == pytest.approx(np.mean(asked[1:]))
