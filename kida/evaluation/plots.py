"""The figures of a report, one function each: results in, a matplotlib figure out.

Every figure can be read in black and white: policies differ in line style, marker and hatch, not
in colour alone, and no two look alike. Lines bear their names at their ends. Time ends with the
last run, and is logarithmic where runs differ by tens. Nothing here touches files; ``report.py``
places the figures. To add one, write a function and add it to ``FIGURES``.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kida.evaluation.comparisons import performance_profile
from kida.evaluation.drawing import (
    COLOURS,
    HATCHES,
    TENS,
    Styles,
    figure_with_axes,
    log_axis,
    name_lines,
    short,
    time_axis,
    time_label,
    times_of,
)
from kida.evaluation.results import Results, Row
from kida.evaluation.summary import REWARD, pair_instances
from kida.evaluation.verdict import SHORTEST
from kida.files import one_line

_MOST_INSTANCES = 12


def bound_over_time(results: Results, baseline: str) -> Figure | None:
    """Draw the mean rise of the dual bound over its start, with a band of one standard error.

    Where everything is maximised it is the fall. The mean is over the instances that every policy
    finished.
    """
    rises = _rises(results)
    common = sorted(set.intersection(*(set(found) for found in rises.values())))
    if not common:
        return None
    styles = Styles(results.policies)
    times = times_of(results)
    figure, axes = figure_with_axes(
        "", "mean fall of the dual bound" if results.mirror < 0 else "mean rise of the dual bound"
    )
    time_axis(axes, results)
    for policy, found in rises.items():
        curves = np.array([found[name] for name in common])
        mean = curves.mean(axis=0)
        axes.plot(
            times, mean, label=policy, color=styles.colour[policy], linestyle=styles.line[policy]
        )
        if len(common) > 1:
            error = curves.std(axis=0, ddof=1) / math.sqrt(len(common))
            band = (mean - error, mean + error)
            axes.fill_between(times, *band, color=styles.colour[policy], alpha=0.15, linewidth=0)
    many = len(common) > 1
    axes.set_title(
        f"{len(common)} instances; band: one standard error" if many else short(common[0])
    )
    name_lines(axes)
    return figure


def instances_over_time(results: Results, baseline: str) -> Figure | None:
    """Draw each instance's dual bound over time; the band spans the seeds."""
    names = sorted({row.instance for row in results.rows})[:_MOST_INSTANCES]
    styles = Styles(results.policies)
    times = times_of(results)
    columns = 2 if len(names) == 4 else min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(9, 2.4 * rows + 0.6), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    for name, axes in zip(names, grid.flat, strict=False):
        for policy in results.policies:
            curves = np.array(_bounds(results, policy, name, times))
            # Before a bound is proven there is nothing to draw.
            if not len(curves) or not np.isfinite(curves).any():
                continue
            curves[~np.isfinite(curves)] = np.nan
            colour, line = styles.colour[policy], styles.line[policy]
            axes.plot(times, curves.mean(axis=0), label=policy, color=colour, linestyle=line)
            if len(curves) > 1:
                band = (curves.min(axis=0), curves.max(axis=0))
                axes.fill_between(times, *band, color=colour, alpha=0.15, linewidth=0)
        axes.set_title(short(name), fontsize="small")
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    # Of the last panels of all columns, not only of those in the last row.
    for axes in grid.flat[max(len(names) - columns, 0) : len(names)]:
        axes.tick_params(labelbottom=True)
    for panel in grid.flat:
        time_axis(panel, results, label=False)
    figure.supxlabel(time_label(results), fontsize="medium")
    figure.supylabel("dual bound", fontsize="medium")
    handles = {
        label: handle
        for axes in grid.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4)
    return figure


def gains(results: Results, baseline: str) -> Figure | None:
    """Draw what each policy gains over the baseline on each instance; above zero is better."""
    styles = Styles(results.policies)
    figure, axes = figure_with_axes(
        f"cumulated reward of {baseline} ({results.direction})", f"gain over {baseline}"
    )
    for policy in results.policies:
        _, values, base = pair_instances(results.rows, policy, baseline, REWARD)
        if policy != baseline and values:
            axes.scatter(
                results.mirror * np.array(base),
                np.subtract(values, base),
                label=policy,
                marker=styles.marker[policy],
                facecolors="none",
                edgecolors=styles.colour[policy],
            )
    if not axes.collections:
        return None
    axes.axhline(0.0, color="0.5", linewidth=0.8, zorder=0)
    axes.set_title("one mark per instance; above the line the policy is better")
    axes.legend()
    return figure


def profile(results: Results, baseline: str) -> Figure | None:
    """Draw performance profiles: of time where anything was solved, else of rewards."""
    solved = any(row.solved for row in results.rows)
    table: dict[str, dict[tuple[str, int], float]] = {}
    for row in results.rows:
        unsolved = _loss(row, results.mirror)
        # A root solved at once takes no time under a clock that starts behind it.
        cost = (max(row.time, SHORTEST) if row.solved else math.inf) if solved else unsolved
        table.setdefault(row.policy, {})[row.instance, row.seed] = cost
    for failure in results.failures:
        place = results.label(failure.job), failure.job.seed
        table.setdefault(one_line(failure.job.policy), {})[place] = math.inf
    common = sorted(set.intersection(*(set(costs) for costs in table.values())))
    costs = {policy: [found[key] for key in common] for policy, found in table.items()}
    if not common or any(not cost > 0 for row in costs.values() for cost in row):
        return None
    ratio = "best reward over reward" if results.mirror > 0 else "reward over best reward"
    what = "time to optimality" if solved else ratio
    figure, axes = figure_with_axes(
        f"{what}, as a factor of the best policy's", "share of runs within it"
    )
    styles = Styles(results.policies)
    profiles = performance_profile(costs)
    right = max((ratios[-1] for ratios, _ in profiles.values() if len(ratios)), default=1.0)
    for policy, (ratios, shares) in profiles.items():
        axes.step(
            [1.0, *ratios, max(right * 1.02, 1.001)],
            [0.0, *shares, shares[-1] if len(shares) else 0.0],
            where="post",
            label=policy,
            color=styles.colour[policy],
            linestyle=styles.line[policy],
        )
    axes.set_ylim(0, 1.02)
    if right >= TENS:
        log_axis(axes, 1.0, right * 1.02)
    axes.set_title(f"performance profile, {len(common)} runs")
    name_lines(axes)
    return figure


def time_split(results: Results, baseline: str) -> Figure | None:
    """Draw where the time of a solve went, as shares of the wall clock."""
    figure = Figure(figsize=(7, 0.5 * len(results.policies) + 1.6), layout="constrained")
    axes = figure.subplots()
    policies = results.policies[::-1]
    left = np.zeros(len(policies))
    shares = np.array([_split([r for r in results.rows if r.policy == p]) for p in policies])
    for part, (title, hatch) in enumerate(zip(_PARTS, HATCHES, strict=False)):
        axes.barh(
            range(len(policies)),
            shares[:, part],
            left=left,
            label=title,
            hatch=hatch,
            color=COLOURS[part] + "55",
            edgecolor="black",
            linewidth=0.6,
        )
        left += shares[:, part]
    axes.set_xlim(0, 1)
    axes.set_yticks(range(len(policies)), map(short, policies))
    axes.set_xlabel("share of solving time")
    figure.legend(loc="outside upper center", ncols=len(_PARTS))
    return figure


_PARTS = ("LPs of nodes", "strong branching", "observing", "scoring", "rest")


def _split(rows: Sequence[Row]) -> NDArray[np.float64]:
    parts = []
    for row in rows:
        known = [row.expert_time, row.observe_time, row.score_time]
        expert, observe, score = (0.0 if math.isnan(value) else value for value in known)
        # SCIP's own count of strong branching LPs holds the expert's too.
        strong = max(row.strong_branching_time, expert)
        spent = [row.lp_time, strong, observe, score]
        whole = max(row.wall_time, sum(spent), 1e-9)
        parts.append(np.array([*spent, whole - sum(spent)]) / whole)
    share: NDArray[np.float64] = np.mean(parts, axis=0)
    return share


def speed(results: Results, baseline: str) -> Figure | None:
    """Draw nodes per second after the root node: one mark per run, a bar at the median."""
    figure = Figure(figsize=(7, 0.5 * len(results.policies) + 1.2), layout="constrained")
    axes = figure.subplots()
    styles = Styles(results.policies)
    every: list[float] = []
    for position, policy in enumerate(results.policies[::-1]):
        rates = [
            row.nodes / (row.wall_time - row.root_time)
            for row in results.rows
            if row.policy == policy and row.wall_time > row.root_time
        ]
        if rates:
            every += rates
            axes.plot(
                rates,
                [position] * len(rates),
                styles.marker[policy],
                markerfacecolor="none",
                color=styles.colour[policy],
            )
            axes.plot([np.median(rates)] * 2, [position - 0.3, position + 0.3], color="black")
    if not every:
        return None
    axes.set_yticks(range(len(results.policies)), map(short, results.policies[::-1]))
    log_axis(axes, min(every) / 1.2, max(every) * 1.2)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("nodes per second after the root node")
    return figure


#: File stem to caption and drawing; drawings return None where there is nothing to draw.
FIGURES: dict[str, tuple[str, Callable[[Results, str], Figure | None]]] = {
    "bound_over_time": (
        "Dual bound over time: how far it moved from its start, mean over instances.",
        bound_over_time,
    ),
    "instances_over_time": (
        f"Dual bound over time on each instance (the first {_MOST_INSTANCES}); the band spans "
        "the seeds.",
        instances_over_time,
    ),
    "gains": (
        "Gain in cumulated reward over the baseline, against the baseline's reward.",
        gains,
    ),
    "profile": ("Performance profile.", profile),
    "time_split": ("Where the time went.", time_split),
    "speed": ("Nodes per second.", speed),
}


def _bounds(
    results: Results, policy: str, instance: str, times: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Return each run's dual bound at ``times`` from the root's end, floored as for the score."""
    found = []
    for row, record in zip(results.rows, results.records, strict=True):
        if (row.policy, row.instance) == (policy, instance):
            path = record.result.trajectory.bounds()
            bounds = path.dual_at(times + path.root_end())
            best = np.maximum if path.sense == "minimize" else np.minimum
            floor = row.initial_dual_bound
            found.append(bounds if math.isnan(floor) else best(bounds, floor))
    return found


def _rises(results: Results) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Return policy to instance to the mean rise of the bound above the worst start, (400,)."""
    rises: dict[str, dict[str, NDArray[np.float64]]] = {policy: {} for policy in results.policies}
    # A logarithmic axis does not show the start.
    times = np.concatenate([[0.0], times_of(results)])
    for name in sorted({row.instance for row in results.rows}):
        curves = {policy: _bounds(results, policy, name, times) for policy in results.policies}
        starts = [curve[0] for group in curves.values() for curve in group]
        rising = results.records[
            next(i for i, row in enumerate(results.rows) if row.instance == name)
        ].result.sense
        sign = 1.0 if rising == "minimize" else -1.0
        start = min(sign * value for value in starts)
        for policy, group in curves.items():
            if group and np.isfinite(group).all():
                rises[policy][name] = (sign * np.mean(group, axis=0) - start)[1:]
    return rises


def _loss(row: Row, mirror: float) -> float:
    """Return what is better when it is less, and makes ratios of rewards as they are shown."""
    reward = mirror * row.cumulated_reward
    if not math.isfinite(reward) or reward == 0:
        return math.nan
    return reward if mirror < 0 else 1.0 / reward
