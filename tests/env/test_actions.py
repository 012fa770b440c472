import copy
import pickle

import numpy as np
import pytest

from kida.env.actions import DEFAULT, chosen
from kida.solver.stepping import LEAVE_TO_SCIP


@pytest.mark.parametrize("position", [0, 2, np.int32(2), np.uint8(0), np.array(1)])
def test_positions_choose(position):
    assert chosen(position, 3) == int(position)


def test_default_is_left_to_scip():
    assert chosen(DEFAULT, 3) == LEAVE_TO_SCIP
    assert repr(DEFAULT) == "DEFAULT"
    # One value in every process, so that it can be sent to environments in others.
    assert pickle.loads(pickle.dumps(DEFAULT)) is DEFAULT
    assert copy.deepcopy(DEFAULT) is DEFAULT


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ([1.0, 3.0, 2.0], 1),
        (np.array([1, 1, 0]), 0),
        (np.array([np.nan, -5.0, np.nan], np.float32), 1),
        ((np.inf, 0, -np.inf), 0),
        ([7.0], 0),
    ],
)
def test_the_highest_score_is_chosen(scores, best):
    assert chosen(scores, len(scores)) == best


@pytest.mark.slow
def test_tensors_choose():
    torch = pytest.importorskip("torch", reason="the extra train is not installed")
    assert chosen(torch.tensor(1), 3) == 1
    assert chosen(torch.tensor([0.0, 2.0, 1.0]), 3) == 1
    with pytest.raises(TypeError, match="no vector of scores"):
        chosen(torch.zeros(3, requires_grad=True), 3)


@pytest.mark.parametrize("action", [3, -1, np.int64(10**12)])
def test_positions_that_do_not_exist(action):
    with pytest.raises(IndexError, match="has 3 entries, 0 to 2"):
        chosen(action, 3)


@pytest.mark.parametrize("action", [None, "0", 1.0, True, np.float64(1), {0: 1.0}, np.array(0.5)])
def test_what_is_no_action(action):
    with pytest.raises(TypeError, match="neither a position in the action set"):
        chosen(action, 3)


@pytest.mark.parametrize("action", [["a", "b", "c"], [[1.0], [2.0, 3.0], []], [None, {}, 1]])
def test_what_is_no_scores(action):
    with pytest.raises((TypeError, ValueError), match="scores"):
        chosen(action, 3)


@pytest.mark.parametrize("action", [[], [1.0, 2.0], np.zeros((3, 1)), np.zeros(4)])
def test_scores_of_another_shape(action):
    with pytest.raises(ValueError, match="has 3 entries: give one for each"):
        chosen(action, 3)


def test_scores_of_nothing():
    with pytest.raises(ValueError, match="every score is NaN"):
        chosen([np.nan] * 3, 3)
