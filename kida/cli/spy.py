"""A spy plot in the terminal: the nonzeros of a matrix as dots, and what its columns are."""

import itertools

import numpy as np
from rich.text import Text

from kida.cli.canvas import ACROSS, DOWN, Canvas
from kida.solver.pattern import Pattern

_NAMES = {"b": "binary", "i": "integer", "c": "continuous", "*": "mixed"}
# With so many cells that are not empty, a dot is for more than the mean of these alone.
_CROWDED = 0.5


def spy(pattern: Pattern) -> list[Text]:
    """Return the lines of a spy plot.

    A dot is a cell of the grid with a nonzero in it. Where most cells have some, it is one with
    more than their mean, so that blocks still show.
    """
    cells = np.array(pattern.cells)
    down, across = cells.shape
    crowded = np.count_nonzero(cells) > _CROWDED * cells.size
    # Of a matrix that is full everywhere alike the mean is what every cell has.
    least = min(cells[cells > 0].mean(), cells.max()) if crowded else 1
    canvas = Canvas(-(-across // ACROSS), -(-down // DOWN))
    for y, x in np.argwhere(cells >= least).tolist():
        canvas.dot(x, y)
    frame = "─" * (-(-across // ACROSS))
    lines = [Text(f"┌{frame}┐")]
    lines += [Text.assemble("│", line, "│") for line in canvas.lines()]
    lines += [Text(f"└{frame}┘"), Text(" " + pattern.kinds[::ACROSS]), Text(_legend(pattern))]
    size = f"{pattern.rows:,} linear rows, {pattern.columns:,} columns, in the file's order"
    height, width = -(-pattern.rows // down), -(-pattern.columns // across)
    each = f"a dot is up to {height} rows by {width} columns"
    more = ", where there are more nonzeros than on average" if crowded else ""
    return [*lines, Text(f"{size}; {each}{more}")]


def _legend(pattern: Pattern) -> str:
    kinds = [kind for kind, _ in itertools.groupby(sorted(pattern.kinds))]
    return " columns: " + ", ".join(f"{kind} {_NAMES[kind]}" for kind in kinds)
