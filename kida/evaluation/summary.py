"""Results in a few tables: what each policy reached, and how it differs from a baseline, paired.

The tables are rich's, so that the command line, a text file and tests share them. The measures
are computed in ``results.py`` and compared in ``comparisons.py``.
"""

import dataclasses
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from kida.errors import UserError
from kida.evaluation.comparisons import (
    PairedComparison,
    PairedRatio,
    compare_geometric,
    compare_paired,
    holm,
    shifted_geometric_mean,
)
from kida.evaluation.records import Finished
from kida.evaluation.results import Results, Row
from kida.files import one_line

#: Shifts of the geometric means: a second, as in Gasse et al. 2019, and a hundred nodes.
TIME_SHIFT = 1.0
NODE_SHIFT = 100.0

Key = TypeVar("Key")
Comparison = TypeVar("Comparison", PairedComparison, PairedRatio)


@dataclass(frozen=True)
class Measure:
    """A number per run that policies are compared by; some make sense for solved runs only."""

    title: str
    value: Callable[[Row], float]
    solved_only: bool = False


@dataclass(frozen=True)
class Effort(Measure):
    """A measure of which less is better and ratios count: means are geometric, shifted."""

    shift: float = 0.0


REWARD = Measure("cumulated reward", lambda row: row.cumulated_reward)
TIME = Effort("time to optimality (s)", lambda row: row.time, shift=TIME_SHIFT)
NODES = Effort("nodes where both solved", lambda row: row.nodes, True, NODE_SHIFT)
FAIR_NODES = Effort("fair nodes where both solved", lambda row: row.fair_nodes, True, NODE_SHIFT)


def choose_baseline(results: Results, wanted: str | None = None) -> str:
    """Return the policy to compare with: ``wanted``, or else "default", or else the first.

    Raises
    ------
    UserError
        If nothing finished, or ``wanted`` did not.
    """
    if not results.policies:
        raise UserError("no run has finished: there is nothing to compare")
    if wanted is None:
        return "default" if "default" in results.policies else results.policies[0]
    if wanted not in results.policies:
        raise UserError(
            f"no run of the baseline {wanted!r} has finished; there are runs of "
            + ", ".join(results.policies)
        )
    return wanted


def pair_instances(
    rows: Sequence[Row],
    policy: str,
    baseline: str,
    measure: Measure,
) -> tuple[list[str], list[float], list[float]]:
    """Return instances, and per instance the mean over seeds of both policies' values.

    The mean is geometric if the measure is an effort. Only seeds count on which both policies
    finished and have a finite value.
    """
    table: dict[str, dict[tuple[str, int], float]] = {policy: {}, baseline: {}}
    for row in rows:
        counts = row.solved or not measure.solved_only
        if row.policy in table and counts and math.isfinite(measure.value(row)):
            table[row.policy][row.instance, row.seed] = measure.value(row)
    both = sorted(table[policy].keys() & table[baseline].keys())
    names = sorted({instance for instance, _ in both})

    def mean(values: Sequence[float]) -> float:
        if isinstance(measure, Effort):
            return shifted_geometric_mean(values, measure.shift)
        return float(np.mean(values))

    means = [
        [mean([table[who][key] for key in both if key[0] == name]) for name in names]
        for who in (policy, baseline)
    ]
    return names, means[0], means[1]


def compare_policies(results: Results, baseline: str) -> dict[str, tuple[PairedComparison, float]]:
    """Compare every other policy's rewards with the baseline's.

    Return each comparison with its Holm-adjusted p-value. Policies without an instance in common
    with the baseline are left out.
    """
    pairs = _pairs(results, baseline, REWARD)
    return adjusted({policy: compare_paired(*values) for policy, values in pairs.items()})


def compare_efforts(
    results: Results, baseline: str, measure: Effort
) -> dict[str, tuple[PairedRatio, float]]:
    """Do the same for times or nodes, by the ratio of their shifted geometric means."""
    pairs = _pairs(results, baseline, measure)
    return adjusted(
        {
            policy: compare_geometric(*values, shift=measure.shift)
            for policy, values in pairs.items()
        }
    )


def _pairs(
    results: Results, baseline: str, measure: Measure
) -> dict[str, tuple[list[float], list[float]]]:
    found = {}
    for policy in results.policies:
        if policy == baseline:
            continue
        names, values, base = pair_instances(results.rows, policy, baseline, measure)
        if names:
            found[policy] = values, base
    return found


def adjusted(found: Mapping[Key, Comparison]) -> dict[Key, tuple[Comparison, float]]:
    """Return comparisons with the p-values that hold together (Holm's)."""
    together = holm([comparison.p_value for comparison in found.values()])
    return {
        policy: (comparison, p)
        for (policy, comparison), p in zip(found.items(), together, strict=True)
    }


def policy_table(results: Results) -> Table:
    """Return one row per policy: what it reached on average."""
    seconds = results.protocol.seconds
    table = _table(
        f"{results.protocol.settings}, {seconds:g} s",
        f"time and nodes: geometric means, shifted by {TIME_SHIFT:g} s and "
        f"{NODE_SHIFT:g} nodes; time-outs count as {seconds:g} s; of the reward, "
        f"{results.direction}",
        ["runs", "failed", "solved", "reward", "dual bound", "time (s)", "nodes", "in rule"],
    )
    failed = [one_line(failure.job.policy) for failure in results.failures]
    for policy in sorted({*results.policies, *failed}):
        rows = [row for row in results.rows if row.policy == policy]
        shares = [row.rule_share for row in rows if not math.isnan(row.rule_share)]
        nodes = shifted_geometric_mean([row.nodes for row in rows], NODE_SHIFT)
        table.add_row(
            policy,
            str(len(rows)),
            str(failed.count(policy)),
            str(sum(row.solved for row in rows)),
            _mean([results.mirror * row.cumulated_reward for row in rows]),
            _mean([row.dual_bound for row in rows]),
            number(shifted_geometric_mean([row.time for row in rows], TIME_SHIFT)),
            f"{nodes:,.0f}" if rows else "",
            f"{np.mean(shares):.1%}" if shares else "",
        )
    return table


def paired_table(
    comparisons: Mapping[str, tuple[PairedComparison, float]], baseline: str, title: str
) -> Table:
    """Return one row per policy: its paired difference from the baseline."""
    table = _table(
        f"{title}: difference from {baseline}, paired by instance",
        "mean difference with its 95 % interval (Student's t); p: Wilcoxon signed-rank test, "
        "Holm-adjusted",
        ["n", "mean", "baseline", "difference", "from", "to", "", "wins", "losses", "p"],
    )

    def cells(found: PairedComparison) -> Sequence[str]:
        interval = ("" if math.isnan(x) else f"{x:+.4g}" for x in (found.low, found.high))
        return (f"{found.difference:+.4g}", *interval, f"{found.relative:+.1%}")

    _add_comparisons(table, comparisons, cells)
    return table


def shown_paired(found: PairedComparison, mirror: float) -> PairedComparison:
    """Return a comparison of rewards as it is shown, see :attr:`Results.mirror`.

    Wins and losses stay what they are.
    """
    if mirror > 0:
        return found
    return dataclasses.replace(
        found,
        mean=-found.mean,
        baseline_mean=-found.baseline_mean,
        difference=0.0 - found.difference,  # not -0.0
        low=-found.high,
        high=-found.low,
    )


def ratio_table(
    comparisons: Mapping[str, tuple[PairedRatio, float]], baseline: str, title: str
) -> Table:
    """Return one row per policy: its effort as a share of the baseline's."""
    table = _table(
        f"{title}: ratio to {baseline}, paired by instance",
        "shifted geometric means and their ratio with its 95 % interval (Student's t on its "
        "logarithm); p: Wilcoxon signed-rank test of the logarithms, Holm-adjusted",
        ["n", "mean", "baseline", "ratio", "from", "to", "wins", "losses", "p"],
    )

    def cells(found: PairedRatio) -> Sequence[str]:
        numbers = (found.ratio, found.low, found.high)
        return ["" if math.isnan(x) else f"{x:.3f}" for x in numbers]

    _add_comparisons(table, comparisons, cells)
    return table


def _add_comparisons(
    table: Table,
    comparisons: Mapping[str, tuple[Comparison, float]],
    cells: Callable[[Comparison], Sequence[str]],
) -> None:
    """Add a row per policy, with ``cells`` between the means and the wins."""
    for policy, (found, p_value) in comparisons.items():
        table.add_row(
            policy,
            str(found.instances),
            number(found.mean),
            number(found.baseline_mean),
            *cells(found),
            str(found.wins),
            str(found.losses),
            f"{p_value:.2g}",
        )


def _table(title: str, caption: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, caption=caption, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("policy", overflow="fold")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def tables(results: Results, baseline: str | None = None) -> list[Table]:
    """Return all tables of a summary, those without a row left out."""
    chosen = choose_baseline(results, baseline)
    found = [policy_table(results)]
    rewards = {
        policy: (shown_paired(comparison, results.mirror), p)
        for policy, (comparison, p) in compare_policies(results, chosen).items()
    }
    title = f"{REWARD.title} ({results.direction})"
    shown = [paired_table(rewards, chosen, title)] if rewards else []
    efforts = []
    if any(row.solved for row in results.rows):
        for measure in (TIME, NODES, FAIR_NODES):
            ratios = compare_efforts(results, chosen, measure)
            if ratios:
                efforts.append(ratio_table(ratios, chosen, measure.title))
    # The competition judges by the reward; elsewhere it is beside the point once all is solved.
    competition = results.protocol.settings == "competition"
    return found + (shown + efforts if competition else efforts + shown)


def warnings(results: Results) -> list[str]:
    """Return what a reader must know before believing the tables, one sentence each."""
    found = [
        f"failed: {one_line(failure.job.policy)} on {results.label(failure.job)}, "
        f"seed {failure.job.seed}: {failure.reason}"
        for failure in results.failures
    ]
    left: dict[str, list[str]] = {}
    for record in results.declined:
        left.setdefault(one_line(record.job.policy), []).append(results.label(record.job))
    found += [
        f"{policy} left {len(names)} run{'s' if len(names) > 1 else ''} to SCIP's own rules, "
        "because the problem is not linear: "
        + ", ".join(sorted(set(names))[:5])
        + (" ..." if len(set(names)) > 5 else "")
        for policy, names in left.items()
    ]
    if results.disturbed:
        found.append(
            f"{len(results.disturbed)} of {len(results.rows)} runs were disturbed by the machine: "
            + "; ".join(
                f"{row.policy} on {row.instance}, seed {row.seed} ({row.disturbed})"
                for row in results.disturbed[:5]
            )
            + (" ..." if len(results.disturbed) > 5 else "")
        )
    found += _unlike(results)
    endless = [row for row in results.rows if not math.isfinite(row.cumulated_reward)]
    if endless:
        found.append(
            f"{len(endless)} runs have no finite reward (no dual bound, or proved infeasible), and "
            "count in no comparison of rewards: "
            + "; ".join(f"{row.policy} on {row.instance}" for row in endless[:5])
            + (" ..." if len(endless) > 5 else "")
        )
    counts = {
        policy: len({row.instance for row in results.rows if row.policy == policy})
        for policy in results.policies
    }
    if len(set(counts.values())) > 1:
        found.append(
            "the policies have finished different numbers of instances; only the paired tables "
            "compare like with like"
        )
    return found


def _unlike(results: Results) -> list[str]:
    """Return in what the runs of some pair differ that should differ in the policy alone."""
    pairs: dict[tuple[str, str, int], list[Finished]] = {}
    for record in results.records:
        pairs.setdefault(record.job.key[:3], []).append(record)
    aspects: dict[str, Callable[[Finished], object]] = {
        "on different processors": lambda record: record.machine.processor,
        "by different versions of kida": lambda record: record.versions.get("kida"),
        "with different numbers of jobs beside them": lambda record: record.job.jobs,
    }
    found = []
    for what, of in aspects.items():
        count = sum(len({of(record) for record in pair}) > 1 for pair in pairs.values())
        if count:
            found.append(
                f"the policies' runs of {count} of {len(pairs)} instances and seeds were made "
                f"{what}: their times compare more than the policies"
            )
    return found


def as_text(content: Sequence[Table | str], width: int = 118) -> str:
    """Return tables and lines as plain text."""
    sink = io.StringIO()
    console = Console(file=sink, width=width, no_color=True, markup=False, emoji=False)
    for item in content:
        console.print(item, highlight=False, soft_wrap=isinstance(item, str))
    return sink.getvalue()


def number(value: float) -> str:
    """Return a number as tables show it; empty for NaN."""
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.6g}"


def _mean(values: Sequence[float]) -> str:
    # There is none of infinities of both signs, as infeasible problems of both senses have.
    with np.errstate(invalid="ignore"):
        return number(float(np.mean(values))) if values else ""
