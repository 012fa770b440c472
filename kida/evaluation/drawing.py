"""What the figures of a report have in common: looks, names of lines, the axis of time."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Locator, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from kida.evaluation.results import Results

# Okabe and Ito's colours, distinguishable with any colour vision; yellow left out on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00", "#56B4E9")
_LINES = (
    "-",
    "--",
    "-.",
    ":",
    (0, (5, 1, 1, 1, 1, 1)),
    (0, (1, 3)),
    (0, (8, 3)),
    (0, (8, 2, 1, 2)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
HATCHES = ("", "///", "...", "xxx", "\\\\\\", "ooo")

#: Runs, or factors, of which the longest is so many times the shortest are shown on a logarithm.
TENS = 10.0
#: Seconds that a logarithmic axis shows at least.
SHORTEST = 0.01
#: Instants at which step functions are drawn.
_INSTANTS = 400
# More lines than that have their names in a legend.
_MOST_LABELS = 6


class Styles:
    """Gives each policy the same look in every figure."""

    def __init__(self, policies: Sequence[str]) -> None:
        # Counts of looks that share no divisor: they coincide only after all combinations.
        numbers = [*enumerate(policies)]
        self.colour = {policy: COLOURS[number % len(COLOURS)] for number, policy in numbers}
        self.line = {policy: _LINES[number % len(_LINES)] for number, policy in numbers}
        self.marker = {policy: _MARKERS[number % len(_MARKERS)] for number, policy in numbers}


def figure_with_axes(x: str, y: str) -> tuple[Figure, Axes]:
    """Return an empty figure with one pair of axes of these names."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def short(name: str, most: int = 30) -> str:
    """Return a name with at most so many characters: of paths, the end says more."""
    return name if len(name) <= most else "\u2026" + name[1 - most :]


def log_axis(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic, from ``low`` to ``high``, with plain numbers."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    locator: Locator = MaxNLocator(5, steps=[1, 2, 5, 10])
    if high / low >= TENS:
        locator = LogLocator(subs=(1.0, 2.0, 5.0) if high / low < 1000 else (1.0,))
    ticks = locator.tick_values(low, high)
    # The ends may be rounded.
    shown = [tick for tick in ticks if low * (1 - 1e-6) <= tick <= high * (1 + 1e-6)]
    axes.set_xticks(shown)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter("{x:g}")


def name_lines(axes: Axes) -> None:
    """Write the names of lines at their right ends; of many lines, into a legend."""
    lines = [line for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    if len(lines) > _MOST_LABELS:
        axes.legend()
        return
    # Names need a twentieth of the height each: from below, each is pushed above the one before.
    low, high = axes.get_ylim()
    ends = {line: (float(np.asarray(line.get_ydata())[-1]) - low) / (high - low) for line in lines}
    free = -math.inf
    for line in sorted(lines, key=ends.__getitem__):
        free = max(ends[line], free + 0.055)
        axes.annotate(
            short(str(line.get_label())),
            (1.0, ends[line]),
            (1.02, free),
            xycoords="axes fraction",
            textcoords="axes fraction",
            color=line.get_color(),
            fontweight="bold",
            fontsize="small",
            verticalalignment="center",
            arrowprops={"arrowstyle": "-", "color": line.get_color(), "linewidth": 0.6},
        )


def _lengths(results: Results) -> list[float]:
    """Return the seconds from the end of the root node to the end of each run, or its limit."""
    paths = [record.result.trajectory.bounds() for record in results.records]
    limit = results.protocol.seconds
    return [min(max(float(path.wall[-1]) - path.root_end(), 0.0), limit) for path in paths]


def _is_logarithmic(lengths: Sequence[float]) -> bool:
    return max(lengths) >= TENS * max(min(lengths), SHORTEST)


def times_of(results: Results) -> NDArray[np.float64]:
    """Return instants from the end of the root node to the end of the last run, ``(400,)``.

    On a logarithmic axis they begin where the shortest run has gone a tenth of its way.
    """
    lengths = _lengths(results)
    last = max(lengths) or results.protocol.seconds
    if _is_logarithmic(lengths):
        return np.geomspace(max(min(lengths) / 10, last / 1e4, SHORTEST), last, _INSTANTS)
    return np.linspace(0.0, last, _INSTANTS)


def time_label(results: Results) -> str:
    """Return the name of the axis of time."""
    scale = ", logarithmic" if _is_logarithmic(_lengths(results)) else ""
    return f"time from the end of the root node (s{scale})"


def time_axis(axes: Axes, results: Results, *, label: bool = True) -> None:
    """Make the horizontal axis one of :func:`_times`."""
    if label:
        axes.set_xlabel(time_label(results))
    first, *_, last = times_of(results).tolist()
    if _is_logarithmic(_lengths(results)):
        log_axis(axes, first, last)
    else:
        axes.set_xlim(first, last)
