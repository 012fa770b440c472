"""Nodes of SCIP's default, kept with strong branching of all candidates, to try ideas on.

A solve keeps its first nodes and ever fewer of the later ones, with the features of Khalil et al.
(2016) and TreeGate (Zarpellon et al. 2021) beside our own statistics.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from kida.env.actions import DEFAULT
from kida.env.branching import Branching
from kida.env.observation import (
    CandidateStatistics,
    Khalil2016,
    KhalilFeature,
    Pseudocosts,
    StrongBranchingScores,
    TreeGate,
    TreeGateCandidateFeature,
)
from kida.errors import UserError
from kida.files import atomic_path
from kida.instances.family import Instance
from kida.learning.steering import features_from
from kida.observation import CandidateFeature
from kida.settings import Limits

Floats = NDArray[np.float64]

# Of a node, candidates below which there is nothing to order; of a solve, the nodes that are kept.
_FEWEST, _MOST = 5, 50
# Kept for certain; then ever fewer.
_FIRST = 6
#: Observations of a pseudocost from which SCIP asks no more ("branching/relpscost/maxreliable").
RELIABLE = 5
# Statistics tell n observations as n / (n + 4).
_HALF = 4
_ARRAYS = ("sizes", "scores", "pseudocosts", "statistics", "khalil", "tree_gate", "number")
# Of SCIP's own order: "branching/relpscost/..." pscost-, conflict-, inference- and cutoffweight.
_OWN = {
    TreeGateCandidateFeature.PSEUDOCOST_SCORE: 1.0,
    TreeGateCandidateFeature.CONFLICT_SCORE: 0.01,
    TreeGateCandidateFeature.INFERENCE_SCORE: 0.0001,
    TreeGateCandidateFeature.CUTOFF_SCORE: 0.0001,
}


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
    own
        About the scores that SCIP's default asks in the order of, shape ``(k,)``: their weights are
        those of the parameters, which SCIP shifts from pseudocosts to conflicts where leaves are
        infeasible rather than too dear.
    observations
        Of a pseudocost, of the direction with fewer; shape ``(k,)``.
    steering
        What models of the kind "relpscost" read, ``kida.learning.steering.TRAINED_ON``; shape
        ``(k, 11)``.
    features
        All features, shape ``(k, f)``.
    """

    group: str
    number: int
    scores: Floats
    pseudocosts: Floats
    own: Floats
    observations: Floats
    steering: NDArray[np.float32]
    features: NDArray[np.float32]

    @property
    def reliable(self) -> NDArray[np.bool_]:
        """Which candidates' pseudocosts have been observed often enough, shape ``(k,)``."""
        found: NDArray[np.bool_] = self.observations >= RELIABLE - 1e-3
        return found

    @property
    def chance(self) -> float:
        """How likely it was that a node of this number is kept."""
        return _chance(self.number)


def _chance(number: int) -> float:
    return 1.0 if number <= _FIRST else float(max(0.03, 0.5 * (_FIRST / number) ** 0.5))


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
        drawn = self._draw.random() < _chance(self._seen)
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


def collect(instance: Instance, seed: int, seconds: float, path: Path) -> None:
    """Keep nodes of one solve by SCIP's default, permuted by the seed; skip it if that is done.

    An instance that SCIP cannot read or solve leaves no file, and a warning.

    Parameters
    ----------
    instance
        What to solve.
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
    try:
        with Branching(_Sometimes(seed), parameters=permuted, limits=limits) as env:
            seen, _ = env.reset(instance, seed)
            while not env.done:
                if seen is not None:
                    found.append(seen)
                seen, *_ = env.step(DEFAULT)
    except UserError as error:
        print(f"kida: warning: {instance.name} is left out: {error}", flush=True)
        return
    names = found[0] if found else {}
    arrays = {name: np.concatenate([each[name] for each in found]) for name in names}
    arrays["sizes"] = np.array([len(each["scores"]) for each in found], dtype=np.int64)
    with atomic_path(path) as temporary:
        temporary.write_bytes(safetensors.numpy.save(arrays))


def read(path: Path, group: str) -> list[Node]:
    """Return the nodes that :func:`collect` has kept, if any: those where the best stands out.

    Raises
    ------
    UserError
        If the file is not one of :func:`collect`'s.
    """
    if not path.exists():
        return []
    arrays = _arrays(path)
    if not len(arrays["sizes"]):
        return []
    ends = np.cumsum(arrays["sizes"])
    found = []
    for start, end in zip((ends - arrays["sizes"]).tolist(), ends.tolist(), strict=True):
        part = {name: values[start:end] for name, values in arrays.items() if name != "sizes"}
        scores = part["scores"]
        if scores.max() > 1.0001 * np.median(scores):
            found.append(_node(group, part))
    return found


def _arrays(path: Path) -> Mapping[str, NDArray[Any]]:
    try:
        arrays: Mapping[str, NDArray[Any]] = safetensors.numpy.load(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} cannot be read ({error}): delete it, to make it anew") from None
    sizes = arrays.get("sizes")
    whole = sizes is not None and sizes.ndim == 1 and bool((sizes >= 1).all())
    if whole and len(arrays["sizes"]):
        total = int(arrays["sizes"].sum())
        whole = set(arrays) == set(_ARRAYS) and all(
            len(arrays[name]) == total for name in _ARRAYS[1:]
        )
    if not whole:
        raise UserError(f"{path} holds other arrays than nodes have: delete it, to make it anew")
    return arrays


def _node(group: str, part: Mapping[str, NDArray[Any]]) -> Node:
    statistics, khalil = part["statistics"], part["khalil"]
    tree_gate = part["tree_gate"]
    shares = statistics[
        :, [CandidateFeature.PSEUDOCOST_COUNT_DOWN, CandidateFeature.PSEUDOCOST_COUNT_UP]
    ].min(axis=1)
    fraction = tree_gate[:, TreeGateCandidateFeature.FRACTION]
    steering = features_from(statistics, fraction, khalil[:, KhalilFeature.OBJ_COEF])
    features = np.hstack([statistics, _scaled(khalil), tree_gate.clip(-10, 10)])
    return Node(
        group=group,
        number=int(part["number"][0]),
        scores=part["scores"],
        pseudocosts=part["pseudocosts"],
        own=np.asarray(sum(w * tree_gate[:, k] for k, w in _OWN.items()), dtype=np.float64),
        observations=_HALF * shares / np.maximum(1 - shares.astype(np.float64), 1e-9),
        steering=np.nan_to_num(steering),
        features=np.nan_to_num(features).astype(np.float32),
    )


def _scaled(features: Floats) -> Floats:
    """Return columns from 0 to 1 over the node's candidates, as Khalil et al. learn from them."""
    bounded = np.nan_to_num(features, posinf=1e6, neginf=-1e6)
    low, high = bounded.min(axis=0), bounded.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    found: Floats = np.where(high > low, (bounded - low) / width, 0.0)
    return found


def weights(nodes: Iterable[Node]) -> Floats:
    """Return a weight of every node: kinds count alike, and within one the nodes of its trees."""
    nodes = list(nodes)
    totals: dict[str, float] = {}
    for node in nodes:
        totals[node.group] = totals.get(node.group, 0.0) + 1 / node.chance
    return np.array([1 / node.chance / totals[node.group] for node in nodes])
