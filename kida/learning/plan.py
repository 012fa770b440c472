"""Which instances and seeds a run plays, and which it validates on.

A function of the configuration and of the instances alone, so that a resumed run goes on with the
same ones.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kida.boundary import LARGEST_SEED
from kida.errors import UserError
from kida.instances.family import Family, Instance
from kida.instances.folder import SIZE
from kida.instances.registry import family
from kida.learning.config import RunConfig


@dataclass(frozen=True)
class Draw:
    """An instance, and the seed to solve it with."""

    instance: Instance
    seed: int


def spread(indices: Sequence[int], count: int) -> list[int]:
    """Return some indices, evenly: files in the order of their names often grow."""
    places = np.linspace(0, len(indices) - 1, min(count, len(indices)))
    return [indices[round(place)] for place in places.tolist()]


class Plan:
    """The run's draws.

    The train split is shuffled once. Its first part is kept for validation episodes, the rest for
    training episodes; both are walked through in order over all generations, and again with other
    seeds when they are used up, so that no pair of instance and seed is played twice. Whoever makes
    generations otherwise than by episodes has the :meth:`spare` draws. Only a family with a single
    training instance trains and validates on the same one.

    Parameters
    ----------
    config
        The run's.
    held_out
        Instances to keep for validation beside those of the validation episodes.
    source
        Where the instances are from; by default the family that the configuration names, as it is
        now.

    Raises
    ------
    UserError
        If the family or the size is unknown, or there are no training instances.
    """

    def __init__(self, config: RunConfig, held_out: int = 0, source: Family | None = None) -> None:
        self._config = config
        self._family = source or family(config.family)
        self._size = config.size or self._family.sizes[0]
        length = self._family.length("train")
        if length < 1:
            raise UserError(f"{config.family} has no instances to train on")
        self._sizes = config.collection.sizes or (self._size,)
        for size in (self._size, *self._sizes):
            self._family.instance(size, "train", 0)  # refuses an unknown size
        order = list(range(length))
        random.Random(config.seed).shuffle(order)
        collection = config.collection
        both = collection.episodes + collection.validation_episodes
        held = min(
            collection.validation_episodes * config.generations + held_out,
            max(1, round(collection.validation_episodes / both * length)),
            length - 1,
        )
        self._pools = {"valid": order[:held] or order, "train": order[held:]}

    def episodes(self, kind: str, generation: int) -> Iterator[Draw]:
        """Yield the ``"train"`` or ``"valid"`` episodes of a generation, counted from 1."""
        collection = self._config.collection
        count = collection.episodes if kind == "train" else collection.validation_episodes
        pool = self._pools[kind]
        size = self._sizes[min(generation, len(self._sizes)) - 1]
        for position in range((generation - 1) * count, generation * count):
            # Distinct for each walk through the pool and for the two kinds; what SCIP takes.
            walk = 2 * (position // len(pool)) + (kind == "valid")
            seed = (self._config.seed * 100_003 + walk) % (LARGEST_SEED + 1)
            instance = self._family.instance(size, "train", pool[position % len(pool)])
            yield Draw(instance, seed)

    def spare(self, kind: Literal["train", "valid"], first: int, count: int) -> list[Draw]:
        """Return ``count`` draws, from number ``first`` on, that no episode has.

        Those of the training part are counted from its end, those of the validation part from
        behind the validation episodes'.
        """
        pool, walks = self._pools["train"][::-1], 1 << 20
        if kind == "valid":
            first += self._config.collection.validation_episodes * self._config.generations
            pool, walks = self._pools["valid"], 1 << 21
        draws = []
        for position in range(first, first + count):
            # The seeds of the episodes' walks lie below.
            seed = (self._config.seed * 100_003 + walks + position // len(pool)) % (
                LARGEST_SEED + 1
            )
            index = pool[position % len(pool)]
            draws.append(Draw(self._family.instance(self._size, "train", index), seed))
        return draws

    def selection(self, count: int) -> list[Draw]:
        """Return ``count`` draws of the valid split, or of held-out training instances.

        Instances repeat, with other seeds, if there are not that many. Of files they are spread
        over the split, whose order is that of names.
        """
        length = self._family.length("valid")
        split = "valid" if length else "train"
        pool = list(range(length)) or self._pools["valid"]
        if split == "valid" and self._family.sizes == (SIZE,):
            pool = spread(pool, count)
        return [
            Draw(
                self._family.instance(self._size, split, pool[position % len(pool)]),
                position // len(pool),
            )
            for position in range(count)
        ]
