"""Members for a study of inheritance: networks of one pool of episodes that differ in one way.

The pool is a training run of a few generations, and what the members of a cell differ by is
:data:`CELLS`. All but those of the run itself are trained from scratch from one initialisation, on
hard targets without smoothing, on the same number of samples at a learning rate that never falls
and without an early end. That is harsher than KIDA's training, whose rate fell (Cao et al. 2022,
arXiv:2201.10328), and leaves single networks over-confident; one training whose rate does fall is
beside them. Those of the run have the recipes' training, which is shorter. The checkpoints of one
training are at equal distances, the last one as long as all others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec.structs import replace

from kida.jobs.run import Workers
from kida.lab.events import Studying
from kida.lab.hands import Hands
from kida.lab.progress import Lines
from kida.learning.config import TrainingConfig
from kida.learning.dagger import aggregate, make_generation
from kida.learning.plan import Plan
from kida.learning.run import Run, read_run
from kida.learning.samples import Aggregate
from kida.learning.selection import finished_card
from kida.learning.train import initial_network, train_generation
from kida.network.architecture import Weights
from kida.network.card import Card
from kida.network.gnn import Network
from kida.network.policy import Policy, holds_policy

#: What the members of each cell differ by.
CELLS = {
    "a": "checkpoints of one training",
    "b": "order of the samples",
    "c": "bootstrap of the episodes",
    "d": "nested generations, each from scratch",
    "e": "warm-started generations, as in the recipes",
}
#: Networks of no cell, trained on all samples in the order of ``b_1``.
SINGLE = {
    "ema": "moving average of one training's weights",
    "annealed": "one training whose rate falls, at its best epoch",
}
#: Of the weights' moving average.
DECAY = 0.999


@dataclass(frozen=True)
class Pool:
    """A run's episodes, and how members are trained on them.

    Attributes
    ----------
    run, plan
        Of the pool. What is made of it lies in the run's folder, below ``members``.
    epochs, draws
        Length of a training: so many epochs of so many samples, or, of fewer samples, more epochs.
    threads
        Of torch.
    """

    run: Run
    plan: Plan
    epochs: int
    draws: int
    threads: int

    @property
    def generations(self) -> int:
        """How many generations of episodes there are, and members in a cell."""
        return self.run.config.generations

    @property
    def card(self) -> Card:
        """The card of the run's last generation: who decides where, and under which parameters."""
        return Policy.load(self.run.generation(self.generations) / "policy").card

    @property
    def judged_card(self) -> Card:
        """The same under the parameters that the run's own policy would be judged and used with."""
        return finished_card(self.card, self.run.config.inheritance, -1, 0)

    @property
    def config(self) -> TrainingConfig:
        """How members are trained."""
        return replace(
            self.run.config.training,
            epochs=self.epochs,
            draws_per_epoch=self.draws,
            loss="hard",
            label_smoothing=0.0,
            patience=10**6,
        )

    def length(self, samples: Aggregate, share: float = 1.0) -> int:
        """Return the epochs in which a share of a training's samples are drawn from these."""
        per_epoch = min(len(samples), self.draws)
        return max(1, round(share * self.epochs * self.draws / per_epoch))

    def play(self, workers: Workers) -> None:
        """Make the run's generations, or find them made."""
        for number in range(1, self.generations + 1):
            make_generation(self.run, self.plan, number, workers=workers, threads=self.threads)

    def samples(self, generations: int | None = None) -> Aggregate:
        """Return the training samples of the first generations, by default of all."""
        return aggregate(self.run, self.plan, "train", generations or self.generations)

    def validation(self) -> Aggregate:
        """Return the validation samples of all generations."""
        return aggregate(self.run, self.plan, "valid", self.generations)

    def path(self, name: str) -> Path:
        """Return where a member, or an heir, is kept."""
        return self.run.folder / "members" / name

    def has(self, name: str) -> bool:
        """Return whether it is there."""
        return holds_policy(self.path(name))

    def load(self, name: str) -> Policy:
        """Return a member or an heir."""
        return Policy.load(self.path(name))

    def also(self, name: str, policy: Path) -> None:
        """Keep a policy's weights under another name, unless they are, or it is not there yet."""
        if holds_policy(policy) and not self.has(name):
            self.keep(name, Policy.load(policy).weights)

    def keep(self, name: str, weights: Weights, **recipe: object) -> Policy:
        """Write a policy of the pool's card, with a recipe of its own."""
        size = len(weights["cons_embedding.1.bias"])
        card = self.judged_card
        shape = replace(card.shape, embedding_size=size)
        card = replace(card, architecture=shape, recipe={"name": name, **recipe})
        policy = Policy(weights, card)
        policy.save(self.path(name))
        return policy

    def train(
        self,
        name: str,
        samples: Aggregate,
        config: TrainingConfig,
        *,
        seed: int = 0,
        start: Weights | None = None,
        teacher: Network | None = None,
        training: str = "",
        validation: Aggregate | None = None,
    ) -> Policy:
        """Train a network to its last epoch, and keep that one's weights and the best one's.

        Parameters
        ----------
        name
            The policy's; that of the best epoch is NAME_best.
        samples, config, seed
            What it is trained on, and how.
        start
            Where it starts; by default, where the run's first generation started, its prenorm
            statistics fitted on ``samples``.
        teacher
            A network to imitate beside the expert.
        training
            The training that it goes on with, if not one of its own.
        validation
            What the best epoch is chosen on; by default the pool's own.
        """
        torch.set_num_threads(self.threads)
        self.run.log(Studying(text=f"training {name}"))
        if start is None:
            first = Policy.load(self.run.folder / "initial").weights
            network = initial_network(samples, config, self.run.config.seed, first)
        else:
            network = Network(config.architecture)
            network.load_weights(start)
        result = train_generation(
            samples,
            validation or self.validation(),
            network,
            config,
            seed=seed,
            checkpoint=self.path(training or name).with_suffix(".safetensors"),
            teacher=teacher,
            report=self.run.report,
        )
        self.keep(f"{name}_best", result.weights, epochs=len(result.history))
        return self.keep(name, result.last, epochs=len(result.history))


def make_members(pool: Pool, cells: str, workers: Hands) -> dict[str, list[str]]:
    """Train the members of some cells that are not there yet, one training a process.

    Returns
    -------
    dict
        A cell's letter to its members' names, in order, as many as the pool has generations. With
        cell b, what belongs to no cell is kept under the names of :data:`SINGLE`.
    """
    numbers = range(1, pool.generations + 1)
    ours = pool.run.config.training
    # Of each process, what it makes one after the other.
    tasks: list[list[dict[str, Any]]] = []
    if "a" in cells or "d" in cells:
        # The quarters of one training; the last one is also the last nested generation.
        quarters = [
            {"name": f"a_{k}", "share": k / pool.generations, "training": "a"} for k in numbers
        ]
        tasks.append(quarters)
    if "b" in cells:
        tasks += [[{"name": f"b_{k}", "seed": k}] for k in numbers]
    if "c" in cells:
        tasks += [[{"name": f"c_{k}", "bootstrap": k}] for k in numbers]
    if "d" in cells:
        tasks += [[{"name": f"d_{k}", "generations": k}] for k in numbers[:-1]]
    if "b" in cells:
        # As the recipes have it: what validated best counts, see below.
        tasks.append([{"name": "stopped", "seed": 1, "patience": ours.patience}])
        tasks.append([{"name": "ema", "seed": 1, "average_decay": DECAY}])
    missing = [task for task in tasks if not all(pool.has(wanted["name"]) for wanted in task)]
    workers.each(_make, [(pool.run.folder, pool.epochs, pool.draws, task) for task in missing])
    last = pool.generations
    pool.also(f"d_{last}", pool.path(f"a_{last}"))
    for k in numbers:
        pool.also(f"e_{k}", pool.run.generation(k) / "policy")
    pool.also("annealed", pool.path("stopped_best"))
    return {cell: [f"{cell}_{k}" for k in numbers] for cell in cells}


def _make(run: Path, epochs: int, draws: int, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Make members one after the other, in a process of their own."""
    config = read_run(run).config
    pool = Pool(Run(run, config, Lines()), Plan(config), epochs, draws, 1)
    for member in wanted:
        _member(pool, **member)


def _member(
    pool: Pool,
    name: str,
    *,
    seed: int = 0,
    share: float = 1.0,
    generations: int | None = None,
    bootstrap: int | None = None,
    training: str = "",
    **options: Any,
) -> None:
    """Train one member, unless it is there: the others' pool and options, but for those given.

    ``share`` is that of a whole training.
    """
    if pool.has(name):
        return
    samples = pool.samples(generations)
    if bootstrap is not None:
        samples = Aggregate(drawn([shard.path for shard in samples.shards], bootstrap))
    config = replace(pool.config, epochs=pool.length(samples, share), **options)
    pool.train(name, samples, config, seed=seed, training=training)


def drawn(paths: Sequence[Path], seed: int) -> list[Path]:
    """Return as many of ``paths``, drawn with replacement."""
    order = np.random.default_rng([seed, 2]).integers(0, len(paths), len(paths))
    return [paths[k] for k in order.tolist()]
