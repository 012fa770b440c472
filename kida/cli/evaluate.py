r"""Score policies on a set of instances: the same instances, seeds and limits for each.

Examples
--------
  kida evaluate item_placement --split test --start 0 --count 4 \
      --policies item_placement,default --seeds 0 --time-limit 60 --out results/x
  kida evaluate --quick
  kida evaluate set_cover --count 20 --settings research --policies runs/sc/policy,default \
      --seeds 0-4 --jobs 2
  kida evaluate FOLDER --settings default --set-file scip.set --policies RUN,default
  kida evaluate item_placement --policies item_placement --official \
      --compare-with ml4co_final_results.zip --out results/official

The same command resumes an evaluation that was interrupted; more instances, seeds or policies
extend it.
"""

import argparse
import hashlib
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from kida.cli.common import (
    add_own_settings,
    explain_policies,
    open_console,
    read_compared_settings,
    read_names,
)
from kida.cli.numbers import positive, processes, read_seeds, whole
from kida.cli.progress import ProgressBar, duration
from kida.errors import UserError
from kida.evaluation import official
from kida.evaluation.records import Failed, Protocol, Record, read_protocol
from kida.evaluation.results import Results, branched_by, load_results, write_tables
from kida.evaluation.runner import evaluate
from kida.evaluation.summary import (
    adjusted,
    as_text,
    choose_baseline,
    compare_policies,
    paired_table,
    shown_paired,
    tables,
    warnings,
)
from kida.evaluation.trials import Trial, plan
from kida.files import atomic_path, one_line, printable
from kida.instances.family import SPLITS
from kida.instances.folder import Folder
from kida.instances.registry import family, family_names, instances
from kida.jobs.cores import available_cores
from kida.jobs.run import Workers
from kida.network.policy import shipped
from kida.settings import SETTINGS

HELP = "score policies on a set of instances"

#: What --quick aims at: seconds in all, seconds per run, and what starting a run costs.
QUICK_TOTAL = 120.0
QUICK_LIMIT = 15.0
QUICK_START = 1.5


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.epilog = explain_policies()
    parser.add_argument(
        "instances",
        nargs="?",
        default="item_placement",
        metavar="INSTANCES",
        help="family, folder, file or pattern (default: item_placement)",
    )
    which = parser.add_argument_group("what to run")
    which.add_argument(
        "--split", help="train, valid or test, of files also all (default: test; of files all)"
    )
    which.add_argument("--size", help="the family's first size by default")
    which.add_argument(
        "--start", type=whole("--start"), default=0, help="first instance of the split"
    )
    which.add_argument("--count", type=whole("--count"), help="number of instances (default: all)")
    which.add_argument("--policies", help="comma-separated (default: the family's model, default)")
    which.add_argument("--seeds", default="0", help="such as 0,1,5-9")
    which.add_argument("--out", type=Path, help="results folder (default: below results/)")
    protocol = parser.add_argument_group("protocol")
    protocol.add_argument("--settings", default="competition", help=f"one of {', '.join(SETTINGS)}")
    add_own_settings(parser)
    protocol.add_argument(
        "--time-limit",
        type=positive("--time-limit", "seconds"),
        metavar="S",
        help="the settings' by default",
    )
    protocol.add_argument("--node-limit", type=whole("--node-limit", 1), metavar="N")
    protocol.add_argument(
        "--memory-limit", type=positive("--memory-limit", "mebibytes"), metavar="MB"
    )
    protocol.add_argument(
        "--permute", action="store_true", help="permute variables and constraints, by the seed"
    )
    protocol.add_argument(
        "--quick", action="store_true", help="a first answer in about two minutes"
    )
    protocol.add_argument(
        "--official",
        action="store_true",
        help="the competition's test runs, 900 s each, and files of its form",
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--jobs", type=processes("--jobs"), default=None, help="runs at a time (default: 1)"
    )
    how.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler's, tcp://...")
    how.add_argument("--retry-failed", action="store_true", help="do failed runs again")
    how.add_argument("--baseline", help="policy to compare with (default: 'default')")
    how.add_argument(
        "--compare-with",
        metavar="FILE.csv|ZIP[:TEAM]",
        help="official results to set beside ours",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do the missing runs, write the tables, print the summary."""
    policies = _policies(arguments)
    jobs = arguments.jobs
    if arguments.quick:
        jobs = jobs or min(2, available_cores())
        arguments.time_limit = arguments.time_limit or QUICK_LIMIT
    workers = Workers(1 if jobs is None else jobs, arguments.scheduler)
    if arguments.official:
        _check_official(arguments)
    console = open_console()
    own, limit = read_compared_settings(arguments.set_file, arguments.time_limit, console)
    protocol = Protocol(
        arguments.settings,
        limit,
        arguments.node_limit,
        arguments.memory_limit,
        arguments.permute or arguments.official,
        user_parameters=own,
    )
    split = arguments.split or _default_split(arguments.instances, console)
    if arguments.quick and arguments.count is None:
        each = len(policies) * (arguments.time_limit + QUICK_START)
        there = family(arguments.instances).length(split) - arguments.start
        arguments.count = max(0, min(max(2, int(QUICK_TOTAL * workers.count / each)), there))
    chosen = instances(arguments.instances, split, arguments.start, arguments.count, arguments.size)
    if not chosen:
        raise UserError(_nothing_there(arguments.instances, split))
    if arguments.official:
        runs = official.official_plan(chosen, policies)
    else:
        runs = plan(chosen, read_seeds(arguments.seeds), policies)
    rivals = None
    if arguments.compare_with is not None:
        # Before hours of runs: a wrong path must not surface only after them.
        official.check_comparable(protocol.settings, protocol.seconds)
        rivals = official.read_official(arguments.compare_with, chosen[0].family)
    folder = arguments.out or _default_folder(arguments, protocol)
    _check_baseline(arguments.baseline, policies, folder)
    _evaluate(runs, protocol, folder, workers, arguments, console)
    _report(folder, arguments, rivals, console)
    return 0


def _default_split(name: str, console: Console) -> str:
    """Return which part of a family to evaluate; of files, say which ones these are."""
    found = family(name)
    if not isinstance(found, Folder):
        return "test"
    split = "test" if found.has_split_folders and found.length("test") else "all"
    count, every = found.length(split), found.length("all")
    what = one_line(name)
    if count == every == 1:
        line = f"evaluating {what}"
    elif split == "test":
        line = f"evaluating the {count} in the folder test of the {every} files of {what}"
    else:
        line = f"evaluating all {count} files of {what}"
    if every > 1 and not found.has_split_folders:
        line += f" ('kida train' keeps {found.length('test')} of them for tests: --split test)"
    console.print(line, highlight=False, soft_wrap=True)
    return split


def _nothing_there(name: str, split: str) -> str:
    found = family(name)
    if not isinstance(found, Folder):
        return f"{name} has no instance in that range; nothing to evaluate"
    sizes = ", ".join(f"{found.length(part)} in {part}" for part in (*SPLITS, "all"))
    return f"{name} has no file in its {split} split, or that range ({sizes}); choose another"


def _policies(arguments: argparse.Namespace) -> list[str]:
    if arguments.policies is not None:
        return read_names(arguments.policies)
    if arguments.instances not in shipped():
        raise UserError(
            f"there is no shipped model for {arguments.instances!r}; name the policies to evaluate "
            "with --policies"
        )
    return [arguments.instances, "default"]


def _check_official(arguments: argparse.Namespace) -> None:
    if arguments.instances not in official.BENCHMARKS:
        raise UserError(
            f"the competition had no benchmark {arguments.instances!r}; --official goes with "
            + ", ".join(official.BENCHMARKS)
        )
    if arguments.set_file is not None:
        raise UserError("--official fixes the settings; leave --set-file out")
    wanted = {"split": "test", "settings": "competition", "seeds": "0", "start": 0, "quick": False}
    for name, value in wanted.items():
        if getattr(arguments, name) not in (value, None):
            raise UserError(f"--official fixes the {name}; leave --{name} out")
    if arguments.size not in (None, "official"):
        raise UserError("--official fixes the size; leave --size out")
    for name in ("node_limit", "memory_limit"):
        if getattr(arguments, name) is not None:
            raise UserError(f"--official has no such limit; leave --{name.replace('_', '-')} out")
    if arguments.time_limit not in (None, official.TIME_LIMIT):
        raise UserError(
            f"official runs take {official.TIME_LIMIT:g} s; leave --time-limit out, or --official"
        )


def _check_baseline(baseline: str | None, policies: list[str], folder: Path) -> None:
    """Refuse one that will have no run, before hours of runs of the others."""
    if baseline is None or baseline in policies:
        return
    if read_protocol(folder) is None or baseline not in load_results([folder]).policies:
        raise UserError(
            f"the baseline {baseline!r} is none of the policies, and has no run in {folder}; name "
            "it after --policies too"
        )


def _default_folder(arguments: argparse.Namespace, protocol: Protocol) -> Path:
    name = stem = arguments.instances
    if name not in family_names():
        place = Path(os.path.expanduser(name)).resolve()
        # Of a pattern such as *.mps nothing is left. Folders of one name are many.
        known = place.name.split(".")[0].replace("*", "") or "files"
        stem = f"{known}-{hashlib.sha256(os.fsencode(place)).hexdigest()[:6]}"
    # Other instances than without these options have results of their own.
    which = [part for part in (arguments.size, arguments.split) if part is not None]
    parts = [stem, *which, protocol.settings, f"{protocol.seconds:g}s"]
    return Path("results") / "-".join(parts)


def _evaluate(
    runs: list[Trial],
    protocol: Protocol,
    folder: Path,
    workers: Workers,
    arguments: argparse.Namespace,
    console: Console,
) -> None:
    done = 0
    with ProgressBar(console) as bar:
        phase = f"evaluating into {folder}"

        def begin(missing: int) -> None:
            nonlocal done
            done = len(runs) - missing
            bar.show(phase, done, len(runs))
            if missing > 1 and not arguments.scheduler:
                most = duration(missing * protocol.seconds / workers.count)
                bar.say(
                    f"{missing} runs of at most {protocol.seconds:g} s, {workers.count} at a time: "
                    f"about {most} if none is solved, and the root nodes"
                )
            if done:
                bar.say(f"{done} of {len(runs)} runs are in {folder} already")

        def show(record: Record) -> None:
            nonlocal done
            done += 1
            bar.say(f"[{done}/{len(runs)}] {_line(record)}")
            bar.show(phase, done, len(runs))

        evaluate(
            runs,
            protocol,
            folder,
            workers,
            retry_failed=arguments.retry_failed,
            on_begin=begin,
            on_record=show,
        )


def _line(record: Record) -> str:
    job = record.job
    what = f"{job.instance.name}, seed {job.seed}"
    if isinstance(record, Failed):
        return f"{what}, {job.policy}: failed, {record.reason}"
    result = record.result
    who = branched_by(job.policy, result.branching)
    line = f"{what}, {who}: {result.status}, dual bound {result.dual_bound:.6g}, "
    line += f"{result.nodes:,} nodes in {result.wall_time:.1f} s"
    if record.disturbed:
        line += f" (disturbed: {'; '.join(record.disturbed)})"
    return line


def _report(
    folder: Path,
    arguments: argparse.Namespace,
    rivals: list[official.OfficialResult] | None,
    console: Console,
) -> None:
    results = load_results([folder])
    for warning in warnings(results):
        console.print(f"warning: {warning}", highlight=False, soft_wrap=True)
    if not results.rows:
        raise UserError(f"every run failed; the reasons are above and in {folder / 'runs'}")
    write_tables(results, folder)
    if arguments.official:
        for path in official.write_official(results, folder):
            console.print(f"official form: {path}", highlight=False, soft_wrap=True)
    found = tables(results, arguments.baseline)
    if rivals is not None:
        found += _rival_tables(results, rivals)
    with atomic_path(folder / "summary.txt") as temporary:
        temporary.write_text(printable(as_text([*found, *warnings(results)])), encoding="utf-8")
    for table in found:
        console.print(table)
    if arguments.quick:
        for line in _quick_verdict(results, choose_baseline(results, arguments.baseline)):
            console.print(line, highlight=False, soft_wrap=True)
    console.print(f"everything is in {folder}", highlight=False, soft_wrap=True)


def _quick_verdict(results: Results, baseline: str) -> list[str]:
    lines = [f"This was a quick look, {results.protocol.seconds:g} s a run:"]
    for policy, (comparison, _) in compare_policies(results, baseline).items():
        found = shown_paired(comparison, results.mirror)
        width = found.high - found.low
        base = abs(found.baseline_mean)
        scale = f" ({width / base:.1%} of {baseline}'s mean)" if base else ""
        line = (
            f"  {policy} differs from {baseline} by {found.difference:+.4g} in reward "
            f"({results.direction}); "
        )
        if found.instances < 2:
            lines.append(line + "a single instance does not say how much others would differ")
        else:
            line += f"with {found.instances} instances the 95 % interval is "
            lines.append(line + f"{width:.3g} wide{scale}")
    return lines


def _rival_tables(results: Results, rivals: list[official.OfficialResult]) -> list[Table]:
    compared = {
        (policy, team): comparison
        for policy in results.policies
        for team, comparison in official.compare_with_official(results, rivals, policy).items()
    }
    if not compared:
        raise UserError("no official result is on an instance that was solved here")
    found = adjusted(compared)
    return [
        paired_table(
            {f"{mine} vs {team}": c for (mine, team), c in found.items() if mine == policy},
            "team",
            f"{policy} beside the official results",
        )
        for policy in results.policies
        if any(mine == policy for mine, _ in found)
    ]
