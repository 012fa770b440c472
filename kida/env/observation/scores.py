"""Scores of the branching candidates by the solver's own means: pseudocosts, strong branching."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kida.env.observation.base import checked_candidates
from kida.rule import CandidateSet
from kida.solver.features import pseudocosts
from kida.solver.strong_branching import StrongBranching, strong_branching


@dataclass(frozen=True, eq=False)
class ScoreObservation:
    """A score for each branching candidate.

    Attributes
    ----------
    candidates
        Shape ``(k,)``: indices of variables, in the order of the environment's action set.
    scores
        Shape ``(k,)``: the higher, the better to branch on.
    """

    candidates: NDArray[np.int32]
    scores: NDArray[np.float64]


class Pseudocosts:
    """SCIP's pseudocost scores (``SCIPgetVarPseudocostScore`` at the LP value).

    Parameters
    ----------
    candidates
        The ``"fractional"`` ones, or all that are ``"unfixed"``.
    """

    def __init__(self, candidates: CandidateSet = "fractional") -> None:
        self._which = checked_candidates(candidates)

    def before_reset(self, model: Any) -> None:
        """Do nothing: SCIP remembers."""

    def extract(self, model: Any, done: bool) -> ScoreObservation | None:
        """Return the candidates' scores, ``None`` if ``done``."""
        return None if done else ScoreObservation(*pseudocosts(model, self._which))


class StrongBranchingScores:
    """Gains and scores of full strong branching, which leave no trace in the solver.

    Strong branching costs LPs: it is an expert to learn from, not a cheap observation. SCIP's
    statistics leave its LP iterations out. "No trace" is of what SCIP keeps: its own strong
    branching afterwards, as of reliability branching, may end at other vertices of the LPs.

    Parameters
    ----------
    candidates
        The ``"fractional"`` ones, or all that are ``"unfixed"``.
    artefact
        Concerns candidates that are integral in the LP, so ``"unfixed"`` ones alone. One of their
        children keeps the LP solution and gains nothing; beyond a bound there is no child at all.
        SCIP's ``vanillafullstrong``, and Ecole with it, count that missing child as infeasible,
        which is a huge gain, so that the product of the gains ranks integral variables first. By
        default the missing child gains 0; ``True`` counts as SCIP does.
    """

    def __init__(self, candidates: CandidateSet = "fractional", *, artefact: bool = False) -> None:
        self._which = checked_candidates(candidates)
        self._artefact = artefact

    def before_reset(self, model: Any) -> None:
        """Do nothing: nothing is remembered."""

    def extract(self, model: Any, done: bool) -> StrongBranching | None:
        """Return the candidates' gains and scores, ``None`` if ``done``.

        Scores are NaN where the evaluation ended early, because the solve is being stopped.
        """
        return None if done else strong_branching(model, self._which, artefact=self._artefact)
