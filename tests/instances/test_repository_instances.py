"""The files in ``instances/`` are what ``instances/make.py`` draws, and what its README says."""

import gzip
import importlib.util
from pathlib import Path

import pytest

from kida.instances.program import Program
from kida.network.policy import shipped
from kida.solver.problem import read_model

FOLDER = Path(__file__).resolve().parents[2] / "instances"


@pytest.fixture(scope="module")
def programs() -> list[Program]:
    spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.programs())


def test_one_of_each_family_with_a_policy_drawn_again(programs: list[Program]) -> None:
    files = {path.name: path for path in FOLDER.glob("*.mps.gz")}
    assert {f"{program.name}.mps.gz" for program in programs} == set(files)
    assert len(programs) == len(shipped())
    for program in programs:
        stored = gzip.decompress(files[f"{program.name}.mps.gz"].read_bytes()).decode()
        assert stored == program.mps()


def test_the_folder_stays_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_000_000


def test_readme_tells_the_sizes(programs: list[Program]) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for program in programs:
        line = next(line for line in readme.splitlines() if f"`{program.name}.mps.gz`" in line)
        sizes = [cell.strip() for cell in line.split("|")[3:6]]
        assert sizes == [
            f"{len(program.rows):,}",
            f"{len(program.columns):,} ({program.binaries:,})",
            f"{len(program.values):,}",
        ]


def test_trimming_changes_nothing_but_size(programs: list[Program]) -> None:
    trimmed = next(program for program in programs if program.name.endswith("trimmed"))
    model = read_model(FOLDER / f"{trimmed.name}.mps.gz")
    assert (trimmed.upper > 0.0).all()
    assert model.getNVars() == 61000 - 56714
