"""Where the nonzeros of a problem are: its matrix, shrunk to a grid for a spy plot."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from kida.errors import UserError

#: The grid's size at most: what fits into a terminal, in dots.
MOST_ACROSS, MOST_DOWN = 144, 96


@dataclass(frozen=True)
class Pattern:
    """Nonzeros of the linear rows, counted in the cells of a grid.

    Attributes
    ----------
    rows, columns
        Sizes of the matrix, in the order of the file.
    cells
        Counts, one list per row of the grid from above; at most ``MOST_DOWN`` of ``MOST_ACROSS``.
    kinds
        A letter per column of the grid: what its variables are, ``"b"``inary, ``"i"``nteger or
        ``"c"``ontinuous, or ``"*"`` for several of these.
    """

    rows: int
    columns: int
    cells: tuple[tuple[int, ...], ...]
    kinds: str


def pattern_of(model: Any) -> Pattern:
    """Return the pattern of a model that has been read and not been solved.

    Raises
    ------
    UserError
        If it has no linear row or no variable.
    """
    variables = model.getVars(transformed=False)
    rows = [row for row in model.getConss(transformed=False) if row.isLinear()]
    if not rows or not variables:
        raise UserError("the problem has no linear rows: there is nothing for --plot to show")
    places = {variable.getIndex(): place for place, variable in enumerate(variables)}
    down, across = min(len(rows), MOST_DOWN), min(len(variables), MOST_ACROSS)
    cells = np.zeros((down, across), np.int64)
    for number, row in enumerate(rows):
        held = [places[variable.getIndex()] for variable in model.getConsVars(row)]
        found = np.array(held, np.int64) * across // len(variables)
        np.add.at(cells[number * down // len(rows)], found, 1)
    kinds: list[set[str]] = [set() for _ in range(across)]
    for place, variable in enumerate(variables):
        letter = {"BINARY": "b", "INTEGER": "i"}.get(variable.vtype(), "c")
        kinds[place * across // len(variables)].add(letter)
    return Pattern(
        len(rows),
        len(variables),
        tuple(map(tuple, cells.tolist())),
        "".join(kind.pop() if len(kind) == 1 else "*" for kind in kinds),
    )
