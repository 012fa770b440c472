"""The figure of the study of inheritance: how much better each heir is than the best member."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from kida.evaluation.drawing import COLOURS, figure_with_axes
from kida.lab.inheritance import PRIMARY
from kida.lab.members import CELLS

# Inches of a line.
_LINE = 0.3


def figure(content: Mapping[str, Any]) -> Figure:
    """Return a line per heir, by cell; filled marks are of comparisons named beforehand.

    Parameters
    ----------
    content
        As :func:`kida.lab.inheritance.study` yields it.
    """
    found, axes = figure_with_axes("better than the best member (%)", "")
    rows = [row for row in content["rows"] if "over_best" in row]
    found.set_size_inches(8.0, 1.2 + _LINE * len(rows))
    colours = dict(zip(CELLS, COLOURS, strict=False))
    for place, row in enumerate(rows):
        cell = row["cell"]
        mean, low, high = (100 * value for value in row["over_best"])
        named = (cell, row["heir"], "over_best") in PRIMARY
        axes.errorbar(
            [mean],
            [-place],
            xerr=[[mean - low], [high - mean]],
            fmt="o",
            color=colours[cell],
            markerfacecolor=colours[cell] if named else "white",
            capsize=2.5,
        )
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.set_yticks(
        [-place for place in range(len(rows))], [f"{row['cell']}: {row['heir']}" for row in rows]
    )
    return found
