"""Small folders of problems, as a user has them."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from pyscipopt import Model, quicksum


@pytest.fixture(scope="session")
def knapsacks() -> Callable[..., Path]:
    """Return what fills a folder with small problems.

    They need branching, or with few items none; those that are ``hard`` take hours, for their
    values follow their weights.
    """

    def fill(
        folder: Path,
        count: int,
        first: int = 0,
        *,
        items: int = 40,
        rows: int = 5,
        hard: bool = False,
    ) -> Path:
        folder.mkdir(exist_ok=True)
        for number in range(first, first + count):
            draw, model = random.Random(number), Model()
            model.hideOutput()
            x = [model.addVar(f"x{i}", "B") for i in range(items)]
            weights = [[draw.randint(5, 99) for _ in x] for _ in range(rows)]
            for row in weights:
                model.addCons(quicksum(a * v for a, v in zip(row, x, strict=True)) <= sum(row) // 2)
            values = [draw.randint(5, 99) for _ in x]
            if hard:
                values = [
                    sum(w) + v for w, v in zip(zip(*weights, strict=True), values, strict=True)
                ]
            objective = quicksum(a * v for a, v in zip(values, x, strict=True))
            model.setObjective(objective, "maximize")
            model.writeProblem(str(folder / f"k_{number}.mps"), verbose=False)
            model.free()
        return folder

    return fill
