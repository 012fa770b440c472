from pyscipopt import SCIP_EVENTTYPE, Eventhdlr

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


class Focused(Eventhdlr):
    """Notes which nodes come into focus."""

    def __init__(self):
        self.nodes = []

    def before_reset(self, model):
        self.nodes.clear()
        model.includeEventhdlr(self, "focused", "")

    def extract(self, model, done):
        return None

    def eventinit(self):
        self.model.catchEvent(SCIP_EVENTTYPE.NODEFOCUSED, self)

    def eventexit(self):
        self.model.dropEvent(SCIP_EVENTTYPE.NODEFOCUSED, self)

    def eventexec(self, event):
        self.nodes.append(event.getNode().getNumber())


def test_default_takes_the_lowest_bound(branchy):
    focused = Focused()
    env = NodeSelection(focused)
    env.reset(branchy, seed=0)
    decisions = 0
    while not env.done:
        # Bounds are those of a minimisation; of equal ones SCIP's heap decides.
        bounds = dict(zip(env.action_set.tolist(), open_nodes(env.model)[:, 1], strict=True))
        before = len(focused.nodes)
        env.step(DEFAULT)
        if len(focused.nodes) > before:  # else it was cut off before it came into focus
            decisions += 1
            assert bounds[focused.nodes[before]] == min(bounds.values())
    assert decisions > 5


def test_orders_make_different_trees(branchy):
    def size(action):
        env = NodeSelection()
        env.reset(branchy, seed=0)
        while not env.done:
            env.step(action)
        assert env.termination.solved
        return env.model.getNTotalNodes(), env.model.getNLPIterations()

    assert size(0) != size(DEFAULT)
