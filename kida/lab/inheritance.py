"""The study of inheritance on one problem: members, heirs, what they are worth, and the tables.

Which problems there are belongs in ``scripts/inheritance.py``; what it is for is in
``docs/method.md``. On disk, every step skipped if its output is there::

    FOLDER/run/           the pool's run, with all networks in run/members
    FOLDER/iterated/      the run whose generations go on from merged ones
    FOLDER/solves/        policies and solves, see ``kida.lab.yardstick``
"""

import dataclasses
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
    heirs = {
        cell: _heirs(pool, cell, names, yardstick, chosen, listener)
        for cell, names in members.items()
    }
    _iterated(pool, workers, listener)
    names = [name for found in members.values() for name in found]
    names += [name for found in heirs.values() for name in found.values()] + list(SINGLE)
    names = list(dict.fromkeys(names))
    policies = {name: Policy.load(pool.path(name)) for name in names}
    detectable = _detectable(policies, heirs, yardstick, chosen, len(reported))
    text = f"measuring on {len(reported)} draws: an effect of {detectable:.1%} is seen mostly"
    listener(Studying(text=text))
    worth = yardstick.scaled(yardstick.worth([*policies.values()], reported))
    worths = dict(zip(names, worth, strict=True))
    samples, config = pool.validation(), pool.config
    said = {name: answers(policy, samples, config) for name, policy in policies.items()}
    return {
        "family": pool.run.config.family,
        "unit": yardstick.unit,
        "node_limit": yardstick.node_limit,
        "draws": len(reported),
        "detectable": detectable,
        "members": members,
        "heirs": heirs,
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
    worth = yardstick.scaled(yardstick.worth([policies[name] for name in names], draws))
    of = dict(zip(names, worth, strict=True))
    spreads = [float(np.std(of[one] - of[other], ddof=1)) for one, other in pairs]
    return 1 - detectable_ratio(float(np.mean(spreads)), count)


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
            mine = worths[name]
            rows.append(
                {
                    "cell": cell,
                    "heir": rule,
                    "name": name,
                    "over_mean": effect(mine - mean),
                    "over_best": effect(mine - best) if name != found["best member"] else None,
                    "over_weights": effect(mine - plain) if rule != "weights" else None,
                }
            )
    return rows


def effect(differences: NDArray[np.float64]) -> list[float]:
    """Return the mean with Student's interval."""
    return [float(differences.mean()), *mean_interval(differences)]


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
        unit = f"the dual bound's mean rise over {content['node_limit']} nodes"
    lines = [
        f"## {content['family']}: {unit}",
        "",
        f"{content['draws']} validation instances that selected nothing; an effect of "
        f"{content['detectable']:.1%} is seen in four of five cases. Positive is better; in "
        "brackets 95 % intervals (Student's, paired by instance, not adjusted for being many).",
        "",
        "| cell | heir | over the mean member | over the best member | over the weights' average "
        "| cross-entropy | accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in content["rows"]:
        network = content["networks"][row["name"]]
        lines.append(
            f"| {row['cell']} | {_called(row)} | {shown(row['over_mean'])} "
            f"| {shown(row['over_best'])} | {shown(row['over_weights'])} "
            f"| {network['cross_entropy']:.2f} | {network['accuracy']:.2f} |"
        )
    lines += [
        "",
        "| cell | members differ by | cross-entropy | calibrated | accuracy | disagreement "
        "| parent to child | barrier |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for cell, names in content["members"].items():
        means = {
            key: np.mean([content["networks"][name][key] for name in names])
            for key in ("cross_entropy", "calibrated_cross_entropy", "accuracy")
        }
        like = content["likeness"][cell]
        lines.append(
            f"| {cell} | {CELLS[cell]} | {means['cross_entropy']:.2f} "
            f"| {means['calibrated_cross_entropy']:.2f} | {means['accuracy']:.2f} "
            f"| {like['disagreement']:.2f} | {like['churn']:.2f} | {like['barrier']:+.2f} |"
        )
    return "\n".join([*lines, ""])


def _called(row: Mapping[str, Any]) -> str:
    return f"best member ({row['name']})" if row["heir"] == "best member" else row["heir"]


def shown(effect: Sequence[float] | None) -> str:
    """Return an effect with its interval, for a table."""
    if effect is None:
        return ""
    mean, low, high = (100 * value for value in effect)
    return f"{mean:+.1f} % [{low:+.1f}, {high:+.1f}]"
