"""Observations beside the LP's graph, by the native core: of candidates, tree and whole problem.

What the arrays mean is said where they are put together, in ``kida.env.observation``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyscipopt import SCIP_STAGE, Model

from kida import _core
from kida.rule import CandidateSet
from kida.solver.branching import capsule

Indices = NDArray[np.int32]
Reals = NDArray[np.float64]


def focus_node(model: Model) -> Any:
    """Return PySCIPOpt's node at which the solver waits.

    Raises
    ------
    RuntimeError
        If the model is not being solved: PySCIPOpt would read what is not there.
    """
    # The same as the focus node, which PySCIPOpt 6.2 does not give, wherever a decision is taken.
    node = model.getCurrentNode() if model.getStage() == SCIP_STAGE.SOLVING else None
    if node is None:
        raise RuntimeError("there is no focus node: call this from a branching rule")
    return node


def pseudocosts(model: Model, which: CandidateSet) -> tuple[Indices, Reals]:
    """Return the focus node's candidates and their pseudocost scores, both of shape ``(k,)``.

    Raises
    ------
    RuntimeError
        If there is no focus node with an LP solved to optimality.
    """
    found: tuple[Indices, Reals] = _core.pseudocosts(capsule(model), which)
    return found


class KhalilObserver:
    """The features of Khalil et al. (2016) in one solve after another.

    Parameters
    ----------
    as_ecole
        Compute what Ecole computes otherwise than the paper as Ecole does.
    """

    def __init__(self, as_ecole: bool = False) -> None:
        self._observer = _core.KhalilObserver(as_ecole)

    def reset(self) -> None:
        """Forget the static features: another solve begins."""
        self._observer.reset()

    def observe(self, model: Model, which: CandidateSet) -> tuple[Indices, Reals]:
        """Return the focus node's candidates, ``(k,)``, and their features, ``(k, 72)``.

        Raises
        ------
        RuntimeError
            If there is no focus node with an LP solved to optimality.
        """
        found: tuple[Indices, Reals] = self._observer.observe(capsule(model), which)
        return found


class TreeRecorder:
    """Listens to one solve for the features of TreeGate (Zarpellon et al. 2021).

    Parameters
    ----------
    model
        A model whose solve has not begun, or that has such a listener already.

    Raises
    ------
    RuntimeError
        If the solve has begun.
    """

    def __init__(self, model: Model) -> None:
        self._recorder = _core.TreeRecorder(capsule(model))

    @property
    def children(self) -> int:
        """Number of nodes created by branching so far."""
        return int(self._recorder.children)

    @property
    def branchings(self) -> int:
        """Number of nodes branched so far."""
        return int(self._recorder.branchings)

    def observe(self, model: Model, which: CandidateSet) -> tuple[Indices, Reals, Reals]:
        """Return the candidates, ``(k,)``, their features, ``(k, 25)``, and the tree's, ``(61,)``.

        Raises
        ------
        RuntimeError
            If there is no focus node with an LP solved to optimality.
        """
        found: tuple[Indices, Reals, Reals] = self._recorder.observe(capsule(model), which)
        return found


def problem_graph(model: Model) -> dict[str, Any]:
    """Return the whole problem's arrays, by the names of ``kida.env.observation.StaticGraph``.

    Raises
    ------
    RuntimeError
        If the model holds no problem, or its solve has ended.
    """
    found: dict[str, Any] = _core.problem_graph(capsule(model))
    return found
