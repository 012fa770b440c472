import pytest

from kida.env import DEFAULT, Configuring
from kida.errors import UserError
from kida.solver.problem import copied_model


def test_one_decision_before_the_solve(branchy):
    env = Configuring()
    _, info = env.reset(branchy, seed=0)
    assert info["action_set"].tolist() == []
    assert not env.done
    assert env.model.getStage() == 1  # problem
    _, _, terminated, truncated, info = env.step({"limits/totalnodes": 3})
    assert (terminated, truncated) == (False, True)
    assert info["action_set"] is None
    assert env.model.getNTotalNodes() == 3
    with pytest.raises(UserError, match="the episode is over"):
        env.step({})


@pytest.mark.parametrize("action", [{}, DEFAULT])
def test_nothing_changed_is_scip_itself(branchy, action):
    alone = copied_model(branchy)
    alone.optimize()
    env = Configuring()
    env.reset(branchy, seed=0)
    assert env.step(action)[2]
    assert env.model.getNLPIterations() == alone.getNLPIterations()


def test_a_refused_parameter_changes_nothing(branchy):
    env = Configuring()
    env.reset(branchy)
    for wrong in ({"limits/totalnodes": 3, "no/such": 1}, {"limits/totalnodes": "many"}):
        with pytest.raises(UserError, match="SCIP refuses"):
            env.step(wrong)
    for wrong in (0, None, ["limits/totalnodes"]):
        with pytest.raises(TypeError, match="neither a mapping"):
            env.step(wrong)
    assert env.model.getParam("limits/totalnodes") == -1
    assert env.step({"limits/totalnodes": 3})[3]
