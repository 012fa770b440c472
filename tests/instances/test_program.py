from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyscipopt import Model

from kida.errors import UserError
from kida.instances.program import Program, Rows, round_to_file
from kida.solver.problem import build_model


def read(path: Path) -> Model:
    model = Model()
    model.hideOutput()
    model.readProblem(str(path))
    return model


def content(model: Model) -> tuple[object, ...]:
    """Everything about a linear problem, in SCIP's order."""
    variables = [
        (v.name, v.vtype(), v.getLbOriginal(), v.getUbOriginal(), v.getObj())
        for v in model.getVars()
    ]
    rows = [
        (c.name, model.getLhs(c), model.getRhs(c), list(model.getValsLinear(c).items()))
        for c in model.getConss()
    ]
    return model.getObjectiveSense(), variables, rows


def small(sense: str = "maximize", binaries: int = 3) -> Program:
    rows = Rows()
    rows.add("at_most", [2, 0, 3], [1.5, 1 / 3, -2.0], right=2.0)
    rows.add("at_least", [1, 4], 1.0, left=-1.25)
    rows.add("equation", [0, 1, 2, 3, 4], np.arange(1.0, 6.0), left=4.0, right=4.0)
    return rows.program(
        "small",
        [f"x{j}" for j in range(6)],  # x5 is in no row
        [1.0, -2.5, 0.0, 1e-7, 0.1 + 0.2, 0.0],
        binaries=binaries,
        lower=[0, 0, 0, -np.inf, -3.0, 1.0],
        upper=[1, 1, 1, np.inf, 1e6 / 7, 1.0],
        sense=sense,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
@pytest.mark.parametrize("suffix", [".mps", ".mps.gz"])
def test_memory_and_file_are_the_same_problem(tmp_path: Path, sense: str, suffix: str) -> None:
    program = small(sense)
    program.write(tmp_path / f"x{suffix}")
    assert content(read(tmp_path / f"x{suffix}")) == content(build_model(program))


def test_lp_format_holds_the_same_problem(tmp_path: Path) -> None:
    model = build_model(small())
    model.writeProblem(str(tmp_path / "x.lp"), verbose=False)
    sense, variables, rows = content(read(tmp_path / "x.lp"))
    ours = content(model)
    assert sense == ours[0] == "maximize"
    # SCIP's own writer orders variables its own way and prints 15 digits.
    by_name = {v[0]: v[1:] for v in variables}  # type: ignore[attr-defined]
    for name, kind, lower, upper, cost in ours[1]:  # type: ignore[attr-defined]
        assert by_name[name][0] == kind
        assert by_name[name][1:] == pytest.approx((lower, upper, cost), rel=1e-14)
    assert [row[0] for row in rows] == [row[0] for row in ours[2]]  # type: ignore[attr-defined]
    for theirs, mine in zip(rows, ours[2], strict=True):  # type: ignore[call-overload]
        assert dict(theirs[3]) == pytest.approx(dict(mine[3]), rel=1e-14)


@given(
    binaries=st.integers(0, 6),
    # SCIP's reader takes what is below its epsilon for zero.
    costs=st.lists(
        st.just(0.0) | st.floats(1e-6, 1e9) | st.floats(-1e9, -1e-6), min_size=6, max_size=6
    ),
)
@settings(max_examples=25, deadline=None)
def test_any_number_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, binaries: int, costs: list[float]
) -> None:
    rows = Rows()
    rows.add("row", range(6), [cost if abs(cost) > 1e-3 else 1.0 for cost in costs], left=-1.0)
    program = rows.program("p", [f"x{j}" for j in range(6)], costs, binaries=binaries)
    path = tmp_path_factory.mktemp("numbers") / "x.mps"
    program.write(path)
    assert content(read(path)) == content(build_model(program))


def test_same_bytes_every_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        small().write(tmp_path / f"{name}.mps.gz")
    assert (tmp_path / "a.mps.gz").read_bytes() == (tmp_path / "b.mps.gz").read_bytes()


def test_inconsistent_programs_are_refused() -> None:
    rows = Rows()
    rows.add("both", [0], 1.0, left=0.0, right=1.0)
    with pytest.raises(ValueError, match="one finite side"):
        rows.program("p", ["x"], [1.0])
    rows = Rows()
    rows.add("twice", [0, 0], 1.0, left=0.0)
    with pytest.raises(ValueError, match="ascend"):
        rows.program("p", ["x"], [1.0])
    with pytest.raises(ValueError, match="another length"):
        Rows().program("p", ["x", "y"], [1.0])


def test_bad_file_names(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"\.mps"):
        small().write(tmp_path / "x.lp")


def test_round_to_file_keeps_six_digits() -> None:
    assert round_to_file(0.123456789) == 0.123457
    assert round_to_file(1234567.0) == 1234570.0
