"""What several commands share: reading names from the command line, live progress."""

import math
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.status import Status
from rich.text import Text

from kida.files import one_line
from kida.solver.policies import SCIP_RULES, VARIANTS
from kida.solver.solve import Progress
from kida.trajectory import SCIP_INFINITY

#: Seconds between the lines of progress where no line can be rewritten.
PLAIN_INTERVAL = 5.0


def open_console() -> Console:
    """Return the console to print to; files and pipes have room for the widest table."""
    # Names of files and policies are neither markup nor pictures, whatever they hold.
    console = Console(markup=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, emoji=False, width=118)


def explain_policies() -> str:
    """Return what a policy's name may be, as the end of a command's help."""
    names = (
        "A policy is a shipped model's name, a folder that 'kida train' left, a rule of SCIP's "
        f"({', '.join(SCIP_RULES)}), or module:function. A suffix sets further SCIP parameters:"
    )
    indent = " " * 15
    suffixes = [
        textwrap.fill(
            variant.meaning, 98, initial_indent=f"  -{name}".ljust(15), subsequent_indent=indent
        )
        for name, variant in VARIANTS.items()
    ]
    return "\n".join([textwrap.fill(names, 98), *suffixes])


def read_names(text: str) -> list[str]:
    """Return the names of a comma-separated list, blanks around them removed."""
    return [name.strip() for name in text.split(",") if name.strip()]


def bound_text(bound: float) -> str:
    """Return a bound for people: ten digits, or a word for "none"."""
    return "none" if math.isinf(bound) else f"{bound:.10g}"


def gap_text(gap: float | None) -> str:
    """Return a gap as SCIP shows it; None is an infinite one, and so is what SCIP takes for one."""
    if gap is None or gap >= SCIP_INFINITY:
        return "infinite"
    return f"{100 * gap:.2f} %"


class ProgressLine:
    """Shows where a solve stands: a line that is rewritten, or lines where that is impossible."""

    def __init__(self, console: Console, label: str, status: Status | None) -> None:
        self.label = label
        self._console = console
        self._status = status
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        """Show ``progress``."""
        line = (
            f"{self.label}: {progress.wall:.0f} s, dual bound {bound_text(progress.dual_bound)}, "
            f"primal {bound_text(progress.primal_bound)}, {progress.nodes:,} nodes"
        )
        if self._status is not None:
            self._status.update(Text(line))
        elif time.monotonic() - self._last >= PLAIN_INTERVAL:
            self._last = time.monotonic()
            self._console.print(line, highlight=False, soft_wrap=True)


@contextmanager
def progress_line(console: Console, label: str) -> Iterator[ProgressLine]:
    """Show the progress of a solve while the block runs; nothing of it stays on a terminal."""
    label = one_line(label)
    if console.is_terminal:
        with console.status(Text(label)) as status:
            yield ProgressLine(console, label, status)
    else:
        yield ProgressLine(console, label, None)
