"""List the families of problems, or describe a problem file.

    kida instances
    kida instances describe model.mps.gz --plot

Every command that takes a family also takes a folder, a file or a quoted pattern of .mps, .lp or
.cip files (also .gz). `kida generate` writes instances of a family to a folder.
"""

import argparse
from pathlib import Path

from kida.cli.numbers import positive

HELP = "list the families of problems, or describe a problem file"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="describe")
    describe = actions.add_parser(
        "describe",
        help="sizes, root bound and branching candidates of a file",
        description="Read a problem, solve its root node with SCIP's defaults and report.",
    )
    describe.add_argument("file", type=Path, help=".mps, .lp or .cip, also .gz")
    describe.add_argument(
        "--time-limit",
        type=positive("--time-limit", "seconds"),
        default=300.0,
        metavar="S",
        help="seconds for the root (300)",
    )
    describe.add_argument(
        "--plot", action="store_true", help="also show where the nonzeros of the matrix are"
    )


def run(arguments: argparse.Namespace) -> int:
    """List or describe."""
    if arguments.action == "describe":
        return _describe(arguments.file, arguments.time_limit, arguments.plot)
    return _list()


def _list() -> int:
    from rich.console import Console
    from rich.table import Table

    from kida.instances.family import SPLITS
    from kida.instances.registry import family, family_names
    from kida.network.policy import shipped

    policies = shipped()
    table = Table("family", "sizes", "train / valid / test", "policy", "description", box=None)
    for name in family_names():
        chosen = family(name)
        lengths = " / ".join(str(chosen.length(split)) for split in SPLITS)
        has = "shipped" if name in policies else ""
        table.add_row(name, ", ".join(chosen.sizes), lengths, has, chosen.description)
    console = Console()
    if not console.is_terminal:
        console.width = 200  # piped into a file or a pager: one line per family
    console.print(table)
    return 0


def _describe(path: Path, time_limit: float, plot: bool) -> int:
    from kida.evaluation.described import describe_apart
    from kida.solver.describe import Counts

    found = describe_apart(path, time_limit, with_pattern=plot)

    def sizes(counts: Counts) -> str:
        return (
            f"{counts.rows} rows, {counts.columns} columns ({counts.binaries} binary, "
            f"{counts.integers} integer, {counts.continuous} continuous)"
        )

    def number(value: float | None) -> str:
        return "none" if value is None else f"{value:.10g}"

    candidates = (
        f"none: SCIP ended ({found.status}) before branching"
        if found.fractional is None
        else f"{found.fractional} fractional, {found.unfixed} unfixed"
    )
    for label, value in (
        ("sense", found.sense),
        ("as given", f"{sizes(found.original)}, {found.nonzeros} nonzeros"),
        ("presolved", sizes(found.presolved)),
        ("root bound", number(found.root_bound)),
        ("best solution at the root", number(found.primal_bound)),
        ("branching candidates at the root", candidates),
        ("time for all this", f"{found.seconds:.1f} s"),
    ):
        print(f"{label:34}{value}")
    if found.pattern is not None:
        from kida.cli.spy import spy

        for line in spy(found.pattern):
            print(line.plain)
    return 0
