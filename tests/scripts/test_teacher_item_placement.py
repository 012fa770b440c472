"""The teacher of item placement, on nodes as the solver shows them."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from kida.solver.branching import ExpertNode

SCRIPT = Path(__file__).parents[2] / "scripts" / "teacher_item_placement.py"
score = runpy.run_path(str(SCRIPT))["score"]


def node(names, scores, pseudocosts):
    count = len(names)
    half = np.full(count, 0.5)
    gains = np.zeros(count)
    arrays = (np.array(values, np.float64) for values in (scores, pseudocosts))
    return ExpertNode(names, half, gains, gains, *arrays, depth=3)


@pytest.mark.parametrize(
    ("scores", "pseudocosts", "best"),
    [
        ([0.5, 0.3, 0.1, 0.2], [0, 0, 0, 0], 3),  # the better of the two big items
        ([0.5, 0.3, 0.1, 0.1], [9, 9, 2, 1], 2),  # they tie: pseudocosts
    ],
)
def test_big_items_come_first(scores, pseudocosts, best):
    names = ["t_place_3_1", "t_place_99_0", "t_place_100_4", "t_place_104_4"]
    assert score(node(names, scores, pseudocosts)).argmax() == best


@pytest.mark.parametrize(("scores", "best"), [([0.1, 0.3, 0.2], 1), ([1e-12, 1e-9, 0], 2)])
def test_pseudocosts_decide_where_strong_branching_does_not(scores, best):
    names = ["t_place_3_1", "t_place_99_0", "t_place_7_4"]
    assert score(node(names, scores, [1, 2, 3])).argmax() == best
