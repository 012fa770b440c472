"""Small folders of problems, as a user has them."""

import math
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyscipopt import Model, quicksum

from kida.instances.family import Instance
from kida.learning.plan import Draw
from kida.tuning import race as race_module
from kida.tuning.survey import Survey, Surveyed

# Of default's seconds on any file: what levers have alone.
_ALONE = {"pseudocosts": 0.8, "no-cuts": 0.95, "aggressive-presolving": 1.0, "inference": 1.2}


def _seconds(levers: Sequence[str]) -> float:
    found = math.prod(_ALONE.get(name, 1.3) for name in levers)
    for other in ("aggressive-presolving", "inference"):
        if {"no-cuts", other} <= set(levers):
            found *= 0.5
    return found


class _Arena:
    """Where levers help each other: two that do nothing alone halve the time beside no-cuts."""

    workers = SimpleNamespace(count=2)
    protocol = SimpleNamespace(seconds=30.0)

    def __init__(self) -> None:
        self.solves = 0
        self.seconds = _seconds

    def measured(self, alive, batch, arena, goal, against):
        self.solves += len(batch) * (len(alive) + 1)
        # Policies' folders are named after their levers.
        base = () if against == "default" else Path(against).name.split("+")
        return {
            entry.name: [
                math.log(self.seconds(entry.levers) / self.seconds(base)) + 0.01 * (draw.seed % 3)
                for draw in batch
            ]
            for entry in alive
        }


@pytest.fixture
def arena(monkeypatch) -> _Arena:
    """An arena of levers that help each other, in which nothing is solved."""
    found = _Arena()
    monkeypatch.setattr(race_module, "_measured", found.measured)
    return found


@pytest.fixture(scope="session")
def draws() -> list[Draw]:
    """Return 24 draws of one file."""
    return [Draw(Instance("a", "", "", "train", 0, None), seed) for seed in range(24)]


@pytest.fixture(scope="session")
def make_file() -> Callable[..., Surveyed]:
    """Return what makes a surveyed file, solved with a tree in 10 s, but for what is given."""

    def make(**fields: Any) -> Surveyed:
        known: dict[str, Any] = {
            "name": "a",
            "solved": True,
            "branched": True,
            "seconds": 10.0,
            "root_seconds": 1.0,
            "nodes": 100,
            "gap": 0.5,
            "split": {},
        }
        return Surveyed(**(known | fields))

    return make


@pytest.fixture(scope="session")
def survey_of(make_file) -> Callable[..., Survey]:
    """Return what makes the survey of one file, solved in so many seconds, some at the root."""

    def make(seconds: float, root: float, **fields: Any) -> Survey:
        file = make_file(seconds=seconds, root_seconds=root, gap=0.0, **fields)
        return Survey(files=(file,), goal="time", time_limit=100.0, seconds_per_solve=seconds + 1.0)

    return make


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
