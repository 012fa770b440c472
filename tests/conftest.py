"""Fixtures shared by the whole suite."""

import fcntl
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyscipopt import Model, quicksum

from kida.evaluation.records import Protocol
from kida.evaluation.runner import evaluate
from kida.evaluation.trials import plan
from kida.instances.registry import instances
from kida.network.architecture import Architecture, shapes
from kida.network.card import Card
from kida.network.policy import Policy

# Shells start commands in the background without Ctrl-C, and tests that send it would never end.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: at the end there is no long one that a core waits for."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real instances, golden observations and official results; the test skips without them."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the reference data are not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session")
def make_policy() -> Callable[..., Policy]:
    """Return what makes untrained policies of a seed and, by name, fields of the card."""

    def make(seed: int = 0, candidate_features: bool = False, **card: Any) -> Policy:
        architecture = Architecture(8, candidate_features)
        generator = np.random.default_rng(seed)
        weights = {
            name: generator.normal(size=shape).astype(np.float32) / 4
            for name, shape in shapes(architecture).items()
        }
        return Policy(weights, Card(architecture, **card))

    return make


@pytest.fixture
def knapsack(tmp_path: Path) -> Path:
    """A maximisation that is solved in a second and needs some branching, as a file."""
    generator = np.random.default_rng(7)
    model = Model("knapsack")
    model.hideOutput()
    x = [model.addVar(f"x{i}", vtype="B") for i in range(30)]
    for _ in range(5):
        weights = generator.integers(20, 100, size=30).tolist()
        model.addCons(quicksum(w * v for w, v in zip(weights, x, strict=True)) <= 900)
    values = generator.integers(20, 100, size=30).tolist()
    model.setObjective(quicksum(w * v for w, v in zip(values, x, strict=True)), "maximize")
    path = tmp_path / "knapsack.mps"
    model.writeProblem(str(path), verbose=False)
    model.free()
    return path


@pytest.fixture
def knapsacks(tmp_path: Path) -> Callable[[int], Path]:
    """Return what makes a folder of so many maximisations that take some nodes each."""

    def filled(count: int) -> Path:
        folder = tmp_path / "knapsacks"
        folder.mkdir()
        names = [f"x{k}" for k in range(25)]
        for number in range(count):
            drawn = np.random.default_rng(number).integers(20, 100, size=(5, 25)).tolist()
            sums = [" + ".join(f"{c} {x}" for c, x in zip(r, names, strict=True)) for r in drawn]
            rows = "\n".join(f" c{k}: {row} <= 700" for k, row in enumerate(sums[1:]))
            (folder / f"p{number}.lp").write_text(
                f"Maximize\n o: {sums[0]}\nSubject To\n{rows}\nBinaries\n {' '.join(names)}\nEnd\n"
            )
        return folder

    return filled


@pytest.fixture(scope="session")
def made_once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Return what makes a folder once for all the processes that share out the tests."""
    base = tmp_path_factory.getbasetemp()
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def shared(name: str, make: Callable[[Path], object]) -> Path:
        with (root / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder, done = root / f"shared-{name}", root / f"{name}.done"
            if not done.exists():
                make(folder)
                done.touch()
        return folder

    return shared


@pytest.fixture(scope="session")
def results_folder(made_once) -> Path:
    """Two instances, two policies, one second each under competition settings."""

    def make(folder: Path) -> None:
        runs = plan(instances("item_placement", count=2), [0], ["mostinf", "pscost"])
        evaluate(runs, Protocol(time_limit=1.0), folder)

    return made_once("results", make)
