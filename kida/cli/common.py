"""What several commands share: reading names from the command line, numbers for people."""

import argparse
import math
import textwrap
from pathlib import Path

from rich.console import Console

from kida.files import one_line
from kida.parameters import ParameterValue
from kida.solver.policies import SCIP_RULES, VARIANTS
from kida.trajectory import SCIP_INFINITY


def open_console() -> Console:
    """Return the console to print to; files and pipes have room for the widest table."""
    # Names of files and policies are neither markup nor pictures, whatever they hold.
    console = Console(markup=False, emoji=False)
    return console if console.is_terminal else Console(markup=False, emoji=False, width=118)


def explain_policies() -> str:
    """Return what a policy's name may be, as the end of a command's help."""
    names = (
        "A policy is a shipped model's name, a folder that 'kida train' or 'kida tune' left, a "
        f"rule of SCIP's ({', '.join(SCIP_RULES)}), or module:function. A suffix sets further "
        "SCIP parameters:"
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


def add_own_settings(parser: argparse.ArgumentParser) -> None:
    """Declare the option of which :func:`read_own_settings` reads the file."""
    parser.add_argument(
        "--set-file", type=Path, metavar="FILE.set", help="your own SCIP settings, as SCIP has them"
    )


def read_own_settings(
    file: Path | None, limit: float | None, console: Console
) -> tuple[dict[str, ParameterValue], float | None]:
    """Return the SCIP parameters of a user's file of settings, and the time limit.

    The limit is the one that was given, or else the file's. What SCIP does not know is told.
    """
    from kida.solver.set_file import read_set_file

    if file is None:
        return {}, limit
    found = read_set_file(file)
    for name in found.unknown:
        warn(console, f"SCIP does not know {name}, which {file} sets")
    own = found.parameters.pop("limits/time", None)
    return found.parameters, float(own) if limit is None and own is not None else limit


def read_compared_settings(
    file: Path | None, limit: float | None, console: Console
) -> tuple[dict[str, ParameterValue], float | None]:
    """Return :func:`read_own_settings` for comparisons, which need seeds of their own."""
    own, limit = read_own_settings(file, limit, console)
    for name in [name for name in own if name.startswith("randomization/")]:
        del own[name]
        warn(console, f"{name} is set by kida, whose comparisons need seeds of their own")
    return own, limit


def warn(console: Console, text: str) -> None:
    """Print a warning, in one line."""
    console.print(f"warning: {one_line(text)}", highlight=False, soft_wrap=True)
