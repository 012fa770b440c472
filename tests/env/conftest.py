"""Models that take some branching and are solved in a tenth of a second."""

import random
from pathlib import Path

import pytest
from pyscipopt import SCIP_PARAMSETTING, Model, quicksum

from kida.solver.problem import read_model


@pytest.fixture
def branchy(knapsack: Path) -> Model:
    """The knapsack without what would solve it in a few nodes; a model to be copied."""
    model = read_model(knapsack)
    model.setSeparating(SCIP_PARAMSETTING.OFF)
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    return model


@pytest.fixture
def market_split(tmp_path: Path) -> Path:
    """A file that takes many nodes whatever cuts and heuristics do: sums that no choice meets."""
    source = random.Random(5)
    model = Model("market_split")
    x = [model.addVar(f"x{i}", "B") for i in range(20)]
    errors = []
    for _ in range(3):
        terms = [source.randint(0, 99) for _ in x]
        errors += [model.addVar(), model.addVar()]
        total = quicksum(a * v for a, v in zip(terms, x, strict=True))
        model.addCons(total + errors[-1] - errors[-2] == sum(terms) // 2)
    model.setObjective(quicksum(errors))
    path = tmp_path / "market_split.mps"
    model.writeProblem(str(path), verbose=False)
    return path
