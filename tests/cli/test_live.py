"""The live plot: what it shows of both bounds, and that pipes get lines instead."""

import io
import math

import pytest
from rich.console import Console

from kida.cli import live
from kida.cli.live import LivePlot, ProgressLine, show_progress
from kida.solver.solve import Progress


def at(wall: float, dual: float, primal: float) -> Progress:
    return Progress(wall, dual, primal, int(10 * wall), 0)


def drawn(plot: LivePlot, width: int = 80) -> list[str]:
    output = io.StringIO()
    Console(file=output, width=width).print(plot)
    return output.getvalue().splitlines()


def test_both_bounds_and_where_the_solve_stands():
    plot = LivePlot("p, default")
    for step in range(41):
        plot(at(step / 4, 10 + step / 4, 24.0 if step > 20 else math.inf))
    *picture, axis, times, status = drawn(plot)
    assert len(picture) == 12
    assert times.split() == ["0", "s", "10", "s"]
    assert axis.strip().startswith("\u2514\u2500")
    assert status == ("p, default: 10 s, dual bound 20 (solid), primal 24 (dotted), 100 nodes")
    # The dual bound rises to the right, and above it the primal one begins halfway.
    assert picture[-1].rstrip()[-1] not in "\u2524\u2502" or picture[-2].rstrip()[-1] != "\u2502"
    top = picture[0][11:] + picture[1][11:]
    assert top.strip()
    assert not picture[0][11:40].strip()


def test_a_primal_bound_far_away_is_said_to_be_outside():
    plot = LivePlot("p")
    for step in range(10):
        plot(at(step, 5 + step, 1e6))
    assert "primal 1000000 (outside)" in drawn(plot)[-1]


def test_several_solves_have_a_letter_each():
    plot = LivePlot("x")
    for label in ("one", "two"):
        plot.label = label
        for step in range(5):
            plot(at(step, step * (2 if label == "one" else 1), math.inf))
    lines = drawn(plot)
    assert [line.split(":")[0] for line in lines[-2:]] == ["a one", "b two"]
    assert any(line.endswith("a") for line in lines[:12])
    assert any(line.endswith("b") for line in lines[:12])


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [at(0.1, -math.inf, math.inf)],
        [at(5, -math.inf, math.inf)],
        [at(5, 3.0, 3.0)],
        [at(5, 0.0, 0.0), at(6, 0.0, 0.0)],
        [at(1, -1e15, math.inf), at(50, -1e15 + 1, 1e19)],
        [at(2, math.inf, -math.inf), at(9, 7.0, -3.0), at(10, 6.0, 5.0)],
    ],
)
@pytest.mark.parametrize("width", [20, 80, 300])
def test_whatever_the_bounds_it_can_be_drawn(steps, width):
    plot = LivePlot("p")
    for step in steps:
        plot(step)
    assert all(len(line) <= width for line in drawn(plot, width))


def test_a_terminal_gets_the_plot_and_a_short_solve_leaves_nothing():
    for end, stays in ((0.2, False), (3.0, True)):
        output = io.StringIO()
        console = Console(file=output, force_terminal=True, width=80)
        with show_progress(console, "p") as show:
            assert isinstance(show, LivePlot)
            show(at(end / 2, 1.0, 9.0))
            show(at(end, 2.0, 9.0))
        assert show.worth_keeping is stays


def test_a_pipe_gets_a_line_a_minute_beside_the_result(monkeypatch, capsys):
    now = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    output = io.StringIO()
    with show_progress(Console(file=output, width=118), "p") as show:
        assert isinstance(show, ProgressLine)
        for step in range(1, 8):
            now[0] += 20.0
            show(at(20 * step, 1.0, 9.0))
    assert output.getvalue() == ""
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "p: 60 s, dual bound 1, primal 9, 600 nodes"
    assert len(lines) == 2


def test_a_dumb_terminal_gets_lines_too(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    with show_progress(Console(file=io.StringIO(), force_terminal=True), "p") as show:
        assert isinstance(show, ProgressLine)
