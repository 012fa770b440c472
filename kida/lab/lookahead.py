"""How much the order of the candidates matters to reliability branching: its lookahead, replayed.

SCIP's default asks strong branching about the candidates that it does not know well, in the order
of their pseudocosts, until so many in a row were no better than the best (Achterberg, Koch and
Martin 2005). Here nodes of its trees are kept with full strong branching of all candidates and
with the features of Khalil et al. (2016) and TreeGate (Zarpellon et al. 2021), and the lookahead is
done again in other orders: at random, by a network that learned from other problems, and by the
scores themselves. What the replay leaves out is said in ``docs/any.md``.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kida.env.actions import DEFAULT
from kida.env.branching import Branching
from kida.env.observation import (
    CandidateStatistics,
    Khalil2016,
    Pseudocosts,
    StrongBranchingScores,
    TreeGate,
)
from kida.errors import UserError
from kida.files import atomic_path
from kida.observation import CandidateFeature
from kida.settings import Limits

Floats = NDArray[np.float64]
#: Scores that candidates are ordered by, the highest first: a node to shape ``(k,)``.
Order = Callable[["Node"], Floats]
#: A list's length, from the probabilities of the unreliable candidates, descending.
Length = Callable[[Floats], int]

# Of a node, candidates below which there is nothing to order; of a solve, the nodes that are kept.
_FEWEST, _MOST = 5, 50
# Kept for certain; then ever fewer.
_FIRST = 6
#: Observations of a pseudocost above which SCIP asks no more ("branching/relpscost/maxreliable").
RELIABLE = 5
#: Candidates in a row without a better one ("branching/relpscost/lookahead"), and all of a node's.
LOOKAHEAD, INITIALISED = 9, 100
#: Stages of a tree by the number of the decision.
STAGES = {"first": (1, 1), "2 to 10": (2, 10), "later": (11, 10**9), "all": (1, 10**9)}
_FOLDS, _EPOCHS, _HIDDEN, _BATCH = 4, 30, 32, 64
# Of the targets: the distance from the mean to the best score is one unit.
_TEMPERATURE = 0.2


@dataclass(frozen=True, eq=False)
class Node:
    """A node at which SCIP's default would branch.

    Attributes
    ----------
    group
        The problem's kind: networks are tried on groups that they have not learned from.
    number
        Of the decision in its solve, from 1.
    scores
        Of strong branching, shape ``(k,)``.
    pseudocosts
        SCIP's scores by them, shape ``(k,)``.
    reliable
        Which candidates' pseudocosts have been observed often enough, shape ``(k,)``.
    features
        Shape ``(k, number of features)``.
    """

    group: str
    number: int
    scores: Floats
    pseudocosts: Floats
    reliable: NDArray[np.bool_]
    features: NDArray[np.float32]


class _Sometimes:
    """Observes some of the nodes: the first ones, and fewer and fewer."""

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._parts: tuple[Any, ...] = (
            StrongBranchingScores(),
            Pseudocosts(),
            CandidateStatistics(),
            Khalil2016(),
            TreeGate(),
        )
        self._seen = self._kept = 0

    def before_reset(self, model: Any) -> None:
        for part in self._parts:
            part.before_reset(model)
        self._seen = self._kept = 0

    def extract(self, model: Any, done: bool) -> dict[str, NDArray[Any]] | None:
        self._seen += 1
        chance = 1.0 if self._seen <= _FIRST else max(0.03, 0.5 * (_FIRST / self._seen) ** 0.5)
        drawn = self._draw.random() < chance
        if done or not drawn or self._kept >= _MOST or model.getNLPBranchCands() < _FEWEST:
            return None
        # Strong branching last: it would be seen by the others.
        *others, pseudocosts, strong = (part.extract(model, done) for part in reversed(self._parts))
        if np.isnan(strong.scores).any():
            return None
        self._kept += 1
        tree_gate, khalil, statistics = others
        count = len(strong.scores)
        tree = np.tile(tree_gate.tree_features, (count, 1))
        return {
            "scores": strong.scores,
            "pseudocosts": pseudocosts.scores,
            "statistics": statistics.features,
            "khalil": khalil.features,
            "tree_gate": np.hstack([tree_gate.candidate_features, tree]),
            "number": np.full(count, self._seen),
        }


def collect(instance: str, seed: int, seconds: float, path: Path) -> None:
    """Keep nodes of one solve by SCIP's default, permuted by the seed; skip it if that is done.

    Parameters
    ----------
    instance
        A file, or ``FAMILY:SPLIT:INDEX``.
    seed
        SCIP's, from 0 on.
    seconds
        How long to solve.
    path
        Where they go.
    """
    if path.exists():
        return
    permuted = {
        "randomization/permutationseed": seed,
        "randomization/permutevars": True,
        "randomization/permuteconss": True,
    }
    found: list[dict[str, NDArray[Any]]] = []
    limits = Limits(time=seconds)
    with Branching(_Sometimes(seed), parameters=permuted, limits=limits) as env:
        seen, _ = env.reset(instance, seed)
        while not env.done:
            if seen is not None:
                found.append(seen)
            seen, *_ = env.step(DEFAULT)
    names = found[0] if found else {}
    arrays = {name: np.concatenate([each[name] for each in found]) for name in names}
    arrays["sizes"] = np.array([len(each["scores"]) for each in found], dtype=np.int64)
    with atomic_path(path) as temporary:
        temporary.write_bytes(safetensors.numpy.save(arrays))


def read(path: Path, group: str) -> list[Node]:
    """Return the nodes that :func:`collect` has kept, those where scores differ."""
    arrays = safetensors.numpy.load(path.read_bytes())
    ends = np.cumsum(arrays["sizes"])
    starts = ends - arrays["sizes"]
    found = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        part = {name: values[start:end] for name, values in arrays.items() if name != "sizes"}
        scores = part["scores"]
        if scores.max() <= 1.0001 * np.median(scores):
            continue
        statistics = part["statistics"]
        # As n / (n + 4), see CandidateFeature.
        counts = statistics[
            :, [CandidateFeature.PSEUDOCOST_COUNT_DOWN, CandidateFeature.PSEUDOCOST_COUNT_UP]
        ]
        features = np.hstack([statistics, _scaled(part["khalil"]), part["tree_gate"].clip(-10, 10)])
        found.append(
            Node(
                group,
                int(part["number"][0]),
                scores,
                part["pseudocosts"],
                counts.min(axis=1) >= RELIABLE / (RELIABLE + 4) - 1e-6,
                np.nan_to_num(features).astype(np.float32),
            )
        )
    return found


def _scaled(features: Floats) -> Floats:
    """Return columns from 0 to 1 over the node's candidates, as Khalil et al. learn from them."""
    bounded = np.nan_to_num(features, posinf=1e6, neginf=-1e6)
    low, high = bounded.min(axis=0), bounded.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    found: Floats = np.where(high > low, (bounded - low) / width, 0.0)
    return found


def replay(node: Node, order: Floats, lookahead: int = LOOKAHEAD) -> tuple[int, float]:
    """Return how many candidates reliability branching asks about, and the share that it keeps.

    Parameters
    ----------
    node
        The node.
    order
        Scores of the candidates: unreliable ones are asked about from the highest on.
    lookahead
        After how many without a better one it stops; more where many are unreliable, as in SCIP.

    Returns
    -------
    tuple
        The number, and the square root of the chosen score over the highest: a score is the
        product of two children's gains.
    """
    open_ = np.flatnonzero(~node.reliable)
    open_ = open_[np.argsort(-order[open_], kind="stable")]
    best = float(node.scores[node.reliable].max(initial=0.0))
    patience = lookahead * (1 + len(open_) / len(node.scores))
    asked = idle = 0
    for candidate in open_[:INITIALISED].tolist():
        asked += 1
        if node.scores[candidate] > best:
            best, idle = float(node.scores[candidate]), 0
        elif (idle := idle + 1) >= patience:
            break
    return asked, kept(node, best)


def listed(node: Node, order: Floats, length: Length) -> tuple[int, float]:
    """Return the same if all of a list are asked about, and nobody else.

    Parameters
    ----------
    node, order
        As above.
    length
        Of the list.
    """
    open_ = np.flatnonzero(~node.reliable)
    open_ = open_[np.argsort(-order[open_], kind="stable")]
    chances = np.exp(order[open_] - order[open_].max())
    chosen = open_[: length(chances / chances.sum())]
    asked = [node.scores[chosen], node.scores[node.reliable], np.zeros(1)]
    return len(chosen), kept(node, float(np.concatenate(asked).max()))


def kept(node: Node, score: float) -> float:
    """Return the share of the gain that a choice of this score keeps."""
    return float(np.sqrt(min(score / node.scores.max(), 1.0)))


def learned(nodes: Sequence[Node], seed: int = 0) -> Order:
    """Return the order by networks of two layers: each node's has not learned from its group."""
    groups = np.random.default_rng(seed).permutation(sorted({node.group for node in nodes}))
    if len(groups) < _FOLDS:
        raise UserError(f"{len(groups)} kinds of problems are too few: {_FOLDS} are needed")
    fold = {group: k % _FOLDS for k, group in enumerate(groups.tolist())}
    scores: dict[int, Floats] = {}
    for k in range(_FOLDS):
        network = _trained([node for node in nodes if fold[node.group] != k], seed)
        with torch.no_grad():
            for node in nodes:
                if fold[node.group] == k:
                    said: Tensor = network(torch.from_numpy(node.features))[:, 0]
                    scores[id(node)] = said.numpy().astype(np.float64)
    return lambda node: scores[id(node)]


def _trained(nodes: Sequence[Node], seed: int) -> nn.Module:
    torch.manual_seed(seed)
    features = [torch.from_numpy(node.features) for node in nodes]
    targets = [torch.from_numpy(_target(node.scores)) for node in nodes]
    weights = _weights(nodes)
    network = nn.Sequential(
        nn.Linear(features[0].shape[1], _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, 1)
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _EPOCHS)
    draw = np.random.default_rng(seed)
    for _ in range(_EPOCHS):
        places = draw.permutation(len(nodes)).tolist()
        for first in range(0, len(places), _BATCH):
            batch = places[first : first + _BATCH]
            said = network(torch.cat([features[k] for k in batch]))[:, 0]
            parts = said.split([len(targets[k]) for k in batch])
            losses = [
                weights[k] * -(targets[k] * part.log_softmax(0)).sum()
                for k, part in zip(batch, parts, strict=True)
            ]
            optimizer.zero_grad()
            torch.stack(losses).mean().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
    return network


def _target(scores: Floats) -> NDArray[np.float32]:
    unit = max(float(scores.max() - scores.mean()), 1e-300)
    chances = np.exp((scores - scores.max()) / (_TEMPERATURE * unit))
    found: NDArray[np.float32] = (chances / chances.sum()).astype(np.float32)
    return found


def _weights(nodes: Sequence[Node]) -> list[float]:
    """Return weights whose square roots make groups alike, of mean 1: large ones teach more."""
    counts = _counts(nodes)
    found = np.array([counts[node.group] ** -0.5 for node in nodes])
    return list((found / found.mean()).tolist())


def _counts(nodes: Sequence[Node]) -> Mapping[str, int]:
    names, counts = np.unique([node.group for node in nodes], return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def orders(nodes: Sequence[Node]) -> dict[str, Order]:
    """Return the orders to compare, by name."""
    return {
        "pseudocosts": lambda node: node.pseudocosts,
        "network": learned(nodes),
        "random": _chance,
        "the scores themselves": lambda node: node.scores,
    }


def _chance(node: Node) -> Floats:
    seed = zlib.crc32(node.scores.tobytes())
    return np.random.default_rng(seed).random(len(node.scores))


def table(nodes: Sequence[Node]) -> dict[str, Any]:
    """Return what every order takes and keeps, groups counting alike, as JSON content."""
    nodes = [node for node in nodes if not node.reliable.all()]
    found = orders(nodes)
    replays = [
        {
            "stage": stage,
            "nodes": len(part),
            "lookahead": lookahead,
            **{
                name: _mean(part, [replay(node, order(node), lookahead) for node in part])
                for name, order in found.items()
            },
        }
        for stage, (first, last) in STAGES.items()
        if (part := [node for node in nodes if first <= node.number <= last])
        for lookahead in (4, LOOKAHEAD)
    ]
    lengths = {
        **{f"{count} candidates": _so_many(count) for count in (2, 4, 8, 16, 24)},
        **{f"{share:.0%} of the probability": _likely(share) for share in (0.3, 0.5, 0.7, 0.9)},
    }
    lists = {
        name: _mean(nodes, [listed(node, found["network"](node), length) for node in nodes])
        for name, length in lengths.items()
    }
    groups = _counts(nodes)
    return {"nodes": len(nodes), "groups": dict(groups), "replays": replays, "lists": lists}


def _so_many(count: int) -> Length:
    return lambda chances: count


def _likely(share: float) -> Length:
    return lambda chances: int(np.searchsorted(np.cumsum(chances), share)) + 1


def _mean(nodes: Sequence[Node], found: Sequence[tuple[int, float]]) -> list[float]:
    counts = _counts(nodes)
    weights = [1 / counts[node.group] for node in nodes]
    mean: list[float] = np.average(np.array(found, float), axis=0, weights=weights).tolist()
    return mean


def markdown(content: Mapping[str, Any]) -> str:
    """Return the tables of :func:`table`'s content."""
    names = [name for name in content["replays"][0] if name not in ("stage", "nodes", "lookahead")]
    lines = [
        f"{content['nodes']} nodes of {len(content['groups'])} kinds of problems, which count "
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
    lines += ["", "| list by the network | candidates | kept |", "|---|---|---|"]
    lines += [
        f"| {name} | {asked:.1f} | {share:.3f} |"
        for name, (asked, share) in content["lists"].items()
    ]
    return "\n".join([*lines, ""])
