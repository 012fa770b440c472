"""Small folders of problems, as a user has them."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from pyscipopt import Model, quicksum


@pytest.fixture(scope="session")
def knapsacks() -> Callable[..., Path]:
    """Return what fills a folder with small problems that need branching, or (easy) none."""

    def fill(folder: Path, count: int, first: int = 0, *, items: int = 40, rows: int = 5) -> Path:
        folder.mkdir(exist_ok=True)
        for number in range(first, first + count):
            draw, model = random.Random(number), Model()
            model.hideOutput()
            x = [model.addVar(f"x{i}", "B") for i in range(items)]
            for _ in range(rows):
                row = [draw.randint(5, 99) for _ in x]
                model.addCons(quicksum(a * v for a, v in zip(row, x, strict=True)) <= sum(row) // 2)
            values = [draw.randint(5, 99) for _ in x]
            objective = quicksum(a * v for a, v in zip(values, x, strict=True))
            model.setObjective(objective, "maximize")
            model.writeProblem(str(folder / f"k_{number}.mps"), verbose=False)
            model.free()
        return folder

    return fill
