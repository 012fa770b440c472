"""Progress: a bar on a terminal, a line a minute on a pipe, and an estimate that is no nonsense."""

import io
import time

import pytest
from rich.console import Console

from kida.cli import progress
from kida.cli.progress import ProgressBar, duration


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_pipe_gets_a_line_a_minute(clock) -> None:
    output = io.StringIO()
    with ProgressBar(Console(file=output, width=118)) as bar:
        for step in range(1, 21):
            clock[0] += 10
            bar.show("episodes", step, 40, f"{step * 5} samples")
    lines = output.getvalue().splitlines()
    assert len(lines) == 3
    # Five steps in 50 s since the first was shown: 34 more take 340 s.
    assert lines[0] == "episodes: 6 of 40, 30 samples, about 6 min left"


def test_steps_done_before_say_nothing_of_the_speed(clock) -> None:
    output = io.StringIO()
    with ProgressBar(Console(file=output, width=118)) as bar:
        bar.show("runs", 90, 100)
        clock[0] += 60
        bar.show("runs", 91, 100)
        clock[0] += 60
        bar.show("steps", 0, None, "thinking")
    assert output.getvalue().splitlines() == [
        "runs: 91 of 100, about 9 min left",
        "steps: 0, thinking",
    ]


def test_what_is_left_of_all_work_comes_last(clock) -> None:
    output = io.StringIO()
    with ProgressBar(Console(file=output, width=118)) as bar:
        bar.show("episodes", 0, 10, "slow", whole=7000.0)
        clock[0] += 60
        bar.show("episodes", 1, 10, "slow", whole=6000.0)
    line = "episodes: 1 of 10, slow, about 9 min left, about 1 h 40 min of the whole run\n"
    assert output.getvalue() == line


def test_a_terminal_gets_a_bar_and_lines_above_it() -> None:
    output = io.StringIO()
    with ProgressBar(Console(file=output, width=118, force_terminal=True)) as bar:
        bar.show("episodes", 3, 40, "15 samples")
        bar.say("[1/2] a line, with [brackets] and mine:boom: as it is")
        time.sleep(0.2)
    assert "a line, with [brackets] and mine:boom: as it is" in output.getvalue()
    assert "3/40" in output.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5 s"), (300, "5 min"), (5400, "1 h 30 min"), (3600 * 30, "30 h 00 min")],
)
def test_durations(seconds, text) -> None:
    assert duration(seconds) == text
