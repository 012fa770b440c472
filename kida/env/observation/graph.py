"""The node's LP as a bipartite graph, and what the solver has learned of its candidates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.env.observation.base import checked_candidates
from kida.observation import Observation
from kida.rule import CandidateSet
from kida.solver.branching import branching_candidates, observe, observe_candidates


class NodeBipartite:
    """The bipartite graph of rows and variables of Gasse et al. (2019, arXiv:1906.01629).

    Parameters
    ----------
    incumbent
        Look up the best solution's two columns, ``INCUMBENT_VALUE`` and
        ``AVERAGE_INCUMBENT_VALUE``; without, they are NaN, as they are while there is no solution.
    """

    def __init__(self, incumbent: bool = True) -> None:
        self._incumbent = incumbent

    def before_reset(self, model: Any) -> None:
        """Do nothing: nothing is remembered."""

    def extract(self, model: Any, done: bool) -> Observation | None:
        """Return the node's graph, ``None`` if ``done``."""
        return None if done else observe(model, incumbent=self._incumbent)


@dataclass(frozen=True, eq=False)
class CandidateObservation:
    """Features of the branching candidates.

    Attributes
    ----------
    candidates
        Shape ``(k,)``: indices of variables, in the order of the environment's action set.
    features
        Shape ``(k, number of features)``, float32 or float64: a row for each candidate.
    """

    candidates: NDArray[np.int32]
    features: NDArray[Any]


class CandidateStatistics:
    """What the solver has learned of the candidates: :class:`kida.observation.CandidateFeature`.

    The nine features that kida's networks read beside the graph; float32, between 0 and 1.

    Parameters
    ----------
    candidates
        The ``"fractional"`` ones, or all that are ``"unfixed"``.
    """

    def __init__(self, candidates: CandidateSet = "fractional") -> None:
        self._which = checked_candidates(candidates)

    def before_reset(self, model: Any) -> None:
        """Do nothing: nothing is remembered."""

    def extract(self, model: Any, done: bool) -> CandidateObservation | None:
        """Return the candidates' nine features, ``None`` if ``done``."""
        if done:
            return None
        candidates = branching_candidates(model, self._which)
        return CandidateObservation(candidates, observe_candidates(model, candidates))
