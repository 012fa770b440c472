"""Observations where they belong: in an environment, by the side of its action set."""

import numpy as np

from kida.env import Branching, Lazy
from kida.env import observation as o


def test_rows_are_those_of_the_action_set(knapsack):
    functions = {
        "graph": o.NodeBipartite(),
        "khalil": o.Khalil2016(),
        "tree": o.TreeGate(),
        "statistics": o.CandidateStatistics(),
        "expert": Lazy(o.StrongBranchingScores()),
        "all": (o.FocusNode(), o.StaticGraph(), o.Pseudocosts()),
    }
    parameters = {"separating/maxroundsroot": 0, "presolving/maxrounds": 0, "limits/nodes": 30}
    with Branching(functions, parameters=parameters) as env:
        seen, info = env.reset(knapsack, seed=0)
        depths = []
        while not env.done:
            actions = info["action_set"]
            for name in ("khalil", "tree", "statistics"):
                np.testing.assert_array_equal(seen[name].candidates, actions)
            node, problem, pseudocosts = seen["all"]
            np.testing.assert_array_equal(pseudocosts.candidates, actions)
            assert len(problem.variable_features) == len(seen["graph"].variable_features)
            depths.append(node.depth)
            scores = pseudocosts.scores
            if len(depths) < 3:
                expert = seen["expert"]()
                np.testing.assert_array_equal(expert.candidates, actions)
                scores = expert.scores
            seen, _, _, _, info = env.step(scores)
    assert max(depths) > 1
