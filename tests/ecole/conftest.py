"""A problem that has a tree under SCIP's default settings, and is solved in seconds."""

from pathlib import Path

import numpy as np
import pytest
from pyscipopt import Model, quicksum


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A maximisation, as a file."""
    generator = np.random.default_rng(3)
    model = Model("knapsacks")
    model.hideOutput()
    x = [model.addVar(f"x{i}", vtype="B") for i in range(40)]
    for _ in range(6):
        weights = generator.integers(20, 1000, size=40).tolist()
        model.addCons(quicksum(w * v for w, v in zip(weights, x, strict=True)) <= sum(weights) / 2)
    values = generator.integers(400, 600, size=40).tolist()
    model.setObjective(quicksum(w * v for w, v in zip(values, x, strict=True)), "maximize")
    path = tmp_path_factory.mktemp("instance") / "knapsacks.mps"
    model.writeProblem(str(path), verbose=False)
    model.free()
    return path
