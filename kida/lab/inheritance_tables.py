"""The tables of the study of inheritance."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kida.lab.effects import shown
from kida.lab.inheritance import PRIMARY, RULED, VERSUS
from kida.lab.members import CELLS


def markdown(content: Mapping[str, Any]) -> str:
    """Return the tables of :func:`study`'s content."""
    unit = "nodes to optimality"
    if content["unit"] == "bound":
        unit = f"the dual bound's mean rise over {content['node_limit']} nodes, of all policies'"
    lost = (
        f"; {content['left_out']} more have failed or take too long" if content["left_out"] else ""
    )
    many = content["replicates"] > 1
    seen = content["detectable"]
    power = "" if seen is None else f", and of the first an effect of {seen:.1%} is mostly seen"
    lines = [
        f"## {content['family']}: {unit}",
        "",
        f"{content['draws']} validation instances that selected nothing{lost}, in "
        f"{content['replicates']} replicate{'s' if many else ''}, each with a pool of episodes and "
        f"an initialisation of its own. Positive is better. The {len(PRIMARY)} comparisons in bold "
        f"were named beforehand, and so were the {len(RULED)} of further rules in italics: the "
        "intervals of each kind hold together at 95 % (Student's, Bonferroni), over instances and "
        f"for these networks{power}. All others are at 95 % each, to look at. The best member is "
        "chosen on one half of the draws for the other.",
        "",
        "| cell | heir | replicates | over the mean member | over the best member "
        "| over the weights' average | gain over the best, more than a's | more than b's | level "
        "| cross-entropy | accuracy |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        network = content["networks"][row["name"]]
        effects = " | ".join(_cell(row, versus) for versus in VERSUS)
        lines.append(
            f"| {row['cell']} | {row['heir']} | {row['replicates']} | {effects} "
            f"| {content['levels'][row['name']]:.4g} | {network['cross_entropy']:.2f} "
            f"| {network['accuracy']:.2f} |"
        )
    default = dict(content["default"])
    few = default.pop("draws")
    beside = ", ".join(f"{name} {level:.4g}" for name, level in default.items())
    lines += [
        "",
        f"(Level: {unit}. On the first {few} draws, SCIP's own branching under the same parameters "
        f"beside an heir: {beside}.{_each(content) if many else ''})",
        "",
        "| cell | members differ by | levels | cross-entropy | calibrated | accuracy "
        "| disagreement | parent to child | barrier |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cell, names in content["members"].items():
        means = {
            key: np.mean([content["networks"][name][key] for name in names])
            for key in ("cross_entropy", "calibrated_cross_entropy", "accuracy")
        }
        like = content["likeness"][cell]
        levels = ", ".join(f"{content['levels'][name]:.4g}" for name in names)
        lines.append(
            f"| {cell} | {CELLS[cell]} | {levels} | {means['cross_entropy']:.2f} "
            f"| {means['calibrated_cross_entropy']:.2f} | {means['accuracy']:.2f} "
            f"| {like['disagreement']:.2f} | {like['churn']:.2f} | {like['barrier']:+.2f} |"
        )
    return "\n".join([*lines, ""])


def _each(content: Mapping[str, Any]) -> str:
    """Return the primary effects replicate by replicate, as text."""
    found = []
    for row in content["rows"]:
        for versus in VERSUS:
            if (row["cell"], row["heir"], versus) in PRIMARY and versus in row:
                each = ", ".join(f"{100 * mean:+.1f}" for mean in row[f"{versus}_each"])
                found.append(f"{row['cell']} {row['heir']} {versus.replace('_', ' ')}: {each} %")
    return " By replicate: " + "; ".join(found) + "."


def _cell(row: Mapping[str, Any], versus: str) -> str:
    if versus == "over_weights" and row.get("declined"):
        return "none found, and so the average"
    text = shown(row.get(versus))
    for family, mark in ((PRIMARY, "**"), (RULED, "*")):
        if text and (row["cell"], row["heir"], versus) in family:
            return f"{mark}{text}{mark}"
    return text
