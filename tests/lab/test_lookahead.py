"""The study of reliability branching's lookahead: which nodes it keeps, and how it replays them."""

from pathlib import Path

import numpy as np
import pytest

from kida.errors import UserError
from kida.instances.registry import instances
from kida.lab.lookahead import Node, collect, listed, markdown, read, replay, table


def node(scores, *, reliable=(), group="a", number=1) -> Node:
    scores = np.array(scores, dtype=float)
    known = np.zeros(len(scores), dtype=bool)
    known[list(reliable)] = True
    return Node(group, number, scores, scores, known, scores[:, None].astype(np.float32))


def test_the_lookahead_ends_after_so_many_without_a_better_one():
    # All are unreliable: a lookahead of 1 waits for two.
    seen = node([4.0, 1.0, 2.0, 9.0])
    in_turn = np.array([4.0, 3.0, 2.0, 1.0])
    assert replay(seen, in_turn, lookahead=1) == (3, pytest.approx(2 / 3))
    assert replay(seen, in_turn, lookahead=2) == (4, 1.0)
    assert replay(seen, seen.scores, lookahead=1) == (3, 1.0)


def test_reliable_candidates_cost_nothing():
    seen = node([4.0, 1.0, 2.0, 9.0], reliable=[3])
    assert replay(seen, seen.scores, lookahead=1)[1] == 1.0
    assert replay(seen, seen.scores, lookahead=1)[0] < 3
    assert listed(seen, np.zeros(4), lambda chances: 1) == (1, 1.0)


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


def test_a_network_learns_an_order_that_other_kinds_share():
    draw = np.random.default_rng(0)
    nodes = [
        node(draw.permutation(np.arange(1.0, 31.0)), group=group, number=number)
        for group in "abcde"
        for number in (1, 5, 20)
    ]
    content = table(nodes)
    assert content["nodes"] == 15
    assert content["groups"] == dict.fromkeys("abcde", 3)
    for row in content["replays"]:
        (asked, best), (learned, share) = row["the scores themselves"], row["network"]
        assert best == 1.0
        assert share > row["random"][1]
        assert asked <= learned
    assert content["lists"]["24 candidates"][1] > content["lists"]["2 candidates"][1] - 1e-9
    text = markdown(content)
    assert "| later | 5 | 9 |" in text
    with pytest.raises(UserError, match="kinds of problems are too few"):
        table(nodes[:6])


def test_nodes_of_a_solve_are_kept_once(tmp_path: Path):
    (instance,) = instances("multidimensional_knapsack", "train", 0, 1)
    path = tmp_path / "nodes.safetensors"
    collect(instance, 1, 20.0, path)
    before = path.read_bytes()
    found = read(path, "knapsack")
    assert found
    for each in found:
        count = len(each.scores)
        assert count >= 5
        # Of the statistics, Khalil's, and TreeGate's of candidates and of the tree.
        assert each.features.shape == (count, 9 + 72 + 25 + 61)
        assert np.isfinite(each.features).all()
        assert each.scores.max() > 0
    assert {each.number for each in found} >= {1}
    collect(instance, 1, 20.0, path)
    assert path.read_bytes() == before
    (knapsack,) = instances("multiple_knapsack", "train", 0, 1)
    collect(knapsack, 0, 1e-3, tmp_path / "none.safetensors")
    assert read(tmp_path / "none.safetensors", "knapsack") == []
