"""The ``kida`` command: one module per subcommand, imported only when it is called.

A subcommand module defines ``HELP`` (one line), ``configure(parser)`` and
``run(arguments) -> int``; it parses and prints, and leaves all logic to the library.
"""

import argparse
import errno
import importlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from kida.errors import UserError
from kida.files import one_line
from kida.interrupts import Terminated, one_exception_each

COMMANDS = (
    "tune",
    "solve",
    "compare",
    "generate",
    "instances",
    "train",
    "import",
    "evaluate",
    "report",
    "completion",
)

# Of whatever is written to, the output of a command included.
_FULL = (errno.ENOSPC, errno.EDQUOT)


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """Return the parser of the chosen command, or of all commands."""
    parser = argparse.ArgumentParser(
        prog="kida",
        description="Learned branching for SCIP: tune, solve, train and evaluate.",
        epilog="'kida COMMAND --help' explains a command, with examples.",
    )
    parser.add_argument("--version", action="store_true", help="print all versions and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        # Only the chosen command's module is imported: `kida solve` must not pay for `train`.
        if chosen in (name, None):
            module = importlib.import_module(f"kida.cli.{name}")
            sub = subparsers.add_parser(
                name,
                help=module.HELP,
                description=module.__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            module.configure(sub)
            sub.set_defaults(run=module.run)
    return parser


def _show_warning(message: Warning | str, *where: Any, **more: Any) -> None:
    # Which line of kida warned helps nobody who types commands.
    print(f"kida: warning: {one_line(str(message))}", file=sys.stderr)


class _Shown(logging.Handler):
    """Shows what a part of kida logs that nobody listens to, such as that it waits for a core."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"kida: {record.levelname.lower()}: {record.getMessage()}", file=sys.stderr)


@contextmanager
def _shown_log() -> Iterator[None]:
    handler = _Shown(logging.WARNING)
    logger = logging.getLogger("kida")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def how_ended(interrupt: KeyboardInterrupt) -> tuple[int, str]:
    """Return the exit status that an interrupt asks for, and a word for it."""
    if isinstance(interrupt, Terminated):
        return 143, "terminated"
    return 130, "interrupted"


def _print_no_more() -> None:
    """Let what is still to be printed vanish: Python would try again at its end."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def status_of(run: Callable[[], int]) -> int:
    """Run a command, or a script of this repository, and return the exit status.

    2 is a user's mistake, 130 Ctrl-C and 143 SIGTERM, as batch systems send it, and 141 says that
    nobody reads the output any more; otherwise it is what ``run`` returns.
    """
    for stream in (sys.stdout, sys.stderr):
        # Paths are bytes: what cannot be printed is shown as escapes. Tests replace the streams.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings(), _shown_log(), one_exception_each():
            warnings.showwarning = _show_warning
            status = run()
            if sys.stdout is not None:  # as where it was closed: Python prints nowhere
                sys.stdout.flush()
            return status
    except UserError as error:
        print(f"kida: {one_line(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # Whoever read the output has enough of it, such as `head`.
        _print_no_more()
        return 141
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _print_no_more()
        print(f"kida: cannot write ({error.strerror}): free space", file=sys.stderr)
        return 2
    except KeyboardInterrupt as interrupt:
        status, how = how_ended(interrupt)
        print(f"kida: {how}; everything finished so far is on disk", file=sys.stderr)
        return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status, see :func:`status_of`."""
    return status_of(lambda: _run(sys.argv[1:] if arguments is None else list(arguments)))


def _run(arguments: list[str]) -> int:
    chosen = arguments[0] if arguments and arguments[0] in COMMANDS else None
    parser = build_parser(chosen)
    parsed = parser.parse_args(arguments)
    if parsed.version:
        from kida.solver.versions import show_versions

        show_versions()
        return 0
    if parsed.command is None:
        parser.print_help()
        return 2
    return int(parsed.run(parsed))


def command() -> NoReturn:
    """Run :func:`main` as a process of its own and end it, which is the ``kida`` of a shell."""
    raise SystemExit(main())
