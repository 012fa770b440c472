"""Random numbers for the families of this package: the same on every machine and numpy version.

numpy keeps the bit streams of its generators and may change how it makes distributions of them.
So everything here is derived from uniform doubles, and a family must draw through this class only.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from kida.instances.family import Instance


class Source:
    """A stream of random numbers that belongs to one instance, or to one seed.

    Parameters
    ----------
    seed
        Any integer from 0 on.
    """

    def __init__(self, seed: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))

    @classmethod
    def of(cls, instance: Instance) -> "Source":
        """Return the stream of (family, size, split, index), whatever was drawn before."""
        place = f"{instance.family}/{instance.size}/{instance.split}/{instance.index}"
        return cls(int.from_bytes(hashlib.sha256(place.encode()).digest()[:16], "big"))

    def random(self, *shape: int) -> NDArray[np.float64]:
        """Return uniform numbers in [0, 1)."""
        return self._generator.random(shape)

    def uniform(self, low: float, high: float, *shape: int) -> NDArray[np.float64]:
        """Return uniform numbers in [low, high)."""
        return low + (high - low) * self.random(*shape)

    def integers(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        """Return uniform integers from ``low`` to ``high``, both included."""
        return low + np.floor(self.random(*shape) * (high - low + 1)).astype(np.int64)

    def permutation(self, n: int) -> NDArray[np.int64]:
        """Return the numbers 0 to n - 1 in random order."""
        return np.argsort(self.random(n), kind="stable")

    def sample(self, n: int, k: int) -> NDArray[np.int64]:
        """Return ``k`` different numbers out of 0 to n - 1, in random order."""
        return self.permutation(n)[:k]

    def weighted(self, weights: NDArray[np.float64]) -> int:
        """Return an index with probability proportional to ``weights`` (>= 0, not all 0)."""
        cumulated = np.cumsum(weights)
        place = np.searchsorted(cumulated, float(self.random()) * cumulated[-1], side="right")
        # Rounding may put the place at the very end, where the weight can be zero.
        return int(min(place, np.flatnonzero(weights)[-1]))
