"""Where a solve stands while it runs: both bounds over time on a terminal, else a line a minute.

Dual bounds are solid lines, primal bounds dotted ones. The picture is for the dual bound: its
values in the first tenth of the time, and a primal bound that is far away, may lie outside.
"""

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

from kida.cli.canvas import ACROSS, Canvas
from kida.cli.common import bound_text
from kida.cli.progress import PLAIN_INTERVAL
from kida.files import one_line
from kida.solver.solve import Progress

# Blue, vermilion, green, purple, of equal brightness on dark and on light ground.
_COLOURS = ("#3A8FD0", "#D55E00", "#009E73", "#CC79A7")
_ROWS, _MOST_COLUMNS = 12, 100
# Letters for the numbers beside the picture.
_MARGIN = 11
# Seconds of a solve below which there is nothing to see.
_SOON = 1.0
# A primal bound is shown if it is so many times as far from the dual bounds as these go.
_REACH = 3.0


@dataclass
class _Curve:
    """One solve: its bounds from each change on, and where it stands."""

    letter: str
    style: str
    times: list[float] = field(default_factory=list)
    dual: list[float] = field(default_factory=list)
    primal: list[float] = field(default_factory=list)
    last: Progress | None = None

    def add(self, progress: Progress) -> None:
        now = (progress.dual_bound, progress.primal_bound)
        self.last = progress
        if not self.times or now != (self.dual[-1], self.primal[-1]):
            self.dual.append(progress.dual_bound)
            self.primal.append(progress.primal_bound)
            # Last, for whoever draws meanwhile: what has a time has bounds.
            self.times.append(progress.wall)

    @property
    def end(self) -> float:
        """Seconds that it has taken so far."""
        return 0.0 if self.last is None else self.last.wall

    def position(self, instant: float) -> int | None:
        """Return which of the changes holds at ``instant``; None before the first and after all."""
        place = bisect_right(self.times, instant) - 1
        return place if place >= 0 and instant <= self.end else None


class LivePlot:
    """Shows where solves stand: a picture of their bounds, and a line each.

    Attributes
    ----------
    label
        Of the solve under way; another one begins another curve.
    """

    def __init__(self, label: str) -> None:
        self.label = label
        self._curves: dict[str, _Curve] = {}

    def __call__(self, progress: Progress) -> None:
        """Take in where the solve under way stands."""
        if self.label in self._curves:
            self._curves[self.label].add(progress)
            return
        count = len(self._curves)
        curve = _Curve(chr(ord("a") + count % 26), _COLOURS[count % len(_COLOURS)])
        curve.add(progress)
        # Another one, and no change of the one that another thread may be drawing.
        self._curves = self._curves | {self.label: curve}

    @property
    def worth_keeping(self) -> bool:
        """Whether there is anything to see."""
        return max((curve.end for curve in self._curves.values()), default=0.0) >= _SOON

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the picture, as wide as the terminal allows."""
        if self.worth_keeping and (frame := self._frame()) is not None:
            columns = max(min(options.max_width - _MARGIN - 2, _MOST_COLUMNS), 10)
            yield from self._picture(columns, *frame)
        else:
            frame = None
        for label, curve in self._curves.items():
            yield _status(label, curve, frame, several=len(self._curves) > 1)
        if not self._curves:
            yield Text(self.label)

    def _frame(self) -> tuple[float, float] | None:
        """Return the lowest and the highest value to be shown, None without any bound."""
        shown = [
            bound
            for curve in self._curves.values()
            for place, bound in enumerate(curve.dual)
            if math.isfinite(bound)
            and (place + 1 >= len(curve.times) or curve.times[place + 1] >= curve.end / 10)
        ]
        if not shown:
            return None
        spread = max(shown) - min(shown)
        for curve in self._curves.values():
            near = math.isfinite(curve.primal[-1]) and (
                not spread or abs(curve.primal[-1] - curve.dual[-1]) <= _REACH * spread
            )
            if near:
                shown.append(curve.primal[-1])
        low, high = min(shown), max(shown)
        room = 0.05 * (high - low) or max(abs(high), 1.0) * 0.01
        return low - room, high + room

    def _picture(self, columns: int, low: float, high: float) -> Iterator[Text]:
        canvas = Canvas(columns, _ROWS)
        end = max(curve.end for curve in self._curves.values())

        def row(bound: float) -> int | None:
            share = (high - bound) / (high - low)
            return round(share * (canvas.height - 1)) if 0 <= share <= 1 else None

        for curve in self._curves.values():
            self._draw(canvas, curve, end, row)
        for number, line in enumerate(canvas.lines()):
            value = {0: high, _ROWS // 2: (low + high) / 2, _ROWS - 1: low}.get(number)
            name = "" if value is None else _axis_number(value, high - low)
            yield Text.assemble(f"{name:>{_MARGIN - 2}} ", ("┤" if name else "│", "dim"), line)
        left, right = "0 s", f"{end:.0f} s"
        yield Text(" " * (_MARGIN - 1) + "└" + "─" * columns, style="dim")
        yield Text(" " * _MARGIN + left + f"{right:>{columns - len(left)}}")

    def _draw(
        self, canvas: Canvas, curve: _Curve, end: float, row: Callable[[float], int | None]
    ) -> None:
        before: int | None = None
        for x in range(canvas.width):
            place = curve.position(end * x / (canvas.width - 1))
            if place is None:
                continue
            y = row(curve.dual[place])
            if y is not None:
                # A jump is a line upwards, or downwards.
                start = y if before is None else before
                for level in range(min(start, y), max(start, y) + 1):
                    canvas.dot(x, level, curve.style)
            before = y
            above = row(curve.primal[place])
            if above is not None and x % (2 * ACROSS) == 0:
                canvas.dot(x, above, curve.style)
        if len(self._curves) > 1 and before is not None and end:
            x = round(curve.end / end * (canvas.width - 1))
            canvas.letter(x, before, curve.letter, f"bold {curve.style}")


def _axis_number(value: float, range_shown: float) -> str:
    """Return a number with as many digits as tell it from others within the range."""
    digits = max(0, min(6, 2 - math.floor(math.log10(range_shown))))
    text = f"{value:.{digits}f}"
    return text if len(text) < _MARGIN - 1 else f"{value:.3g}"


def _status(label: str, curve: _Curve, frame: tuple[float, float] | None, *, several: bool) -> Text:
    progress = curve.last
    assert progress is not None
    name = f"{curve.letter} {label}" if several else label
    solid = dotted = ""
    if frame is not None:
        solid = " (solid)"
        dotted = " (dotted)" if frame[0] <= progress.primal_bound <= frame[1] else " (outside)"
    return Text.assemble(
        (name, curve.style),
        f": {progress.wall:.0f} s, dual bound {bound_text(progress.dual_bound)}{solid}, primal "
        f"{bound_text(progress.primal_bound)}{dotted}, {progress.nodes:,} nodes",
    )


class ProgressLine:
    """Shows where solves stand where no line can be rewritten: a line a minute."""

    def __init__(self, console: Console, label: str) -> None:
        self.label = label
        self._console = console
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Show ``progress``."""
        if time.monotonic() - self._last < PLAIN_INTERVAL:
            return
        self._last = time.monotonic()
        self._console.print(
            f"{self.label}: {progress.wall:.0f} s, dual bound {bound_text(progress.dual_bound)}, "
            f"primal {bound_text(progress.primal_bound)}, {progress.nodes:,} nodes",
            highlight=False,
            soft_wrap=True,
        )


@contextmanager
def show_progress(console: Console, label: str) -> Iterator[LivePlot | ProgressLine]:
    """Show the progress of solves while the block runs; on a terminal the picture stays."""
    label = one_line(label)
    if not console.is_terminal or console.is_dumb_terminal:
        # Beside the result, which programs may read.
        yield ProgressLine(Console(stderr=True, markup=False, emoji=False), label)
        return
    plot = LivePlot(label)
    with Live(plot, console=console, refresh_per_second=4) as live:
        yield plot
        live.transient = not plot.worth_keeping
