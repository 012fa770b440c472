"""Solve one instance with several policies in turn and show their dual bounds side by side.

Examples
--------
  kida compare item_placement:test:0 --policies item_placement,default --time-limit 30
  kida compare problem.mps.gz --policies runs/mine/policy,pscost --settings default --time-limit 60
"""

import argparse
import math

from rich.console import Console
from rich.table import Table

from kida.cli.common import (
    add_own_settings,
    bound_text,
    explain_policies,
    open_console,
    read_compared_settings,
    read_names,
)
from kida.cli.live import show_progress
from kida.cli.numbers import positive, seed
from kida.errors import UserError
from kida.evaluation.results import branched_by
from kida.evaluation.side_by_side import Comparison, compare
from kida.files import one_line
from kida.instances.registry import named_instance
from kida.sense import sign
from kida.settings import SETTINGS

HELP = "solve an instance with several policies and compare"

_BAR = 24
_SECONDS = 30.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = explain_policies()
    parser.add_argument("instance", metavar="INSTANCE", help="file, or FAMILY:SPLIT:INDEX")
    parser.add_argument("--policies", required=True, help="comma-separated, see below")
    parser.add_argument(
        "--time-limit",
        type=positive("--time-limit", "seconds"),
        metavar="S",
        help=f"per policy (default: {_SECONDS:g})",
    )
    parser.add_argument("--settings", default="competition", help=f"one of {', '.join(SETTINGS)}")
    add_own_settings(parser)
    parser.add_argument("--seed", type=seed(), default=0, help="shifts SCIP's random numbers")


def run(arguments: argparse.Namespace) -> int:
    """Solve with each policy and print the comparison."""
    policies = read_names(arguments.policies)
    if not policies:
        raise UserError("there is no policy to compare; name at least one after --policies")
    instance = named_instance(arguments.instance)
    console = open_console()
    own, limit = read_compared_settings(arguments.set_file, arguments.time_limit, console)
    seconds = _SECONDS if limit is None else limit
    console.print(
        f"{instance.name}, {arguments.settings} settings, "
        f"{seconds:g} s for each of {', '.join(policies)}",
        highlight=False,
        soft_wrap=True,
    )
    with show_progress(console, instance.name) as show:

        def announce(policy: str) -> None:
            show.label = one_line(policy)

        comparison = compare(
            instance,
            policies,
            seconds,
            settings=arguments.settings,
            user_parameters=own,
            seed=arguments.seed,
            on_start=announce,
            on_progress=show,
        )
    _print(comparison, console)
    return 0


def _print(comparison: Comparison, console: Console) -> None:
    times, bounds = comparison.bounds_over_time()
    # One scale for all bars, from the worst to the best bound of the table.
    finite = [x for row in bounds.values() for x in row.tolist() if math.isfinite(x)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    spread = high - low if high - low > 1e-6 * max(abs(low), abs(high)) else math.inf
    over_time = Table(title="dual bound over time (from the end of the root node)")
    over_time.add_column("s", justify="right")
    for policy in bounds:
        over_time.add_column(branched_by(policy, comparison.results[policy].branching))
    for position, instant in enumerate(times.tolist()):
        cells = []
        for row in bounds.values():
            bound = float(row[position])
            share = (bound - low) / spread if math.isfinite(bound) else 0.0
            cells.append(f"{_short(bound):>9} {'#' * round(share * _BAR)}")
        over_time.add_row(f"{instant:g}", *cells)
    console.print(over_time)
    summary = Table(title="result")
    for title in ("policy", "status", "dual bound", "nodes", "decisions", "reward"):
        summary.add_column(title, justify="left" if title in ("policy", "status") else "right")
    mirror = sign(comparison.sense)
    for policy, reward in comparison.rewards().items():
        result = comparison.results[policy]
        decisions = "" if result.branching is None else f"{result.branching.decisions:,}"
        summary.add_row(
            branched_by(policy, result.branching),
            result.status,
            bound_text(float(result.trajectory.bounds().dual[-1])),
            f"{result.nodes:,}",
            decisions,
            f"{mirror * reward:.2f}",
        )
    console.print(summary)
    console.print(
        f"reward: the dual bound integrated over {comparison.time_limit:g} s; "
        f"{'lower' if mirror < 0 else 'higher'} is better",
        highlight=False,
        soft_wrap=True,
    )


def _short(bound: float) -> str:
    return "none" if math.isinf(bound) else f"{bound:.6g}"
