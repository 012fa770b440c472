"""What more samples buy: networks trained on nested parts of one collection, measured by nodes.

On disk, every step skipped if its output is there::

    RUN/gen_01/episodes/  the collection
    RUN/curve/            a network per size and kind
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace

from kida.errors import UserError
from kida.jobs.run import Workers
from kida.lab.effects import effect, shown
from kida.lab.events import Studying
from kida.lab.likeness import answers
from kida.lab.yardstick import Yardstick
from kida.learning.dagger import scip_version
from kida.learning.episodes import collect_generation
from kida.learning.plan import Draw, Plan
from kida.learning.records import record_of
from kida.learning.run import Run
from kida.learning.samples import Aggregate
from kida.learning.train import initial_network, train_generation
from kida.network.card import Card
from kida.network.policy import Policy, holds_policy


@dataclass(frozen=True)
class Kind:
    """A kind of network.

    Attributes
    ----------
    embedding_size, loss
        See :class:`kida.learning.config.TrainingConfig`.
    """

    embedding_size: int
    loss: str

    @property
    def name(self) -> str:
        """Such as ``"32_hard"``."""
        return f"{self.embedding_size}_{self.loss}"


@dataclass(frozen=True)
class Collection:
    """The samples that all networks are trained on parts of: a run's first generation.

    Attributes
    ----------
    run, plan
        The run, of as many episodes as are needed or more, and its draws.
    """

    run: Run
    plan: Plan

    def play(self, most: int, workers: Workers) -> None:
        """Play episodes until there are ``most`` training samples, or all are played."""
        folder = self.run.generation(1) / "episodes"
        samples: dict[Path, int] = {}

        def enough() -> bool:
            for shard in folder.glob("train_*.safetensors"):
                # Of thousands each is read once.
                if shard not in samples and (record := record_of(shard)) is not None:
                    samples[shard] = record.samples
            return sum(samples.values()) >= most

        collect_generation(self.run, self.plan, 1, workers, enough)

    def samples(self, kind: str, most: int | None = None) -> Aggregate:
        """Return the ``"train"`` or ``"valid"`` samples, or the first episodes with ``most``.

        Raises
        ------
        UserError
            If there are fewer.
        """
        folder = self.run.generation(1) / "episodes"
        found = Aggregate(sorted(folder.glob(f"{kind}_*.safetensors")))
        if most is None:
            return found
        if len(found) < most:
            raise UserError(
                f"{len(found)} samples were collected, fewer than {most}: allow more episodes"
            )
        last = found.references[most - 1].shard
        return Aggregate(shard.path for shard in found.shards[: last + 1])


def train_all(
    collection: Collection, counts: Sequence[int], kinds: Sequence[Kind], threads: int
) -> dict[tuple[int, Kind], Policy]:
    """Train a network of every kind on every number of samples, or find it trained."""
    torch.set_num_threads(threads)
    run = collection.run
    validation = collection.samples("valid")
    found = {}
    for count in counts:
        samples = collection.samples("train", count)
        for kind in kinds:
            home = run.folder / "curve" / f"{kind.name}_{count}"
            if not holds_policy(home):
                run.log(Studying(text=f"training {kind.name} on {count} samples"))
                _train(run, kind, samples, validation, home)
            found[count, kind] = Policy.load(home)
    return found


def _train(run: Run, kind: Kind, samples: Aggregate, validation: Aggregate, home: Path) -> None:
    config = replace(run.config.training, embedding_size=kind.embedding_size, loss=kind.loss)
    result = train_generation(
        samples,
        validation,
        initial_network(samples, config, run.config.seed),
        config,
        seed=run.config.seed,
        checkpoint=home.with_suffix(".safetensors"),
        report=run.report,
    )
    card = Card(
        config.architecture,
        parameters=run.config.collection.parameters,
        recipe={"samples": len(samples), "epochs": len(result.history)},
        scip_version=scip_version(),
    )
    Policy(result.weights, card).save(home)


def curve(
    collection: Collection,
    networks: Mapping[tuple[int, Kind], Policy],
    peers: Mapping[str, Policy],
    yardstick: Yardstick,
    draws: Sequence[Draw],
) -> dict[str, Any]:
    """Measure networks and peers by nodes; return what is in the table, as JSON content.

    Parameters
    ----------
    collection
        What they were trained on.
    networks
        From :func:`train_all`.
    peers
        Others to compare with, by name.
    yardstick, draws
        What is solved, and how.
    """
    worth = yardstick.compared([*networks.values(), *peers.values()], draws)
    theirs = dict(zip(peers, worth[len(networks) :], strict=True))
    validation, config = collection.samples("valid"), collection.run.config.training
    rows = []
    for place, ((_, kind), policy) in enumerate(networks.items()):
        said = answers(policy, validation, config)
        rows.append(
            {
                "samples": policy.card.recipe["samples"],
                "kind": kind.name,
                "epochs": policy.card.recipe["epochs"],
                "cross_entropy": said.cross_entropy(),
                "accuracy": said.accuracy(),
                "nodes": yardstick.level(worth[place]),
                # Of the logarithm of nodes.
                "fewer_than": {
                    name: effect(worth[place] - other) for name, other in theirs.items()
                },
            }
        )
    return {
        "family": collection.run.config.family,
        "size": collection.run.config.size,
        "draws": worth.shape[1],
        "validation_samples": len(validation),
        "rows": rows,
        "peers": {name: yardstick.level(other) for name, other in theirs.items()},
    }


def markdown(content: Mapping[str, Any]) -> str:
    """Return the table of :func:`curve`'s content."""
    peers = list(content["peers"])
    lines = [
        f"## {content['family']}, {content['size']}",
        "",
        f"Nodes on {content['draws']} validation instances, geometric means shifted by 10, and how "
        "many fewer than others' (of the logarithm, with 95 % intervals); cross-entropy and "
        f"accuracy on {content['validation_samples']} samples.",
        "",
        "| samples | network | epochs | cross-entropy | accuracy | nodes |"
        + "".join(f" fewer than {name} |" for name in peers),
        "|---|---|---|---|---|---|" + "---|" * len(peers),
    ]
    lines += [_line(row, peers) for row in content["rows"]]
    lines += [
        f"| | {name} | | | | {nodes:.1f} |" + " |" * len(peers)
        for name, nodes in content["peers"].items()
    ]
    return "\n".join([*lines, ""])


def _line(row: Mapping[str, Any], peers: Sequence[str]) -> str:
    return (
        f"| {row['samples']:,} | {row['kind'].replace('_', ', ')} | {row['epochs']} "
        f"| {row['cross_entropy']:.3f} | {row['accuracy']:.3f} | {row['nodes']:.1f} |"
        + "".join(f" {shown(row['fewer_than'][name])} |" for name in peers)
    )
