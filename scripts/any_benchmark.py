r"""The parts of scripts/table_any.sh: policies to compare, instances worth it, wins and losses.

    python scripts/any_benchmark.py policies runs/any          # the ablation's hand-made ones
    python scripts/any_benchmark.py instances results/any_default results/any/instances
    python scripts/any_benchmark.py verdict results/any

Instances count that SCIP's default solves in 2 to 300 s, by at least 50 nodes.
"""

import argparse
import math
import sys
from pathlib import Path
from statistics import fmean

from kida.cli import status_of
from kida.errors import UserError
from kida.evaluation.results import Results, load_results
from kida.evaluation.summary import FAIR_NODES, TIME, Effort, pair_instances
from kida.files import printable
from kida.network.steering import Steering, by_one_feature

#: Hand-made, by name: pseudocosts under the monitor and without it, chance, and chance unmonitored.
POLICIES: dict[str, Steering] = {
    "pseudocosts": by_one_feature("pseudocost_score"),
    "pseudocosts_unmonitored": by_one_feature("pseudocost_score", shortlists=(8,), monitor=False),
    "random": by_one_feature("noise"),
    "random_unmonitored": by_one_feature("noise", shortlists=(8,), monitor=False),
}
LEAST_SECONDS, MOST_SECONDS, LEAST_NODES = 2.0, 300.0, 50
#: What counts as a win or a loss, as a ratio.
CLEARLY = 1.1


def write_policies(folder: Path) -> None:
    """Write the hand-made policies, each into a folder of its name."""
    for name, policy in POLICIES.items():
        policy.save(folder / name)
        print(folder / name)


def choose_instances(results: Results, folder: Path) -> int:
    """Link the files of the instances that are worth it into a folder; return how many they are."""
    paths = {record.job.instance.name: record.job.instance.path for record in results.records}
    chosen = {
        row.instance
        for row in results.rows
        if row.policy == "default"
        and row.solved
        and LEAST_SECONDS <= row.time <= MOST_SECONDS
        and row.nodes >= LEAST_NODES
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        source = Path(paths[name] or "")
        # Files of one name may lie in several sub-folders.
        target = folder / "_".join([*name.split("/")[:-1], source.name])
        if not target.is_symlink():
            target.symlink_to(source.resolve())
    return len(chosen)


def verdict(results: Results) -> list[str]:
    """Return, for each policy, its instances clearly won and lost against SCIP's default."""
    lines = []
    for policy in results.policies:
        if policy == "default":
            continue
        told = [
            printable(policy),
            *(f"{m.title}: {_clearly(results, policy, m)}" for m in (TIME, FAIR_NODES)),
        ]
        rows = [row for row in results.rows if row.policy == policy]
        share = fmean((row.observe_time + row.score_time) / row.wall_time for row in rows)
        if not math.isnan(share):  # SCIP's rules score nothing
            told.append(f"scoring: {share:.2%} of the time")
        lines.append("; ".join(told))
    return lines


def _clearly(results: Results, policy: str, measure: Effort) -> str:
    names, ours, base = pair_instances(results.rows, policy, "default", measure)
    ratios = {
        name: (a + measure.shift) / (b + measure.shift)
        for name, a, b in zip(names, ours, base, strict=True)
    }
    won = sum(ratio < 1 / CLEARLY for ratio in ratios.values())
    lost = sum(ratio > CLEARLY for ratio in ratios.values())
    if not ratios:
        return "no instance in common with default"
    worst = max(ratios, key=lambda name: ratios[name])
    return f"{won} clearly won, {lost} lost of {len(ratios)}, worst {worst} ({ratios[worst]:.2f})"


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=["policies", "instances", "verdict"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path, nargs="?", help="of the instances")
    chosen = parser.parse_args(arguments)
    if chosen.part == "policies":
        write_policies(chosen.folder)
        return 0
    results = load_results([chosen.folder])
    if chosen.part == "verdict":
        print("\n".join(verdict(results)))
        return 0
    if chosen.out is None:
        raise UserError("name the folder where the instances go, after that of the results")
    count = choose_instances(results, chosen.out)
    print(f"{count} instances in {chosen.out}")
    if not count:
        raise UserError(
            f"default solves none in {LEAST_SECONDS:g} to {MOST_SECONDS:g} s by {LEAST_NODES} "
            "nodes: give other instances"
        )
    return 0


if __name__ == "__main__":
    sys.exit(status_of(main))
