import numpy as np
import pytest

from kida.env import DEFAULT, Branching
from kida.errors import UserError
from kida.solver.branching import attach_callable, branching_candidates
from kida.solver.problem import copied_model


def nodes(env, instance, action):
    env.reset(instance, seed=0)
    while not env.done:
        env.step(action(env))
    return env.model.getNTotalNodes(), env.model.getNLPIterations()


def test_an_action_is_a_position(branchy):
    inside = copied_model(branchy)
    inside.setParam("misc/catchctrlc", False)
    attach_callable(inside, lambda observation, candidates: len(candidates) - 1)
    inside.optimize()
    expected = inside.getNTotalNodes(), inside.getNLPIterations()
    assert nodes(Branching(), branchy, lambda env: len(env.action_set) - 1) == expected
    # The same as scores, of which the last one is the highest.
    assert nodes(Branching(), branchy, lambda env: np.arange(len(env.action_set))) == expected


def test_default_leaves_a_node_to_scip(branchy):
    alone = copied_model(branchy)
    alone.optimize()
    found = nodes(Branching(), branchy, lambda env: DEFAULT)
    assert found == (alone.getNTotalNodes(), alone.getNLPIterations())
    assert nodes(Branching(), branchy, lambda env: 0)[0] != found[0]


@pytest.mark.parametrize("which", ["fractional", "unfixed"])
def test_the_candidates_are_those_asked_for(branchy, which):
    env = Branching(candidates=which)
    env.reset(branchy)
    for _ in range(5):
        assert env.action_set.tolist() == branching_candidates(env.model, which).tolist()
        env.step(len(env.action_set) - 1)


def test_candidates_that_do_not_exist():
    with pytest.raises(UserError, match="choose one of fractional, unfixed"):
        Branching(candidates="all")
