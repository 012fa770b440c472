"""Ecole's random generators: ``std::mt19937``, one of which seeds all others."""

import secrets
import threading
from typing import Any

import numpy as np

LARGEST = 2**32 - 1


class RandomGenerator:
    """The Mersenne twister of C++'s standard library, number for number.

    Parameters
    ----------
    value
        The seed, 0 to 2**32 - 1.
    """

    min_seed = 0
    max_seed = LARGEST

    def __init__(self, value: int = 5489) -> None:
        self.seed(value)

    def seed(self, value: int = 5489) -> None:
        """Begin anew with a seed; larger ones wrap, as in C++."""
        self._bits = np.random.MT19937()
        self._bits._legacy_seeding(int(value) & LARGEST)

    def __call__(self) -> int:
        """Return the next number, 0 to 2**32 - 1."""
        return int(self._bits.random_raw())

    def discard(self, n: int) -> None:
        """Advance by ``n`` numbers."""
        for _ in range(n):
            self()

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, RandomGenerator) and str(self._bits.state) == str(
            other._bits.state
        )

    __hash__ = None  # type: ignore[assignment]


_source = RandomGenerator(secrets.randbits(32))
_lock = threading.Lock()


def seed(val: int) -> None:
    """Seed the source of all generators that are spawned later."""
    with _lock:
        _source.seed(val)


def spawn_random_generator() -> RandomGenerator:
    """Return another generator, seeded by the common source."""
    with _lock:
        return RandomGenerator(_source())
