"""The graph and the statistics against ``kida.solver.branching``, whose numbers are tested there.

What a real Ecole observed is compared in ``tests/test_observation.py``.
"""

import dataclasses

import numpy as np

from kida.env.observation import CandidateStatistics, NodeBipartite
from kida.observation import CandidateFeature
from kida.observation import VariableFeature as V
from kida.solver import branching

INCUMBENT = [V.INCUMBENT_VALUE, V.AVERAGE_INCUMBENT_VALUE]


def test_the_graph_is_the_one_that_rules_see(observe):
    with_incumbent, without = NodeBipartite(), NodeBipartite(incumbent=False)

    def look(model):
        return [f.extract(model, False) for f in (with_incumbent, without)], branching.observe(
            model
        )

    known = 0
    for (ours, other), expected in observe("minimisation", None, look, heuristics=True).observed:
        for entry in dataclasses.fields(expected):
            left = getattr(ours, entry.name)
            np.testing.assert_array_equal(left, getattr(expected, entry.name))
            right = getattr(other, entry.name)
            if entry.name == "variable_features":
                assert np.isnan(right[:, INCUMBENT]).all()
                known += np.isfinite(left[:, INCUMBENT]).all()
                left, right = (np.delete(features, INCUMBENT, axis=1) for features in (left, right))
            np.testing.assert_array_equal(left, right)
    assert known > 0


def test_the_statistics_are_the_networks(observe):
    def look(model):
        found = CandidateStatistics("unfixed").extract(model, False)
        candidates = branching.branching_candidates(model, "unfixed")
        return found, candidates, branching.observe_candidates(model, candidates)

    for found, candidates, features in observe("maximisation", None, look, nodes=8).observed:
        np.testing.assert_array_equal(found.candidates, candidates)
        np.testing.assert_array_equal(found.features, features)
        assert features.shape == (len(candidates), len(CandidateFeature))
