"""The study of inheritance on one problem: members, heirs and what they are worth.

Which problems there are belongs in ``scripts/inheritance.py``; what it is for is in
``docs/inheritance.md``. It is done in replicates, each with a pool of episodes, an initialisation
and instances of its own. Few comparisons are what it is about (:data:`PRIMARY`, and of further
rules :data:`RULED`), and the intervals of each of the two families are wide enough to hold together
(Bonferroni); all others are there to look at. On disk, every step skipped if its output is there::

    FOLDER/1/run/           the first replicate's pool, with all networks in run/members
    FOLDER/1/iterated/      the run whose generations go on from merged ones
    FOLDER/1/consistent/    the run whose generations imitate the one before as well
    FOLDER/solves/          policies and solves, see ``kida.lab.yardstick``
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from kida.evaluation.comparisons import detectable_ratio
from kida.lab.effects import CONFIDENCE, effect
from kida.lab.events import Studying
from kida.lab.hands import Hands
from kida.lab.heirs import RULES, SEARCHED, Will, make_heir
from kida.lab.likeness import Answers, answers, barrier, churn, disagreement
from kida.lab.members import CELLS, SINGLE, Pool, make_members
from kida.lab.yardstick import Yardstick
from kida.learning.config import RunConfig
from kida.learning.episodes import share_episodes
from kida.learning.events import Listener
from kida.learning.plan import Draw
from kida.learning.run import Run
from kida.network.policy import Policy

#: The rules that every cell has an heir by.
AVERAGES = ("weights", "logits")
#: The others; tried on the members of cell d, which differ in their data as KIDA's.
FURTHER = tuple(rule for rule in RULES if rule not in AVERAGES)
#: Runs whose generations differ from the pool's in one way, and how.
RUNS = {
    "iterated": "generations act, and go on, as the average of those before",
    "consistent": "generations imitate the one before beside the expert",
}

#: The comparisons that answer the question: cell, heir, and what it is compared with; of contrasts,
#: the cell whose gain over the best member is compared with that.
PRIMARY = (
    *((cell, "weights", "over_best") for cell in "abde"),
    ("a", "logits", "over_weights"),
    ("d", "logits", "over_weights"),
    ("d", "weights", "more_than_a"),
    ("d", "weights", "more_than_b"),
)
#: Those that look for a better heir than the plain average.
RULED = (
    *(("d", rule, "over_weights") for rule in FURTHER),
    ("e", RUNS["iterated"], "over_weights"),
    ("e", RUNS["consistent"], "over_weights"),
)
#: What heirs are compared with.
VERSUS = ("over_mean", "over_best", "over_weights", "more_than_a", "more_than_b")
# Draws that say how much worths differ, and those that SCIP's own branching solves too.
_FIRST = 50
#: SCIP's own branching.
DEFAULT = "default"


@dataclass
class Replicate:
    """A pool and what it is measured on, and what has been found.

    Attributes
    ----------
    pool
        What its networks are made of.
    chosen, reported
        Draws that select coefficients, and others that the result is measured on.
    members
        A cell's letter to its members' names.
    heirs
        A cell's letter to its heirs' names, by the rule.
    said
        A network's name to what it says of the validation samples.
    likeness
        A cell's letter to how alike its members are.
    worths
        A network's name to what it is worth on the reported draws, without those left out.
    """

    pool: Pool
    chosen: Sequence[Draw]
    reported: Sequence[Draw]
    members: dict[str, list[str]] = field(default_factory=dict)
    heirs: dict[str, dict[str, str]] = field(default_factory=dict)
    said: dict[str, Answers] = field(default_factory=dict)
    likeness: dict[str, dict[str, float]] = field(default_factory=dict)
    worths: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """All networks, members first, each once."""
        groups = (*self.members.values(), *(found.values() for found in self.heirs.values()))
        return list(dict.fromkeys(itertools.chain(*groups)))


def study(
    replicates: Sequence[Replicate],
    cells: str,
    ruled: int,
    yardstick: Yardstick,
    workers: Hands,
    listener: Listener,
) -> Iterator[dict[str, Any]]:
    """Make and measure everything; yield what is known so far, as JSON content, after every stage.

    Parameters
    ----------
    replicates
        What is to be done again and again.
    cells
        Letters of :data:`kida.lab.members.CELLS`, "b" among them.
    ruled
        In how many replicates further rules are tried.
    yardstick
        What networks are measured by.
    workers
        Play the episodes and train the members.
    listener
        Gets an event at every step.
    """
    done: list[Replicate] = []
    for replicate in replicates:
        _make(replicate, cells, workers, listener)
        if not done:
            _foresee(replicate, len(replicates), yardstick, listener)
        _measure(replicate, yardstick, listener)
        done.append(replicate)
        yield _content(done, yardstick)
    for replicate in replicates[:ruled]:
        _make_further(replicate, yardstick, workers, listener)
        _measure(replicate, yardstick, listener)
        yield _content(done, yardstick)


def _make(replicate: Replicate, cells: str, workers: Hands, listener: Listener) -> None:
    """Make the members and their averages; tell how sure they are before hours of solves."""
    pool = replicate.pool
    pool.play(workers)
    replicate.members = make_members(pool, cells, workers)
    for cell, names in replicate.members.items():
        replicate.heirs[cell] = {}
        for rule in AVERAGES:
            _inherit(replicate, cell, rule, names, None, listener)
    for name, what in SINGLE.items():
        replicate.heirs["b"][what] = name
    _hear(replicate)
    replicate.likeness = {cell: _likeness(replicate, cell) for cell in replicate.members}
    for cell, names in replicate.members.items():
        found = [replicate.said[name] for name in names]
        sure = ", ".join(
            f"{each.cross_entropy():.2f} (calibrated {each.cross_entropy(each.calibration()):.2f})"
            for each in found
        )
        listener(Studying(text=f"cross-entropy of {cell}, {CELLS[cell]}: {sure}; KIDA's: 6 to 9"))


def _make_further(
    replicate: Replicate, yardstick: Yardstick, workers: Hands, listener: Listener
) -> None:
    """Make the heirs by further rules, and the runs that go on in other ways."""
    if "d" in replicate.members:
        for rule in FURTHER:
            _inherit(replicate, "d", rule, replicate.members["d"], yardstick, listener)
    if "e" in replicate.members:
        ours = replicate.pool.run.config
        ways = {
            "iterated": replace(ours, inheritance=replace(ours.inheritance, iterate=True)),
            "consistent": replace(ours, training=replace(ours.training, teacher="previous")),
        }
        for name, config in ways.items():
            _run_again(replicate.pool, name, config, workers, listener)
            replicate.heirs["e"][RUNS[name]] = name
    _hear(replicate)


def _inherit(
    replicate: Replicate,
    cell: str,
    rule: str,
    names: Sequence[str],
    yardstick: Yardstick | None,
    listener: Listener,
) -> None:
    pool, name = replicate.pool, f"{cell}_{rule.replace(' ', '_')}"
    listener(Studying(text=f"the heir {name}"))
    weights = [pool.load(member).weights for member in names]
    make_heir(rule, Will(pool, name, weights, yardstick, replicate.chosen))
    replicate.heirs[cell][rule] = name


def _run_again(
    pool: Pool, name: str, config: RunConfig, workers: Hands, listener: Listener
) -> None:
    """Make the run's generations in another way; keep what it has in the end.

    The first two have the pool's episodes: the first network, which acts in the second generation,
    is the same in any case.
    """
    if pool.has(name):
        return
    run = Run(pool.run.folder.parent / name, config, listener)
    share_episodes(pool.run.folder, run, range(1, min(2, pool.generations) + 1))
    dataclasses.replace(pool, run=run).play(workers)
    pool.keep(name, Policy.load(run.successor(pool.generations)).weights)


def _hear(replicate: Replicate) -> None:
    """Ask all networks of the validation samples, those that have not been."""
    pool = replicate.pool
    samples, config = pool.validation(), pool.config
    for name in replicate.names:
        if name not in replicate.said:
            replicate.said[name] = answers(pool.load(name), samples, config)


def _measure(replicate: Replicate, yardstick: Yardstick, listener: Listener) -> None:
    names, draws = replicate.names, replicate.reported
    listener(Studying(text=f"measuring {len(names)} networks on {len(draws)} draws"))
    worth = yardstick.compared([replicate.pool.load(name) for name in names], draws)
    replicate.worths = dict(zip(names, worth, strict=True))


def _foresee(
    replicate: Replicate, replicates: int, yardstick: Yardstick, listener: Listener
) -> None:
    """Say what effect will be seen, by how much worths differ on the first draws: by that alone."""
    names, first = replicate.names, replicate.reported[:_FIRST]
    worth = yardstick.compared([replicate.pool.load(name) for name in names], first)
    tried = dataclasses.replace(replicate, worths=dict(zip(names, worth, strict=True)))
    count = replicates * len(replicate.reported)
    effect = _detectable([tried], count)
    seen = "nothing is known of what is seen" if effect is None else f"{effect:.1%} are mostly seen"
    listener(Studying(text=f"{count} draws in all: {seen}"))


def _detectable(done: Sequence[Replicate], count: int) -> float | None:
    """Return the effect that so many draws show in four of five cases, in each primary comparison.

    None if worths do not differ, or there are too few to say.
    """
    spreads = [0.0]
    for comparison in PRIMARY:
        parts = [_against(each, *comparison) for each in done if comparison[0] in each.members]
        known = [part for part in parts if part is not None]
        if known and len(found := np.concatenate(known)) > 1:
            spreads.append(float(np.std(found, ddof=1)))
    if not max(spreads) or count < 2:
        return None
    # An effect is a difference; a ratio would hide how large a great one is.
    return -math.log(detectable_ratio(max(spreads), count, _together(PRIMARY)))


def _together(comparisons: Sequence[Any]) -> float:
    return 1 - (1 - CONFIDENCE) / len(comparisons)


def best_of_others(worths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the best member is worth, which one that is being chosen on other draws.

    Half of the draws choose for the other half, in turns: a maximum over the same draws would be
    too high, and one chosen once on few draws hardly the best.

    Parameters
    ----------
    worths
        Shape ``(members, draws)``.

    Returns
    -------
    ndarray
        Shape ``(draws,)``.
    """
    found = np.empty(worths.shape[1])
    half = np.arange(worths.shape[1]) % 2 == 0
    for mine, other in ((half, ~half), (~half, half)):
        if mine.any():
            chooses = other if other.any() else mine
            found[mine] = worths[worths[:, chooses].mean(axis=1).argmax(), mine]
    return found


def _content(done: Sequence[Replicate], yardstick: Yardstick) -> dict[str, Any]:
    first = done[0]
    rows = _rows(done)
    count = sum(len(next(iter(each.worths.values()))) for each in done)
    return {
        "family": first.pool.run.config.family,
        "unit": yardstick.unit,
        "node_limit": yardstick.node_limit,
        "replicates": len(done),
        "draws": count,
        "left_out": sum(len(each.reported) for each in done) - count,
        "detectable": _detectable(done, count),
        "members": first.members,
        "levels": _levels(done, yardstick),
        "default": _beside_default(first, yardstick),
        "rows": rows,
        "networks": {
            name: _mean_of([_network(each.said[name]) for each in done if name in each.said])
            for each in done
            for name in each.names
        },
        "likeness": {
            cell: _mean_of([each.likeness[cell] for each in done]) for cell in first.members
        },
        "worths": [{name: worth.tolist() for name, worth in each.worths.items()} for each in done],
    }


def _members_worths(replicate: Replicate, cell: str) -> NDArray[np.float64]:
    return np.array([replicate.worths[name] for name in replicate.members[cell]])


def _levels(done: Sequence[Replicate], yardstick: Yardstick) -> dict[str, float]:
    names = dict.fromkeys(itertools.chain(*(each.names for each in done)))
    return {
        name: yardstick.level(
            np.concatenate([each.worths[name] for each in done if name in each.worths])
        )
        for name in names
    }


def _beside_default(replicate: Replicate, yardstick: Yardstick) -> dict[str, float]:
    """Return the levels of SCIP's own branching and of an heir, on the first draws."""
    pool = replicate.pool
    cell = list(replicate.members)[-1]
    heir = replicate.heirs[cell]["weights"]
    default = Policy({}, replace(pool.judged_card, architecture=None))
    worth = yardstick.compared([default, pool.load(heir)], replicate.reported[:_FIRST])
    return {
        DEFAULT: yardstick.level(worth[0]),
        heir: yardstick.level(worth[1]),
        "draws": worth.shape[1],
    }


def _likeness(replicate: Replicate, cell: str) -> dict[str, float]:
    pool, names = replicate.pool, replicate.members[cell]
    found = [replicate.said[name] for name in names]
    return {
        "disagreement": disagreement(found),
        "churn": churn(found),
        "barrier": barrier([pool.load(name) for name in names], pool.validation(), pool.config),
    }


def _mean_of(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: float(np.mean([each[key] for each in found])) for key in found[0]}


def _rows(done: Sequence[Replicate]) -> list[dict[str, Any]]:
    """Return, for every heir, by how much it is better than others, with intervals."""
    rows = []
    order: dict[tuple[str, str], str] = {}
    for each in done:
        for cell, found in each.heirs.items():
            order |= {(cell, rule): name for rule, name in found.items()}
    for (cell, rule), name in order.items():
        have = [each for each in done if name in each.worths]
        row: dict[str, Any] = {"cell": cell, "heir": rule, "name": name, "replicates": len(have)}
        for versus in VERSUS:
            parts = [_against(each, cell, rule, versus) for each in have]
            known = [part for part in parts if part is not None]
            if not known:
                continue
            # A search that has found nothing leaves the plain average, which is no effect of 0.
            if rule == SEARCHED and versus == "over_weights" and not np.concatenate(known).any():
                row["declined"] = True
                continue
            row[versus] = effect(np.concatenate(known), _confidence((cell, rule, versus)))
            row[f"{versus}_each"] = [float(part.mean()) for part in known]
        rows.append(row)
    return rows


def _against(replicate: Replicate, cell: str, rule: str, versus: str) -> NDArray[np.float64] | None:
    """Return an heir's worth less what it is compared with, draw by draw; None if that is not."""
    worths, heirs = replicate.worths, replicate.heirs
    mine = worths[heirs[cell][rule]]
    members = _members_worths(replicate, cell)
    over_mean: NDArray[np.float64] = mine - members.mean(axis=0)
    gain = mine - best_of_others(members)
    match versus:
        case "over_mean":
            return over_mean
        case "over_best":
            return gain
        case "over_weights":
            return None if rule == "weights" else mine - worths[heirs[cell]["weights"]]
    other = versus.removeprefix("more_than_")
    if (cell, rule) != ("d", "weights") or other not in replicate.members:
        return None
    best = best_of_others(_members_worths(replicate, other))
    theirs: NDArray[np.float64] = worths[heirs[other]["weights"]] - best
    return gain - theirs


def _confidence(comparison: tuple[str, str, str]) -> float:
    for family in (PRIMARY, RULED):
        if comparison in family:
            return _together(family)
    return CONFIDENCE


def _network(answer: Answers) -> dict[str, float]:
    return {
        "cross_entropy": answer.cross_entropy(),
        "calibration": answer.calibration(),
        "calibrated_cross_entropy": answer.cross_entropy(answer.calibration()),
        "accuracy": answer.accuracy(),
    }
