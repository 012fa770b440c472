"""Tuples, dicts and one's own."""

import pytest

from kida.env.observation import FocusNode, NodeBipartite, Nothing, composed
from kida.errors import UserError


class Own:
    """One's own: it counts."""

    def __init__(self):
        self.calls = []

    def before_reset(self, model):
        self.calls.append("reset")

    def extract(self, model, done):
        self.calls.append(done)
        return len(self.calls)


def test_one_ones_own_a_tuple_and_a_dict(observe):
    own = Own()
    assert composed(own) is own
    function = composed({"both": (FocusNode(), own), "nothing": None, "list": [Nothing()]})
    solve = observe("maximisation", function, nodes=4)
    for k, observation in enumerate(solve.observed):
        assert observation.keys() == {"both", "nothing", "list"}
        node, count = observation["both"]
        assert (node.depth, count) == (solve.depths[k], k + 2)
        assert (observation["nothing"], observation["list"]) == (None, (None,))
    assert own.calls == ["reset", *[False] * len(solve.observed), True]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [(NodeBipartite, r"write NodeBipartite\(\)"), (3, "3 is no observation"), ((3,), "3 is no")],
)
def test_what_is_no_observation_is_refused(wrong, message):
    with pytest.raises(UserError, match=message):
        composed(wrong)
