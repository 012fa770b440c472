import subprocess
import sys

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="the extra gym is not installed")

from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import SyncVectorEnv  # noqa: E402

from kida.env import DEFAULT  # noqa: E402
from kida.env.gymnasium import BranchingEnv, NodeSelectionEnv  # noqa: E402
from kida.env.rewards import LPIterations  # noqa: E402
from kida.errors import UserError  # noqa: E402
from kida.settings import Limits  # noqa: E402

NAMES = ["kida/Branching-v0", "kida/NodeSelection-v0"]


@pytest.mark.parametrize("name", NAMES)
def test_gymnasiums_own_check(name, market_split):
    env = gymnasium.make(name, instances=[market_split], limits=Limits(nodes=50))
    check_env(env.unwrapped)
    env.close()


@pytest.mark.parametrize("name", NAMES)
def test_observations_are_in_their_space_to_the_end(name, branchy):
    env = gymnasium.make(name, instances=[branchy])
    observation, info = env.reset(seed=1)
    env.action_space.seed(1)
    over, sizes = False, set()
    while not over:
        assert observation in env.observation_space
        assert env.action_space.n == len(info["action_set"])
        sizes.add(int(env.action_space.n))
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert isinstance(reward, float)
        over = terminated or truncated
    assert terminated
    assert observation in env.observation_space
    assert len(sizes) > 1
    env.close()


def test_a_seed_decides_instance_and_episode(branchy, knapsack):
    env = BranchingEnv([branchy, branchy, branchy], LIGHT)

    def episode(seed):
        _, info = env.reset(seed=seed)
        seen = [env.environment.seed, info["action_set"].tolist()]
        seen += [env.step(0)[1] for _ in range(5)]
        return seen

    once = episode(3)
    assert episode(None) != once
    assert episode(3) == once


class Light:
    space = gymnasium.spaces.Box(0, np.inf, (1,))

    def before_reset(self, model):
        pass

    def extract(self, model, done):
        return np.array([model.getNTotalNodes()], np.float32)


LIGHT = Light()


def test_an_instance_may_be_named(branchy, tmp_path):
    easy = tmp_path / "easy.lp"
    easy.write_text("minimize\n obj: x\nsubject to\n c: x >= 1\nend\n")
    env = BranchingEnv([easy], LIGHT, reward=LPIterations(), limits=Limits(nodes=3))
    env.reset(options={"instance": branchy})
    *_, truncated, _ = env.step(0)
    while not truncated:
        *_, truncated, _ = env.step(DEFAULT)
    with pytest.raises(UserError, match="100 instances in a row were solved without a decision"):
        env.reset()
    with pytest.raises(UserError, match="the instance is solved without a decision"):
        env.reset(options={"instance": easy})


def test_what_makes_no_sense(branchy):
    with pytest.raises(UserError, match="at least one"):
        BranchingEnv([])
    with pytest.raises(UserError, match="at least one"):
        NodeSelectionEnv("set_cover:test:0")

    class Spaceless(Light):
        space = None

    with pytest.raises(UserError, match="attribute 'space'"):
        BranchingEnv([branchy], Spaceless())


def test_vector_environments(branchy):
    env = SyncVectorEnv([lambda: BranchingEnv([branchy], LIGHT)] * 3)
    observations, _ = env.reset(seed=[1, 2, 3])
    assert observations.shape == (3, 1)
    for _ in range(5):
        _, rewards, *_ = env.step(np.zeros(3, np.int64))
        assert rewards.shape == (3,)
    env.close()


def test_the_registered_names_have_instances_of_their_own():
    env = BranchingEnv()
    assert env._instances[0].family == "combinatorial_auction"
    assert {instance.split for instance in env._instances[:10]} == {"train"}


WITHOUT = """
import sys
sys.modules["gymnasium"] = None
from kida.env import Branching
from kida.errors import UserError
Branching()
try:
    import kida.env.gymnasium
except UserError as error:
    print(error)
"""


@pytest.mark.slow
def test_gymnasium_is_not_needed():
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, timeout=120, check=True
    )
    assert "needs gymnasium, which is not installed and comes with the extra 'gym'" in done.stdout
