"""Models that take some branching and are solved in a tenth of a second."""

from pathlib import Path

import pytest
from pyscipopt import SCIP_PARAMSETTING, Model

from kida.solver.problem import read_model


@pytest.fixture
def branchy(knapsack: Path) -> Model:
    """The knapsack without what would solve it in a few nodes; a model to be copied."""
    model = read_model(knapsack)
    model.setSeparating(SCIP_PARAMSETTING.OFF)
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    return model
