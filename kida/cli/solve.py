"""Solve one instance, branching by a learned policy or by one of SCIP's own rules.

Examples
--------
  kida solve problem.mps.gz --model item_placement --time-limit 60
  kida solve problem.lp --model runs/mine/policy --solution problem.sol
  kida solve item_placement:test:0 --model item_placement --settings competition --time-limit 30
  kida solve fixed_charge_network:test:0 --model fixed_charge_network-bestbound --time-limit 60
  kida solve problem.mps --model pscost
"""

import argparse
import sys
from pathlib import Path

from kida.cli import how_ended
from kida.cli.common import (
    add_own_settings,
    bound_text,
    explain_policies,
    gap_text,
    open_console,
    read_own_settings,
    warn,
)
from kida.cli.live import show_progress
from kida.cli.numbers import positive, seed, whole
from kida.evaluation.outcome import Outcome
from kida.evaluation.watched import Interrupted, solve_watched
from kida.instances.registry import named_instance
from kida.settings import SETTINGS, Limits
from kida.solver.solve import Limit, Reason

HELP = "solve an instance with a learned brancher"

#: Seconds that a solve has after Ctrl-C to come to rest and give its result; a second one ends it.
GRACE = 30.0
# Nodes above which another way of branching may be worth having.
_LARGE_TREE = 2000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = explain_policies()
    parser.add_argument("instance", metavar="FILE", help="instance file, or FAMILY:SPLIT:INDEX")
    parser.add_argument(
        "--model", "--policy", default="default", help="what branches (default: SCIP's own rule)"
    )
    parser.add_argument(
        "--time-limit", type=positive("--time-limit", "seconds"), metavar="S", help="seconds"
    )
    parser.add_argument(
        "--node-limit", type=whole("--node-limit", 1), metavar="N", help="branch-and-bound nodes"
    )
    parser.add_argument(
        "--memory-limit",
        type=positive("--memory-limit", "mebibytes"),
        metavar="MB",
        help="mebibytes",
    )
    parser.add_argument("--settings", default="default", help=f"one of {', '.join(SETTINGS)}")
    add_own_settings(parser)
    parser.add_argument("--seed", type=seed(), default=0, help="shifts SCIP's random numbers")
    parser.add_argument("--solution", type=Path, metavar="OUT.sol", help="write the best solution")


def run(arguments: argparse.Namespace) -> int:
    """Solve and print the result, also that of a solve that Ctrl-C or SIGTERM has ended."""
    instance = named_instance(arguments.instance)
    console = open_console()
    own, time_limit = read_own_settings(arguments.set_file, arguments.time_limit, console)
    for name in ("randomization/randomseedshift", "randomization/lpseed"):
        if own.pop(name, None) is not None:
            warn(console, f"{name} is set by --seed, which is {arguments.seed}")
    limits = Limits(time_limit, arguments.node_limit, arguments.memory_limit)
    status = 0
    try:
        with show_progress(console, f"{instance.name}, {arguments.model}") as show:
            result = solve_watched(
                instance,
                arguments.model,
                settings=arguments.settings,
                limits=limits,
                user_parameters=own,
                seed=arguments.seed,
                on_progress=show,
                solution_file=arguments.solution,
                grace=GRACE,
            )
    except Interrupted as stopped:
        result, (status, _) = stopped.outcome, how_ended(stopped.interrupt)
    except KeyboardInterrupt as interrupt:
        status, how = how_ended(interrupt)
        print(f"kida: {how} before there was a result", file=sys.stderr)
        return status
    for name, value in describe(result):
        print(f"{name:14} {value}")
    if arguments.solution is not None:
        print(f"{'solution':14} {arguments.solution if result.has_solution else 'none'}")
    if arguments.model == "default" and result.nodes >= _LARGE_TREE and instance.path is not None:
        # Beside the result, which programs may read.
        print(
            f"kida: {result.nodes:,} nodes are a large tree; if you have more files like this one, "
            "'kida tune FOLDER --out RUN' looks for what makes SCIP faster on them, and proves it",
            file=sys.stderr,
        )
    return status


def describe(result: Outcome) -> list[tuple[str, str]]:
    """Return the lines of the result: a name and a value each."""
    ended = result.reason
    if result.limit is not None:
        ended = f"stopped by the {result.limit} limit, {ended}"
        if result.limit == Limit.INTERRUPTED.value:
            ended = f"interrupted, {result.reason}"
    elif result.reason == Reason.CUTOFF.value:
        ended = "solved: nothing better than the objective limit exists"
    bounds = result.trajectory.bounds()
    primal = bound_text(float(bounds.primal[-1]))
    if not result.has_solution and primal != "none":
        primal += " (objective limit)"
    lines = [
        ("status", f"{result.status} ({ended})"),
        ("dual bound", bound_text(float(bounds.dual[-1]))),
        ("primal bound", primal),
        ("gap", gap_text(result.gap)),
        ("time", f"{result.wall_time:.2f} s (root {bounds.root_end():.2f} s)"),
        ("nodes", f"{result.nodes:,}"),
        ("LP iterations", f"{result.lp_iterations:,}"),
    ]
    rule = result.branching
    if rule is not None and rule.declined:
        lines.append(("branching", "by SCIP's own rules: the problem is not linear"))
    elif rule is not None:
        share = rule.seconds_total / max(result.wall_time, 1e-9)
        lines.append(
            (
                "branching",
                f"{rule.decisions:,} decisions in {rule.seconds_total:.2f} s ({share:.1%}): "
                f"observing {rule.seconds_observing:.2f} s, scoring {rule.seconds_scoring:.2f} s, "
                f"{rule.expert_decisions:,} by strong branching {rule.seconds_expert:.2f} s",
            )
        )
        if rule.shortlist_decisions or rule.looks:
            lines.append(
                (
                    "shortlists",
                    f"SCIP's own rule chose in {rule.shortlist_decisions:,}, and among all "
                    f"candidates at {rule.looks:,} looks",
                )
            )
    return lines
