"""The expert's scores on item placement: what strong branching alone does not see there.

Two things are known of this family. A big item fills a bin by itself, and once all of them are
placed the bound has most of its height, but a gain may show only after the last; with symmetries
handled by orbital reduction each needs a single branching. And where no variable gains anything
yet, what was gained elsewhere in the tree is a better guess than the first variable.
"""

import numpy as np
from numpy.typing import NDArray

from kida.instances.item_placement import SMALL
from kida.solver.branching import ExpertNode


def score(node: ExpertNode) -> NDArray[np.float64]:
    """Return strong branching's scores, pseudocosts where these tie, and big items before all."""
    # Names are such as t_place_103_7: item 103 into bin 7.
    big = np.array([int(name.split("place_")[1].split("_")[0]) >= SMALL for name in node.names])
    scores = _untied(node.scores, node.pseudocosts)
    if big.any():
        above = 1.0 + scores.max()
        scores[big] = above + _untied(node.scores[big], node.pseudocosts[big])
    return scores


def _untied(scores: NDArray[np.float64], pseudocosts: NDArray[np.float64]) -> NDArray[np.float64]:
    return (scores if np.ptp(scores) > 1e-5 else pseudocosts).copy()
