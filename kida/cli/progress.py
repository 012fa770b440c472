"""The one way to show how far long work is: a bar on a terminal, a line a minute elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from kida.files import one_line

#: Seconds between two lines where no line can be rewritten.
PLAIN_INTERVAL = 60.0


class ProgressBar:
    """Shows one phase of work after another; a context manager.

    Parameters
    ----------
    console
        Where to; a file or a pipe gets a line a minute instead of a bar.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            disable=not console.is_terminal,
        )
        self._phase = ""
        self._task = self._bar.add_task("", total=None, note="")
        self._started = self._said = time.monotonic()
        self._first = 0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(
        self,
        phase: str,
        done: int,
        total: int | None,
        note: str = "",
        whole: float | None = None,
    ) -> None:
        """Show that ``done`` of ``total`` steps of ``phase`` are done.

        Parameters
        ----------
        phase
            What is being done; the time left is estimated from this phase alone.
        done, total
            Steps; None: nobody knows how many there will be.
        note
            What else to say, such as a rate.
        whole
            Seconds left of the whole work, all phases to come included; None if nobody knows.
        """
        all_left = "" if whole is None else f"about {duration(whole)} of the whole run"
        if phase != self._phase:
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(one_line(phase), total=total, note=note)
            self._phase = phase
            # A resumed phase has done some before: they say nothing of the speed now.
            self._started, self._first = time.monotonic(), done
        self._bar.update(self._task, total=total, completed=done, note=_joined(note, all_left))
        now = time.monotonic()
        if not self._console.is_terminal and now - self._said >= PLAIN_INTERVAL:
            self._said = now
            count = f"{done}" if total is None else f"{done} of {total}"
            left = self._left(done, total, now)
            self.say(_joined(f"{phase}: {count}", note, left, all_left))

    def _left(self, done: int, total: int | None, now: float) -> str:
        if total is None or done <= self._first:
            return ""
        seconds = (now - self._started) / (done - self._first) * (total - done)
        return f"about {duration(seconds)} left"

    def say(self, text: str) -> None:
        """Print a line that stays, above the bar."""
        self._console.print(
            one_line(text), highlight=False, markup=False, emoji=False, soft_wrap=True
        )


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """Return a duration for people: seconds, minutes, or hours and minutes."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
