import numpy as np

from kida.env import DEFAULT, NodeSelection
from kida.solver.standing import open_nodes


def test_the_action_set_are_the_open_nodes(branchy):
    env = NodeSelection()
    env.reset(branchy, seed=0)
    for _ in range(10):
        leaves, children, siblings = env.model.getOpenNodes()
        numbers = [node.getNumber() for node in (*children, *siblings, *leaves)]
        assert env.action_set.tolist() == numbers
        assert open_nodes(env.model).shape == (len(numbers), 3)
        env.step(len(numbers) - 1)


def test_the_chosen_node_is_next(branchy):
    class Focus:
        """Notes which nodes come to branching, by a rule of SCIP's that is asked there."""

        def before_reset(self, model):
            self.model = model

        def extract(self, model, done):
            return model.getNTotalNodes()

    env = NodeSelection(Focus())
    seen, _ = env.reset(branchy, seed=0)
    while not env.done:
        chosen = int(env.action_set[0])
        later, *_ = env.step(0)
        assert later >= seen
        # It is processed, or found to be infeasible: it is open no more.
        assert env.action_set is None or chosen not in env.action_set
        seen = later
    assert env.termination.solved


def test_default_takes_the_lowest_bound(branchy):
    def trace(action):
        env = NodeSelection()
        env.reset(branchy, seed=0)
        sets = []
        while not env.done:
            sets.append(env.action_set.tolist())
            env.step(action(env))
        return sets

    by_default = trace(lambda env: DEFAULT)
    # Bounds are those of a minimisation; of equal ones SCIP's heap decides, which may differ.
    lowest = trace(lambda env: -open_nodes(env.model)[:, 1])
    assert by_default[0] == lowest[0]
    assert np.mean([len(s) for s in by_default]) > 1


def test_orders_make_different_trees(branchy):
    def size(action):
        env = NodeSelection()
        env.reset(branchy, seed=0)
        while not env.done:
            env.step(action)
        assert env.termination.solved
        return env.model.getNTotalNodes(), env.model.getNLPIterations()

    assert size(0) != size(DEFAULT)
