"""The figure of a verdict: where every instance stands, and all of them, beside the baseline."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kida.evaluation.comparisons import shifted_geometric_mean
from kida.evaluation.drawing import COLOURS, log_axis, short
from kida.evaluation.headline import Headline
from kida.evaluation.verdict import SHIFTS, SHORTEST, UNBOUNDED, Pair

# More than that have no names.
_MOST_ROWS = 14
_AXES = {
    "time": "times faster than {}",
    "bound": "distance from the best dual bound over time, relative to {}",
    "gap": "gap over time, relative to {}",
}


def draw_verdict(found: Headline) -> Figure:
    """Draw the ratio of each instance, and of all with its interval.

    Of times it is how many times faster the policy is, as in the sentence: right of 1 is better.
    Of bounds and gaps left of it is.
    """
    faster = found.verdict.goal == "time"
    rows = _rows(found)
    named = len(rows) <= _MOST_ROWS
    height = 0.26 * min(len(rows), _MOST_ROWS) + 1.5
    figure = Figure(figsize=(7, height), layout="constrained")
    axes = figure.subplots()
    ratio = _shown(found.verdict.ratio, faster)
    known = [_shown(end, faster) for end in found.verdict.interval if 0 < end < UNBOUNDED]
    if len(known) == 2:
        axes.axvspan(*sorted(known), color=COLOURS[0], alpha=0.15, linewidth=0)
    axes.axvline(ratio, color=COLOURS[0], linewidth=1.6)
    axes.axvline(1.0, color="black", linewidth=1.0, linestyle=(0, (4, 2)))
    for place, (_, mine) in enumerate(rows):
        colour, marker = (COLOURS[0], "o") if mine < 1 else (COLOURS[1], "s")
        if math.isclose(mine, 1.0, rel_tol=1e-6):
            colour, marker = "0.4", "D"
        end = _shown(mine, faster)
        axes.plot([1.0, end], [place, place], color=colour, linewidth=1.0, zorder=1)
        axes.plot(end, place, marker, color=colour, fillstyle="full" if mine < 1 else "none")
    axes.set_ylim(-0.7, len(rows) - 0.3)
    names = [short(name) for name, _ in rows if named]
    axes.set_yticks(range(len(names)), names)
    if not named:
        axes.set_ylabel(f"{len(rows)} {found.marked}s")
    ends = [*(_shown(mine, faster) for _, mine in rows), ratio, 1.0, *known]
    log_axis(axes, min(ends) / 1.15, max(ends) * 1.15)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel(_AXES[found.verdict.goal].format(short(found.baseline)))
    axes.spines[["top", "right"]].set_visible(False)
    _name_sides(axes, found, faster)
    return figure


def _name_sides(axes: Axes, found: Headline, faster: bool) -> None:
    """Say above the axes who is better on which side."""
    sides = [(found.policy, COLOURS[0]), (found.baseline, COLOURS[1])]
    (left, left_colour), (right, right_colour) = sides[::-1] if faster else sides
    style: dict[str, Any] = {"transform": axes.transAxes, "fontsize": "small"}
    axes.text(0, 1.03, f"\u2190 {short(left)} is better", ha="left", color=left_colour, **style)
    axes.text(1, 1.03, f"{short(right)} is better \u2192", ha="right", color=right_colour, **style)


def _shown(ratio: float, faster: bool) -> float:
    return 1 / ratio if faster else ratio


def _rows(found: Headline) -> list[tuple[str, float]]:
    """Return a name and a ratio of everything that the interval is over; the best comes last."""
    shift = SHIFTS[found.verdict.goal]
    by_name: dict[str, list[Pair]] = {}
    for pair in found.pairs:
        by_name.setdefault(pair.instance, []).append(pair)
    rows = [(name, _ratio(mine, shift)) for name, mine in by_name.items()]
    if found.marked == "run":
        of = {name: f"{name}, " if len(by_name) > 1 else "" for name in by_name}
        rows = [(f"{of[p.instance]}seed {p.seed}", _ratio([p], shift)) for p in found.pairs]
    return sorted(rows, key=lambda row: -row[1])


def _ratio(pairs: Sequence[Pair], shift: float) -> float:
    mine, other = (
        max(shifted_geometric_mean(seconds, shift), SHORTEST)
        for seconds in zip(*((pair.seconds, pair.default_seconds) for pair in pairs), strict=True)
    )
    return mine / other
