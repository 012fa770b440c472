from pathlib import Path

import pytest

from kida.errors import UserError
from kida.instances.program import Rows
from kida.instances.registry import generated_family, instances
from kida.solver.describe import describe


def test_a_problem_that_branches(tmp_path: Path) -> None:
    instance = instances("item_placement", "train", 0, 1)[0]
    path = tmp_path / "x.mps.gz"
    generated_family("item_placement").program(instance).write(path)
    found = describe(path)
    assert found.sense == "minimize"
    assert (found.original.rows, found.original.columns) == (195, 1083)
    assert (found.original.binaries, found.original.continuous) == (1050, 33)
    assert found.nonzeros == 7440
    assert found.root_bound == pytest.approx(0.364380727, abs=1e-6)
    assert found.status == "branching"
    assert found.fractional is not None
    assert found.unfixed is not None
    # More than one fractional place per resource, fewer than the basic variables of 195 rows.
    assert 3 < found.fractional < 195 < found.unfixed <= found.presolved.binaries


def test_a_problem_that_presolving_solves(tmp_path: Path) -> None:
    rows = Rows()
    rows.add("row", [0, 1], 1.0, left=2.0)
    rows.program("two", ["a", "b"], [1.0, 2.0]).write(tmp_path / "x.mps")
    found = describe(tmp_path / "x.mps")
    assert (found.status, found.fractional, found.unfixed) == ("optimal", None, None)
    assert found.root_bound == found.primal_bound == 3.0
    assert found.presolved.columns == 0


def test_bad_time_limit(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="more than 0"):
        describe(tmp_path / "x.mps", time_limit=0.0)
