"""The study of inheritance on one problem: members, heirs, what they are worth, and the tables.

Which problems there are belongs in ``scripts/inheritance.py``; what it is for is in
``docs/method.md``. Few comparisons are what it is about (:data:`PRIMARY`), and their intervals are
wide enough to hold together (Bonferroni); all others are there to look at. On disk, every step
skipped if its output is there::

    FOLDER/run/           the pool's run, with all networks in run/members
    FOLDER/iterated/      the run whose generations go on from merged ones
    FOLDER/solves/        policies and solves, see ``kida.lab.yardstick``
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from kida.evaluation.comparisons import detectable_ratio, mean_interval
from kida.jobs.run import Workers
from kida.lab.events import Studying
from kida.lab.heirs import RULES, Will, best_member, make_heir
from kida.lab.likeness import Answers, answers, barrier, churn, disagreement
from kida.lab.members import CELLS, Pool, make_members
from kida.lab.yardstick import Yardstick
from kida.learning.episodes import share_episodes
from kida.learning.events import Listener
from kida.learning.plan import Draw
from kida.learning.run import Run
from kida.network.policy import Policy, holds_policy

#: The rules that every cell has an heir by.
AVERAGES = ("weights", "logits")
#: The others, and the cells that have heirs by them: the members that differ in their data alone
#: as KIDA's, and those that have all the same.
FURTHER: Mapping[str, tuple[str, ...]] = {
    "b": ("calibrated logits", "RegMean"),
    "d": tuple(rule for rule in RULES if rule not in AVERAGES),
}
#: Heirs of no cell.
SINGLE = {
    "ema": "moving average of one training's weights",
    "iterated": "iterated: merged generations act and are gone on from",
}

#: The comparisons that answer the question: cell, heir, and what it is compared with.
PRIMARY = (
    *((cell, "weights", "over_mean") for cell in "abcde"),
    ("a", "logits", "over_weights"),
    ("d", "logits", "over_weights"),
    ("b", SINGLE["ema"], "over_mean"),
    *(("d", rule, "over_weights") for rule in FURTHER["d"]),
    ("e", SINGLE["iterated"], "over_best"),
)
_VERSUS = ("over_mean", "over_best", "over_weights")
_CONFIDENCE = 0.95
_TOGETHER = 1 - (1 - _CONFIDENCE) / len(PRIMARY)
#: SCIP's own branching.
DEFAULT = "default"

Worths = Mapping[str, NDArray[np.float64]]


def study(
    pool: Pool,
    yardstick: Yardstick,
    chosen: Sequence[Draw],
    reported: Sequence[Draw],
    workers: Workers,
    listener: Listener,
) -> dict[str, Any]:
    """Make and measure everything; return it as JSON content.

    Parameters
    ----------
    pool
        What all networks are made of.
    yardstick
        What they are measured by.
    chosen, reported
        Draws that select members and coefficients, and others that the result is measured on.
    workers
        Play the episodes.
    listener
        Gets an event at every step.
    """
    pool.play(workers)
    members = make_members(pool)
    samples, config = pool.validation(), pool.config
    policies = {name: Policy.load(pool.path(name)) for found in members.values() for name in found}
    said = {name: answers(policy, samples, config) for name, policy in policies.items()}
    _say_how_sure(members, said, listener)
    heirs = {
        cell: _heirs(pool, cell, names, yardstick, chosen, listener)
        for cell, names in members.items()
    }
    _iterated(pool, workers, listener)
    for name in (*(name for found in heirs.values() for name in found.values()), *SINGLE):
        if name not in policies:
            policies[name] = Policy.load(pool.path(name))
            said[name] = answers(policies[name], samples, config)
    detectable = _detectable(policies, heirs, yardstick, chosen, len(reported))
    text = f"measuring on {len(reported)} draws: an effect of {detectable:.1%} is seen mostly"
    listener(Studying(text=text))
    # What nobody had to learn anything for, under the same parameters.
    default = Policy({}, replace(pool.judged_card, architecture=None))
    worth = yardstick.compared([*policies.values(), default], reported)
    worths = dict(zip([*policies, DEFAULT], worth, strict=True))
    return {
        "family": pool.run.config.family,
        "unit": yardstick.unit,
        "node_limit": yardstick.node_limit,
        "draws": worth.shape[1],
        "left_out": len(reported) - worth.shape[1],
        "detectable": detectable,
        "members": members,
        "heirs": heirs,
        "levels": {name: yardstick.level(worth) for name, worth in worths.items()},
        "rows": _rows(worths, members, heirs),
        "networks": {name: _network(answer) for name, answer in said.items()},
        "likeness": {
            cell: {
                "disagreement": disagreement([said[name] for name in names]),
                "churn": churn([said[name] for name in names]),
                "barrier": barrier([policies[name] for name in names], samples, config),
            }
            for cell, names in members.items()
        },
        "worths": {name: worth.tolist() for name, worth in worths.items()},
    }


def _say_how_sure(
    members: Mapping[str, Sequence[str]], said: Mapping[str, Answers], listener: Listener
) -> None:
    """Tell the members' cross-entropies, before hours of solves: KIDA's were 6 to 9."""
    for cell, names in members.items():
        sure = ", ".join(f"{said[name].cross_entropy():.2f}" for name in names)
        listener(Studying(text=f"cross-entropy of {cell}, {CELLS[cell]}: {sure}"))


def _heirs(
    pool: Pool,
    cell: str,
    names: Sequence[str],
    yardstick: Yardstick,
    draws: Sequence[Draw],
    listener: Listener,
) -> dict[str, str]:
    """Make a cell's heirs, and choose its best member; return what each is called."""
    found = {"best member": best_member(pool, names, yardstick, draws)}
    weights = [Policy.load(pool.path(name)).weights for name in names]
    for rule in (*AVERAGES, *FURTHER.get(cell, ())):
        found[rule] = f"{cell}_{rule.replace(' ', '_')}"
        listener(Studying(text=f"the heir {found[rule]}"))
        make_heir(rule, Will(pool, found[rule], weights, yardstick, draws))
    return found


def _iterated(pool: Pool, workers: Workers, listener: Listener) -> None:
    """Go on as cell e does, but from merged generations, which act as well.

    The first two generations have the pool's episodes: until then nothing is merged.
    """
    if holds_policy(pool.path("iterated")):
        return
    ours = pool.run.config
    config = replace(ours, inheritance=replace(ours.inheritance, iterate=True))
    run = Run(pool.run.folder.parent / "iterated", config, listener)
    share_episodes(pool.run.folder, run, range(1, min(2, pool.generations) + 1))
    dataclasses.replace(pool, run=run).play(workers)
    pool.keep("iterated", Policy.load(run.successor(pool.generations)).weights)


def _detectable(
    policies: Mapping[str, Policy],
    heirs: Mapping[str, Mapping[str, str]],
    yardstick: Yardstick,
    draws: Sequence[Draw],
    count: int,
) -> float:
    """Return the effect that ``count`` draws show in four of five cases, by what others do."""
    pairs = [(found["weights"], found["best member"]) for found in heirs.values()]
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    worth = yardstick.compared([policies[name] for name in names], draws)
    of = dict(zip(names, worth, strict=True))
    spreads = [float(np.std(of[one] - of[other], ddof=1)) for one, other in pairs]
    # An effect is a difference; a ratio would hide how large a great one is.
    return -math.log(detectable_ratio(float(np.mean(spreads)), count, _TOGETHER))


def _rows(
    worths: Worths, members: Mapping[str, Sequence[str]], heirs: Mapping[str, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """Return, for every heir, by how much it is better than others, with intervals."""
    rows = []
    # What stands in no cell is compared with the members of the one that it is made like.
    of_cells = {cell: dict(found) for cell, found in heirs.items()}
    of_cells["b"] |= {SINGLE["ema"]: "ema"}
    of_cells["e"] |= {SINGLE["iterated"]: "iterated"}
    for cell, found in of_cells.items():
        mean = np.mean([worths[name] for name in members[cell]], axis=0)
        best, plain = worths[found["best member"]], worths[found["weights"]]
        for rule, name in found.items():
            others = {"over_mean": mean, "over_best": best, "over_weights": plain}
            if name == found["best member"]:
                del others["over_best"]
            if rule == "weights":
                del others["over_weights"]
            row: dict[str, Any] = {"cell": cell, "heir": rule, "name": name}
            for versus, other in others.items():
                together = (cell, rule, versus) in PRIMARY
                row[versus] = effect(worths[name] - other, _TOGETHER if together else _CONFIDENCE)
            rows.append(row)
    return rows


def effect(differences: NDArray[np.float64], confidence: float = _CONFIDENCE) -> list[float]:
    """Return the mean with Student's interval."""
    return [float(differences.mean()), *mean_interval(differences, confidence)]


def _network(answer: Answers) -> dict[str, float]:
    return {
        "cross_entropy": answer.cross_entropy(),
        "calibration": answer.calibration(),
        "calibrated_cross_entropy": answer.cross_entropy(answer.calibration()),
        "accuracy": answer.accuracy(),
    }


def markdown(content: Mapping[str, Any]) -> str:
    """Return the tables of :func:`study`'s content."""
    unit = "nodes to optimality"
    if content["unit"] == "bound":
        unit = f"the dual bound's mean rise over {content['node_limit']} nodes, of all policies'"
    lost = (
        f"; {content['left_out']} more have failed or take too long" if content["left_out"] else ""
    )
    lines = [
        f"## {content['family']}: {unit}",
        "",
        f"{content['draws']} validation instances that selected nothing{lost}. Positive is better. "
        f"The {len(PRIMARY)} comparisons in bold were named beforehand: their intervals hold "
        "together at 95 % (Student's, Bonferroni), and an effect of "
        f"{content['detectable']:.1%} is seen in four of five cases. All others are at 95 % each, "
        "to look at. All networks are of one pool of episodes and one initialisation.",
        "",
        "| cell | heir | over the mean member | over the best member | over the weights' average "
        "| level | cross-entropy | accuracy |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        network = content["networks"][row["name"]]
        effects = " | ".join(_cell(row, versus) for versus in _VERSUS)
        lines.append(
            f"| {row['cell']} | {_called(row)} | {effects} | {content['levels'][row['name']]:.4g} "
            f"| {network['cross_entropy']:.2f} | {network['accuracy']:.2f} |"
        )
    lines += [
        "",
        f"(Level: {unit}; of SCIP's own branching under the same parameters "
        f"{content['levels'][DEFAULT]:.4g}.)",
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


def _cell(row: Mapping[str, Any], versus: str) -> str:
    text = shown(row.get(versus))
    return f"**{text}**" if (row["cell"], row["heir"], versus) in PRIMARY else text


def _called(row: Mapping[str, Any]) -> str:
    return f"best member ({row['name']})" if row["heir"] == "best member" else row["heir"]


def shown(effect: Sequence[float] | None) -> str:
    """Return an effect with its interval, for a table."""
    if effect is None:
        return ""
    mean, low, high = (100 * value for value in effect)
    return f"{mean:+.1f} % [{low:+.1f}, {high:+.1f}]"
