from pathlib import Path

import pytest

from kida.errors import UserError
from kida.instances.initial_bounds import bounds_path, stored_bounds
from kida.instances.program import Program, Rows
from kida.instances.registry import initial_bounds, instances
from kida.solver.initial_bounds import compute_bounds, first_solution, root_bound
from kida.solver.problem import build_model


def knapsack(sense: str = "maximize") -> Program:
    rows = Rows()
    rows.add("weight", [0, 1, 2], [2.0, 3.0, 4.0], right=5.0)
    return rows.program("k", ["a", "b", "c"], [3.0, 4.0, 5.0], sense=sense)  # type: ignore[arg-type]


def test_both_bounds_of_a_knapsack() -> None:
    assert root_bound(build_model(knapsack())) == pytest.approx(7.0)
    solution = first_solution(build_model(knapsack()))
    assert solution is not None
    assert 0.0 <= solution <= 7.0


def test_an_infeasible_problem_has_no_bounds() -> None:
    rows = Rows()
    rows.add("row", [0, 1], 1.0, left=3.0)
    program = rows.program("p", ["a", "b"], [1.0, 1.0])
    assert first_solution(build_model(program)) is None
    assert root_bound(build_model(program)) is None


def test_known_bounds_are_not_computed() -> None:
    official = instances("load_balancing", "test", 0, 1)[0]  # whose root takes minutes
    assert compute_bounds(official) == initial_bounds(official)


def test_computed_where_unknown() -> None:
    instance = instances("item_placement", "valid", 1, 1)[0]
    bounds = compute_bounds(instance)
    assert bounds.dual == initial_bounds(instance).dual
    assert bounds.primal is not None
    assert bounds.dual is not None
    assert bounds.dual < bounds.primal < 1000


@pytest.mark.parametrize("suffix", [".mps", ".mps.gz", ".LP", ".cip.gz"])
def test_where_the_bounds_are(tmp_path: Path, suffix: str) -> None:
    assert bounds_path(tmp_path / f"a.b_1{suffix}") == tmp_path / "a.b_1.json"


def test_stored_bounds(tmp_path: Path, shared_data: Path) -> None:
    official = stored_bounds(shared_data / "instances" / "item_placement_0.mps.gz")
    assert official == (0.36438072700003654, 615.9814784009984)
    assert stored_bounds(tmp_path / "none.mps") == (None, None)
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(UserError, match="mend or remove"):
        stored_bounds(tmp_path / "x.mps")
