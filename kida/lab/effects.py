"""By how much one is better than another, with an interval: from paired differences."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kida.evaluation.comparisons import mean_interval

CONFIDENCE = 0.95


def effect(differences: NDArray[np.float64], confidence: float = CONFIDENCE) -> list[float]:
    """Return the mean with Student's interval."""
    return [float(differences.mean()), *mean_interval(differences, confidence)]


def shown(effect: Sequence[float] | None) -> str:
    """Return an effect with its interval, for a table."""
    if effect is None:
        return ""
    mean, low, high = (100 * value for value in effect)
    return f"{mean:+.1f} % [{low:+.1f}, {high:+.1f}]"
