"""Names and paths of any bytes are solved like others, and solutions can be read again."""

import gzip
import os
from pathlib import Path

import pytest

from kida.instances.registry import instances
from kida.rule import Recording
from kida.solver import names
from kida.solver.branching import attach_collector
from kida.solver.describe import describe
from kida.solver.problem import read_model, write_problem
from kida.solver.solve import solve

ROOT = Path(__file__).parents[2]
# Latin-1, and two names that differ only in what is no UTF-8.
LP = b"""Maximize
 z\xf6l: 3 gr\xf6\xdfe + 2 gr\xfc\xdfe + y
Subject To
 c\xe4: 3 gr\xf6\xdfe + 7 gr\xfc\xdfe + y <= 40.5
 c2: gr\xf6\xdfe - gr\xfc\xdfe <= 3.5
Bounds
 gr\xf6\xdfe <= 100
 y <= 1
Generals
 gr\xf6\xdfe gr\xfc\xdfe y
End
"""


@pytest.fixture(params=[".lp", ".mps", ".cip"])
def latin1(request, tmp_path: Path) -> Path:
    path = tmp_path / "latin1.lp"
    path.write_bytes(LP)
    if request.param != ".lp":
        model = read_model(path)
        path = path.with_suffix(request.param)
        model.writeProblem(str(path), verbose=False)
        model.free()
    assert b"gr\xf6\xdfe" in path.read_bytes()
    return path


def test_names_that_are_not_utf8_are_solved_and_written(latin1, tmp_path):
    file = tmp_path / "best.sol"
    result = solve(instances(str(latin1))[0], "item_placement", solution_file=file)
    assert result.termination.status == "optimal"
    # x = 6, y = 3 is the best of the two, and z at its bound.
    best = {"gr\\xf6\\xdfe": 6.0, "gr\\xfc\\xdfe": 3.0, "y": 1.0}
    assert result.solution == pytest.approx(best)
    assert result.primal_bound == pytest.approx(25.0)
    assert b"gr\xf6\xdfe" in file.read_bytes()
    model = read_model(latin1)
    read = model.readSolFile(str(file))
    assert model.getSolObjVal(read) == pytest.approx(25.0)


def test_names_that_are_not_utf8_can_be_described(latin1):
    assert describe(latin1).nonzeros == 5


def test_functions_that_score_see_such_names(latin1):
    model = read_model(latin1)
    seen = []

    def score(node):
        seen.extend(node.names)
        return node.scores

    recording = Recording(probability_by_depth=(1.0,), expert_candidates=0)
    brancher = attach_collector(model, None, recording, acting="random", expert_score=score)
    model.setParam("presolving/maxrounds", 0)
    model.setParam("limits/nodes", 3)
    model.setHeuristics(3)
    model.setSeparating(3)
    model.optimize()
    brancher.raise_error()
    assert any("gr\ufffd" in name for name in seen)


def test_paths_that_are_not_utf8_are_read_and_written(tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xf6\xdfe"))
    folder.mkdir()
    file = folder / os.fsdecode(b"\xfc.lp.gz")
    file.write_bytes(gzip.compress(LP))
    (instance,) = instances(str(folder), "all")
    assert instance.name == "\\xfc"
    solution = folder / os.fsdecode(b"\xfc.sol")
    assert solve(instance, "default", solution_file=solution).primal_bound == pytest.approx(25.0)
    assert b"gr\xf6\xdfe" in solution.read_bytes()
    assert {path.suffix for path in folder.iterdir()} == {".gz", ".sol"}


def test_a_packed_file_is_unpacked_where_scip_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ROOT / "instances/set_cover_easy_valid_0.mps.gz"
    exact = read_model(source)
    monkeypatch.setattr(names, "_must_be_unpacked", lambda path: path.suffix == ".gz")
    with names.path_to_read(source) as readable:
        assert Path(readable).suffix == ".mps"
    again = read_model(source)
    write_problem(again, tmp_path / "again.lp.gz")
    monkeypatch.undo()
    for model in (again, read_model(tmp_path / "again.lp.gz")):
        assert model.getNVars() == exact.getNVars()
        assert model.getNConss() == exact.getNConss()
