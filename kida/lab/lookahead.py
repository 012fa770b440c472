"""How much the order of the candidates matters to reliability branching: its lookahead, replayed.

SCIP's default asks strong branching about the candidates that it does not know well, in the order
of its scores, until so many in a row were no better than the best, and then takes the best asked,
or one that it knows well if that promises more than this and than all that were not asked
(Achterberg, Koch and Martin 2005). Here that is done again at kept nodes
(:mod:`kida.lab.default_nodes`) in other orders. What the replay leaves out is said in
``docs/any.md``.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.lab.default_nodes import Floats, Node, weights
from kida.lab.effects import effect
from kida.learning.steering import Fit, Ranking, fit, learn, scores_by

#: Scores that candidates are ordered by, the highest first: a node to shape ``(k,)``.
Order = Callable[[Node], Floats]
#: A list's length, from the probabilities of the unreliable candidates, descending.
Length = Callable[[Floats], int]
#: What a replay tells: how many candidates are asked, and the share of the best gain that is kept.
Told = tuple[int, float]

#: Candidates in a row without a better one ("branching/relpscost/maxlookahead"), and all of a
#: node's ("branching/relpscost/initcand").
LOOKAHEAD, INITIALISED = 9, 100
_LOOKAHEADS = (1, 2, 4, LOOKAHEAD)
#: Stages of a tree by the number of the decision.
STAGES = {"first": (1, 1), "2 to 10": (2, 10), "later": (11, 10**9), "all": (1, 10**9)}
_FOLDS, _EPOCHS, _HIDDEN = 4, 30, 32
OWN, PERFECT = "SCIP's own", "the scores themselves"
_UNKNOWN, _EQUAL = 0.1, 1e-9
# Lists of about as many candidates, to be compared.
_ALIKE = {"50% of the probability": "8 candidates", "70% of the probability": "16 candidates"}


def replay(node: Node, order: Floats, lookahead: int = LOOKAHEAD) -> Told:
    """Return how many candidates reliability branching asks about, and the share that it keeps.

    Parameters
    ----------
    node
        The node.
    order
        Scores of the candidates: unreliable ones are asked about from the highest on.
    lookahead
        After how many without a better one it stops; up to twice as many where candidates have
        never been observed, as in SCIP.

    Returns
    -------
    tuple
        The number, and the square root of the chosen score over the highest: a score is the
        product of two children's gains.
    """
    patience = lookahead * (1 + (node.observations < _UNKNOWN).mean())
    open_ = _unreliable(node, order)
    best, idle, asked = -1.0, 0.0, 0
    for candidate in open_[:INITIALISED].tolist():
        asked += 1
        score = float(node.scores[candidate])
        if score > best * (1 + _EQUAL):
            best, idle = score, 0.0
            continue
        # As good as the best counts half, in SCIP.
        idle += 0.5 if score >= best * (1 - _EQUAL) else 1.0
        if idle >= patience:
            break
    return asked, _kept(node, best, open_[asked:])


def listed(node: Node, order: Floats, length: Length) -> Told:
    """Return the same if all of a list are asked about, and nobody else.

    Parameters
    ----------
    node, order
        As above.
    length
        Of the list.
    """
    open_ = _unreliable(node, order)
    if not len(open_):
        return 0, _kept(node, -1.0, open_)
    chances = np.exp(order[open_] - order[open_].max())
    chosen = open_[: length(chances / chances.sum())]
    return len(chosen), _kept(node, float(node.scores[chosen].max()), open_[len(chosen) :])


def _unreliable(node: Node, order: Floats) -> NDArray[np.intp]:
    open_ = np.flatnonzero(~node.reliable)
    return open_[np.argsort(-order[open_], kind="stable")]


def _kept(node: Node, best: float, unasked: NDArray[np.intp]) -> float:
    """Return the share of the gain that is kept if this is the best score of those asked."""
    known = np.flatnonzero(node.reliable)
    if len(known):
        likely = known[np.argmax(node.pseudocosts[known])]
        next_ = float(node.own[unasked].max(initial=-np.inf))
        if node.pseudocosts[likely] > best and node.own[likely] > next_:
            best = float(node.scores[likely])
    return float(np.sqrt(min(max(best, 0.0) / node.scores.max(), 1.0)))


def steering_policy(nodes: Sequence[Node], seed: int = 0) -> Fit:
    """Return a policy of the kind "relpscost" that learned from nodes, a fold of kinds validating.

    Raises
    ------
    UserError
        If there are fewer kinds than folds.
    """
    fold = _folds(nodes, seed)
    rankings = _rankings(nodes, lambda node: node.steering)
    parts: list[list[Ranking]] = [[], []]
    for node, ranking in zip(nodes, rankings, strict=True):
        parts[fold[node.group] == 0].append(ranking)
    return fit(parts[0], parts[1], seed=seed)


def _folds(nodes: Sequence[Node], seed: int) -> Mapping[str, int]:
    groups = np.random.default_rng(seed).permutation(sorted({node.group for node in nodes}))
    if len(groups) < _FOLDS:
        raise UserError(f"{len(groups)} kinds of problems are too few: {_FOLDS} are needed")
    return {group: k % _FOLDS for k, group in enumerate(groups.tolist())}


def _rankings(nodes: Sequence[Node], features: Callable[[Node], Any]) -> list[Ranking]:
    """Return rankings whose weights make kinds less unlike: large ones still teach more."""
    counts = Counter(node.group for node in nodes)
    found = np.array([counts[node.group] ** -0.5 for node in nodes])
    return [
        Ranking(features(node), node.scores, float(weight))
        for node, weight in zip(nodes, found / found.mean(), strict=True)
    ]


def learned(nodes: Sequence[Node], features: Callable[[Node], Any], seed: int = 0) -> Order:
    """Return the order by networks of two layers: each node's has not learned from its group."""
    fold = _folds(nodes, seed)
    rankings = _rankings(nodes, features)
    scores: dict[int, Floats] = {}
    for k in range(_FOLDS):
        lessons = [r for n, r in zip(nodes, rankings, strict=True) if fold[n.group] != k]
        network, _ = learn(lessons, (), hidden=_HIDDEN, epochs=_EPOCHS, seed=seed)
        for node in nodes:
            if fold[node.group] == k:
                scores[id(node)] = scores_by(network, features(node)).astype(np.float64)
    return lambda node: scores[id(node)]


def orders(nodes: Sequence[Node]) -> dict[str, Order]:
    """Return the orders to compare, by name."""
    return {
        OWN: lambda node: node.own,
        "pseudocosts": lambda node: node.pseudocosts,
        "steering model": learned(nodes, lambda node: node.steering),
        "all features": learned(nodes, lambda node: node.features),
        "random": _by_chance,
        PERFECT: lambda node: node.scores,
    }


def _by_chance(node: Node) -> Floats:
    seed = zlib.crc32(node.scores.tobytes())
    return np.random.default_rng(seed).random(len(node.scores))


def table(nodes: Sequence[Node]) -> dict[str, Any]:
    """Return what every order takes and keeps, as JSON content: kinds count alike.

    Nodes at which every candidate is reliable are left out: nothing is asked there.
    """
    nodes = [node for node in nodes if not node.reliable.all()]
    found = orders(nodes)
    told = {
        lookahead: {
            name: [replay(node, order(node), lookahead) for node in nodes]
            for name, order in found.items()
        }
        for lookahead in _LOOKAHEADS
    }
    replays = []
    for stage, (first, last) in STAGES.items():
        inside = [k for k, node in enumerate(nodes) if first <= node.number <= last]
        part = [nodes[k] for k in inside]
        for lookahead in _LOOKAHEADS if inside else ():
            row: dict[str, Any] = {"stage": stage, "nodes": len(part), "lookahead": lookahead}
            for name in found:
                row[name] = _mean(part, [told[lookahead][name][k] for k in inside])
            replays.append(row)
    lengths = {
        **{f"{count} candidates": _so_many(count) for count in (2, 4, 8, 16, 24)},
        **{f"{share:.0%} of the probability": _likely(share) for share in (0.3, 0.5, 0.7, 0.9)},
    }
    order = found["all features"]
    tried = {
        name: [listed(node, order(node), length) for node in nodes]
        for name, length in lengths.items()
    }
    usual = told[LOOKAHEAD]
    differences = {
        name: _difference(nodes, usual[name], usual[OWN]) for name in found if name != OWN
    }
    return {
        "nodes": len(nodes),
        "groups": dict(Counter(node.group for node in nodes)),
        "replays": replays,
        "lists": {name: _mean(nodes, each) for name, each in tried.items()},
        "differences": differences,
        "lengths": {
            f"{name}, against {other}": _difference(nodes, tried[name], tried[other])
            for name, other in _ALIKE.items()
        },
    }


def _so_many(count: int) -> Length:
    return lambda chances: count


def _likely(share: float) -> Length:
    return lambda chances: int(np.searchsorted(np.cumsum(chances), share)) + 1


def _mean(nodes: Sequence[Node], told: Sequence[Told]) -> list[float]:
    mean: list[float] = np.average(np.array(told, float), axis=0, weights=weights(nodes)).tolist()
    return mean


def _difference(
    nodes: Sequence[Node], told: Sequence[Told], other: Sequence[Told]
) -> dict[str, list[float]]:
    """Return by how much more is asked, and kept, with intervals over kinds."""
    values = np.array(told, float) - np.array(other, float)
    share = weights(nodes)
    groups = [node.group for node in nodes]
    by_kind = np.array(
        [
            np.average(values[at], axis=0, weights=share[at])
            for kind in sorted(set(groups))
            if (at := [k for k, group in enumerate(groups) if group == kind])
        ]
    )
    return {"asked": effect(by_kind[:, 0]), "kept": effect(by_kind[:, 1])}


def markdown(content: Mapping[str, Any]) -> str:
    """Return the tables of :func:`table`'s content, with "problems", "seeds" and "seconds"."""
    names = [name for name in content["replays"][0] if name not in ("stage", "nodes", "lookahead")]
    solved = f"{content['problems']} problems, {content['seeds']} seeds, {content['seconds']:g} s: "
    lines = [
        f"{solved}{content['nodes']} nodes of {len(content['groups'])} kinds, which count "
        "alike: candidates that strong branching is asked about, and the share of the best gain "
        "that is kept.",
        "",
        "| decision | nodes | lookahead |" + "".join(f" {name} |" for name in names),
        "|---|---|---|" + "---|" * len(names),
    ]
    lines += [
        f"| {row['stage']} | {row['nodes']} | {row['lookahead']} |"
        + "".join(f" {row[name][0]:.1f}, {row[name][1]:.3f} |" for name in names)
        for row in content["replays"]
    ]
    lines += [
        "",
        f"| lookahead {LOOKAHEAD}, against {OWN} order | more asked | more kept |",
        "|---|---|---|",
        *map(_compared, content["differences"].items()),
    ]
    lines += ["", "| list by all features | candidates | kept |", "|---|---|---|"]
    lines += [
        f"| {name} | {asked:.1f} | {share:.3f} |"
        for name, (asked, share) in content["lists"].items()
    ]
    lines += ["", "| list by all features | more asked | more kept |", "|---|---|---|"]
    lines += map(_compared, content["lengths"].items())
    return "\n".join([*lines, ""])


def _compared(row: tuple[str, Mapping[str, Sequence[float]]]) -> str:
    name, found = row
    asked, low, high = found["asked"]
    kept, worst, most = (100 * value for value in found["kept"])
    return (
        f"| {name} | {asked:+.2f} [{low:+.2f}, {high:+.2f}] | "
        f"{kept:+.1f} [{worst:+.1f}, {most:+.1f}] points |"
    )
