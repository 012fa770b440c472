"""The matrix of a problem, counted on a grid."""

import pytest
from pyscipopt import Model

from kida.errors import UserError
from kida.instances.set_cover import set_cover
from kida.instances.source import Source
from kida.solver.pattern import MOST_ACROSS, MOST_DOWN, pattern_of
from kida.solver.problem import build_model


def test_a_small_matrix_is_shown_as_it_is():
    model = Model()
    model.hideOutput()
    x, y, z = (model.addVar(name, vtype) for name, vtype in (("x", "B"), ("y", "I"), ("z", "C")))
    model.addCons(x + 2 * y <= 3)
    model.addCons(z >= 1)
    model.addCons(x + y + z <= 9)
    found = pattern_of(model)
    assert (found.rows, found.columns, found.kinds) == (3, 3, "bic")
    assert found.cells == ((1, 1, 0), (0, 0, 1), (1, 1, 1))


def test_a_large_one_is_shrunk_and_nothing_is_lost():
    model = build_model(set_cover("p", Source(1), rows=250, columns=400))
    found = pattern_of(model)
    assert (found.rows, found.columns) == (250, 400)
    assert (len(found.cells), len(found.cells[0])) == (MOST_DOWN, MOST_ACROSS)
    nonzeros = sum(model.getConsNVars(row) for row in model.getConss(transformed=False))
    assert sum(map(sum, found.cells)) == nonzeros
    assert set(found.kinds) == {"b"}


def test_without_linear_rows_there_is_nothing_to_show():
    model = Model()
    model.hideOutput()
    model.addVar("x")
    with pytest.raises(UserError, match="no linear rows"):
        pattern_of(model)
