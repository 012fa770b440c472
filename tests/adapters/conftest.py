"""A problem that needs branching, as plain arrays that every tool can be given."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray
from pyscipopt import Model, quicksum

#: Parameters under which SCIP does not solve the problem before it branches.
PLAIN = {
    "presolving/maxrounds": 0,
    "separating/maxroundsroot": 0,
    "separating/maxrounds": 0,
    "heuristics/rins/freq": -1,
}


@dataclass(frozen=True)
class Packing:
    """Maximise ``values @ x`` of binary x such that ``weights @ x <= capacity``."""

    weights: NDArray[np.int64]
    values: NDArray[np.int64]
    capacity: int

    def optimum(self) -> float:
        """Return the optimal value, as PySCIPOpt alone finds it."""
        model = Model()
        model.hideOutput()
        x = [model.addVar(vtype="B") for _ in self.values]
        for row in self.weights.tolist():
            model.addCons(quicksum(w * v for w, v in zip(row, x, strict=True)) <= self.capacity)
        terms = zip(self.values.tolist(), x, strict=True)
        model.setObjective(quicksum(c * v for c, v in terms), "maximize")
        model.optimize()
        return model.getObjVal()


@pytest.fixture(scope="session")
def packing() -> Packing:
    generator = np.random.default_rng(7)
    weights = generator.integers(20, 100, size=(5, 30))
    return Packing(weights, generator.integers(20, 100, size=30), 700)


@pytest.fixture
def plain() -> dict[str, int]:
    return dict(PLAIN)
