"""Pseudocosts against PySCIPOpt's; strong branching against the expert, tested elsewhere."""

import numpy as np
import pytest

from kida.env.observation import Pseudocosts, StrongBranchingScores
from kida.solver.strong_branching import strong_branching


@pytest.mark.parametrize("which", ["fractional", "unfixed"])
def test_pseudocosts_are_scips(observe, which):
    function = Pseudocosts(which)

    def look(model):
        found = function.extract(model, False)
        variables = model.getVars(transformed=True)
        own = [variables[j] for j in found.candidates]
        return found.scores, [model.getVarPseudocostScore(v, v.getLPSol()) for v in own]

    solve = observe("maximisation", function, look)
    for scores, expected in solve.observed:
        np.testing.assert_allclose(scores, expected)
    assert len({tuple(scores) for scores, _ in solve.observed}) > 3


def test_strong_branching_is_the_experts(observe):
    def look(model):
        return [
            (
                StrongBranchingScores(which, artefact=artefact).extract(model, False),
                strong_branching(model, which, artefact=artefact),
            )
            for which, artefact in (("fractional", False), ("unfixed", False), ("unfixed", True))
        ]

    differ = 0
    for pairs in observe("minimisation", None, look, nodes=6).observed:
        for ours, experts in pairs:
            np.testing.assert_allclose(ours.scores, experts.scores, rtol=1e-6)
            assert ours.chosen == experts.chosen
        differ += (pairs[1][0].scores != pairs[2][0].scores).any()
    assert differ > 0
