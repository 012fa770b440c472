"""A user's file of SCIP settings: what it says, what this SCIP does not know, what it refuses."""

from pathlib import Path

import pytest
from pyscipopt import Model

from kida.errors import UserError
from kida.solver.set_file import read_set_file, write_set_file


def read(tmp_path: Path, content: str):
    path = tmp_path / "scip.set"
    path.write_text(content)
    return read_set_file(path)


def test_what_scip_writes_is_read_back(tmp_path):
    model = Model()
    model.hideOutput()
    wanted = {
        "branching/scorefunc": "s",
        "limits/time": 33.5,
        "misc/usesymmetry": 2,
        "conflict/enable": False,
        "visual/vbcfilename": "tree.vbc",
    }
    model.setParams(wanted)
    path = tmp_path / "all.set"
    model.writeParams(str(path), comments=True, onlychanged=False, verbose=False)
    found = read_set_file(path)
    assert found.unknown == ()
    assert found.parameters == wanted


def test_what_is_written_is_what_scip_reads(tmp_path):
    path = tmp_path / "scip.set"
    wanted = {"separating/maxrounds": 0, "nodeselection/bfs/stdpriority": 10**6}
    write_set_file(path, wanted)
    assert read_set_file(path).parameters == wanted
    model = Model()
    model.readParams(str(path))
    assert {name: model.getParam(name) for name in wanted} == wanted
    with pytest.raises(UserError, match="SCIP refuses"):
        write_set_file(path, {"no/such/parameter": 1})
    assert read_set_file(path).parameters == wanted


def test_only_what_differs_from_the_default_is_kept(tmp_path):
    content = "# a comment\n\nbranching/pscost/priority = 2000\nlp/pricing = q # why\n"
    found = read(tmp_path, content)
    assert found.parameters == {"lp/pricing": "q"}


def test_names_that_scip_does_not_know_are_told(tmp_path):
    found = read(tmp_path, "foo/bar = 3\nmisc/usesymmetry = 0\n")
    assert found.unknown == ("foo/bar",)
    assert found.parameters == {"misc/usesymmetry": 0}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("misc/usesymmetry = 99", "line 1: SCIP refuses misc/usesymmetry = 99"),
        ("\nmisc/usesymmetry = many", "line 2: SCIP refuses"),
        ("conflict/enable = maybe", "TRUE or FALSE"),
        ("set limits time 3", "is not 'name = value'"),
        ("limits/time = nan", "SCIP refuses limits/time"),
    ],
)
def test_what_scip_refuses_is_named_with_its_line(content, said, tmp_path):
    with pytest.raises(UserError, match=said):
        read(tmp_path, content)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match="there is no file"):
        read_set_file(tmp_path / "none.set")
