"""A table of policies in sections, each compared with one baseline, as Markdown and JSON.

For results that are too many for the tables of ``summary.py`` and belong in a document. What a
policy is called there, and in which section it stands, is the caller's; the comparison is paired by
instance, as everywhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kida.evaluation.comparisons import PairedComparison, compare_paired
from kida.evaluation.records import Finished
from kida.evaluation.results import Results
from kida.evaluation.summary import REWARD, pair_instances
from kida.reward import starting_bound


@dataclass(frozen=True)
class Entry:
    """One row of the table.

    Attributes
    ----------
    section, name
        Where it is, and what it is called.
    policy
        The policy as the results name it; several entries may have the same.
    reference
        Name of another entry to compare it with, beside the baseline.
    """

    section: str
    name: str
    policy: str
    reference: str | None = None


def compare_sections(results: Results, entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Compare every entry with the first one, the baseline; return one record per entry, for JSON.

    ``mean_bound`` is the dual bound's mean over the time limit and the entry's instances, ``gain``
    the same above the bound at the end of the root node; both are of the entry's own ``instances``
    (how many), and None without any. ``to_base`` and ``to_reference`` are paired differences of
    mean bounds, None where there is nothing to compare: their ``difference`` with its 95 %
    interval from ``low`` to ``high`` (Student's), ``wins`` and ``losses`` among ``instances``, and
    the ``p_value`` of a Wilcoxon test, not adjusted for being several.
    """
    policies = {entry.name: entry.policy for entry in entries}
    found = []
    for entry in entries:
        bound, gain, instances = _means(results, entry.policy)
        reference = None if entry.reference is None else policies[entry.reference]
        found.append(
            {
                "section": entry.section,
                "name": entry.name,
                "policy": entry.policy,
                "instances": instances,
                "mean_bound": bound,
                "gain": gain,
                "to_base": _difference(results, entry.policy, entries[0].policy),
                "reference": entry.reference,
                "to_reference": _difference(results, entry.policy, reference),
            }
        )
    return found


def markdown(found: Sequence[dict[str, Any]]) -> str:
    """Return the records of :func:`compare_sections` as Markdown tables, one per section.

    An entry whose policy another one had before is marked as equal to it.
    """
    base, lines = found[0], list[str]()
    first = {record["policy"]: record["name"] for record in reversed(found)}
    for section in dict.fromkeys(record["section"] for record in found):
        records = [record for record in found if record["section"] == section]
        compared = any(record["reference"] for record in records)
        header = ["policy", "draws", "mean bound", "gain over root", f"against {base['name']}"]
        header += ["wins", *(["against its reference", "wins"] if compared else [])]
        lines += [f"## {section}", "", _line(header), "|" + "---|" * len(header)]
        for record in records:
            same = first[record["policy"]]
            cells = [
                record["name"] + ("" if same == record["name"] else f" (= {same})"),
                str(record["instances"]),
                _number(record["mean_bound"]),
                _number(record["gain"]),
                *_cells(record["to_base"]),
            ]
            if compared:
                interval, wins = _cells(record["to_reference"])
                name = record["reference"]
                cells += [f"{name}: {interval}" if interval else "", wins]
            lines.append(_line(cells))
        lines.append("")
    return "\n".join(lines)


def _means(results: Results, policy: str) -> tuple[float | None, float | None, int]:
    """Return mean bound, mean gain over the root, and the number of instances."""
    bounds: dict[str, list[float]] = {}
    gains: dict[str, list[float]] = {}
    for row, record in zip(results.rows, results.records, strict=True):
        bound = row.cumulated_reward / results.protocol.seconds
        root = root_bound(record)
        # As in the comparisons: bounds that agree to nine digits are the same bound.
        gain = 0.0 if np.isclose(bound, root, rtol=1e-9, atol=1e-12) else bound - root
        if row.policy == policy and math.isfinite(gain):
            bounds.setdefault(row.instance, []).append(bound)
            gains.setdefault(row.instance, []).append(gain)
    if not bounds:
        return None, None, 0
    # Seeds of one instance first, as in the comparisons.
    means = [np.mean([np.mean(values) for values in part.values()]) for part in (bounds, gains)]
    return float(means[0]), float(means[1]), len(bounds)


def root_bound(record: Finished) -> float:
    """Return the dual bound that a run started from, see :func:`starting_bound`."""
    trajectory = record.result.trajectory.bounds()
    return starting_bound(trajectory, record.initial_dual_bound, record.initial_primal_bound)


def _difference(results: Results, policy: str, other: str | None) -> dict[str, Any] | None:
    if other is None or policy == other:
        return None
    names, values, base = pair_instances(results.rows, policy, other, REWARD)
    if not names:
        return None
    seconds = results.protocol.seconds
    found = compare_paired(np.divide(values, seconds), np.divide(base, seconds))
    return _plain(found)


def _plain(found: PairedComparison) -> dict[str, Any]:
    """Return a comparison for JSON, which has no NaN."""
    low, high = (x if math.isfinite(x) else None for x in (found.low, found.high))
    return {
        "difference": found.difference,
        "low": low,
        "high": high,
        "wins": found.wins,
        "losses": found.losses,
        "instances": found.instances,
        "p_value": found.p_value,
    }


def _cells(difference: dict[str, Any] | None) -> tuple[str, str]:
    if difference is None:
        return "", ""
    text = f"{difference['difference']:+.3g}"
    if difference["low"] is not None:
        text += f" [{difference['low']:+.3g}, {difference['high']:+.3g}]"
    return text, f"{difference['wins']} of {difference['instances']}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
