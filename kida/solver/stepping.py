"""A solve that stops at every decision and asks for it: what environments are made of.

SCIP runs in a native thread of its own (``cpp/stepped_solve``) without the interpreter lock. At a
decision it sleeps there until it is resumed, and the model may be looked at from the calling
thread as in a callback. A new kind of decision belongs to ``cpp/decision_points``; here it gets
its name.
"""

import atexit
import contextlib
import gc
import os
import weakref
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pyscipopt import Model

from kida import _core
from kida.errors import UserError
from kida.rule import CandidateSet
from kida.solver.branching import capsule

#: What a solve stops for; ``"none"``: for nothing, it runs to its end.
DecisionKind = Literal["branching", "node_selection", "primal_search", "none"]

# Above what users and cards set, and below the rule that reads the clock at the root's end.
_PRIORITY = 536_870_910

#: Instead of a position among the options: SCIP decides.
LEAVE_TO_SCIP = -1

#: Seconds that an interrupted solve may take to come to rest before it is abandoned, as in
#: ``kida.solver.solve``: an LP is solved to its end.
_PATIENCE = 30.0


class SteppedSolve:
    """One solve, to be started once and resumed at each of its decisions.

    Parameters
    ----------
    model
        A model whose solve has not begun. Until the solve is over nobody else may solve it, free it
        or change it.
    decision
        What to stop for.
    candidates
        For branching: which variables are the options.
    """

    def __init__(
        self, model: Model, decision: DecisionKind, candidates: CandidateSet = "fractional"
    ) -> None:
        _collect_models()
        _MODELS.add(model)
        self._model = model
        self._solve = _core.SteppedSolve(model, capsule(model), decision, candidates, _PRIORITY)
        _LIVE[id(self)] = self

    @property
    def at_decision(self) -> bool:
        """Whether the solve waits for a choice."""
        return bool(self._solve.state == "parked")

    @property
    def over(self) -> bool:
        """Whether the solve has come to its end, or was ended."""
        return self._solve.state in ("finished", "abandoned")

    @property
    def lost(self) -> bool:
        """Whether the model must not be looked at: SCIP failed in it, or is still at work."""
        return self._solve.state == "abandoned" or (
            self._solve.state == "finished"
            and (bool(self._solve.failure) or self._solve.retcode != _OKAY)
        )

    @property
    def options(self) -> NDArray[np.int64] | None:
        """What may be chosen of, shape ``(k,)``; ``None`` when no choice is waited for.

        For branching and primal search, problem indices of variables (SCIP's
        ``SCIPvarGetProbindex``); for node selection, numbers of open nodes.
        """
        options: NDArray[np.int64] | None = self._solve.options
        return options

    @property
    def seconds(self) -> float:
        """Seconds that SCIP has worked, those in which it waited for a choice left out."""
        return float(self._solve.seconds)

    def start(self) -> NDArray[np.int64] | None:
        """Run to the first decision; raise and return as :meth:`resume`."""
        # SCIP's own handler of Ctrl-C is the process's, and prints.
        self._model.setParam("misc/catchctrlc", False)
        self._solve.start()
        return self._wait()

    def resume(self, choice: int) -> NDArray[np.int64] | None:
        """Decide, and run to the next decision.

        Parameters
        ----------
        choice
            A position in :attr:`options`, or :data:`LEAVE_TO_SCIP`.

        Returns
        -------
        NDArray or None
            The next decision's options; ``None`` if the solve is over.

        Raises
        ------
        UserError
            If no choice is waited for.
        IndexError
            If there is no such position; the choice is waited for as before.
        KeyboardInterrupt
            On Ctrl-C, once SCIP has come to rest, and the solve is over. After a second Ctrl-C, or
            30 seconds, it is abandoned, and its model lost with it.
        RuntimeError
            If SCIP fails.
        """
        if not self._solve.resume(choice):
            raise UserError(self._why_not())
        return self._wait()

    def stop(self) -> None:
        """End the solve, wherever it is; the model keeps what has been found.

        Raises
        ------
        UserError
            If it is asked for from within the solve, by a plugin.
        KeyboardInterrupt
            On Ctrl-C, with the solve abandoned unless it has come to rest.
        RuntimeError
            If SCIP, in an LP that takes long, has not come to rest within 30 seconds.
        """
        if self._solve.state == "abandoned":
            return
        if self._solve.in_own_thread and not self.over:
            raise UserError("a solve cannot be ended from a callback of its own")
        at_rest = False
        try:
            at_rest = self._solve.stop(_PATIENCE)
        finally:
            if not at_rest:
                self._solve.abandon()
        if not at_rest:
            raise RuntimeError(
                f"SCIP has not come to rest within {_PATIENCE:g} seconds; its memory is given up"
            )

    def _why_not(self) -> str:
        """Return why no choice is waited for."""
        state = self._solve.state
        if state == "abandoned":
            return (
                "the solver's thread is not in this process, which was forked, or was given up "
                "after a second Ctrl-C: begin anew"
            )
        if state == "running":
            return "another thread has resumed this solve and it still runs"
        return "this solve is over, or has not begun"

    def _wait(self) -> NDArray[np.int64] | None:
        try:
            options: NDArray[np.int64] | None = self._solve.wait()
        # Whatever a handler of a signal raises, Ctrl-C above all.
        except BaseException:
            # Not at rest: the interrupt is what counts.
            with contextlib.suppress(RuntimeError):
                self.stop()
            raise
        if options is None:
            self._conclude()
        return options

    def _conclude(self) -> None:
        """Raise if the solve has failed."""
        if self._solve.failure:
            raise RuntimeError(f"kida's plugin failed: {self._solve.failure}")
        if self._solve.retcode != _OKAY:
            raise RuntimeError(
                f"SCIP failed with return code {self._solve.retcode}, and says why on stderr"
            )
        # PySCIPOpt keeps the best solution of a model that it has solved itself.
        self._model.getBestSol()

    def _abandon(self) -> None:
        self._solve.abandon()


#: SCIP's return code of success.
_OKAY = 1

# All that there are.
_MODELS: weakref.WeakSet[Model] = weakref.WeakSet()
# How many there were after the last collection.
_models_left = 0


def _collect_models() -> None:
    """Have Python collect models that their own plugins keep alive in circles, if there are many.

    To the collector a model is one small object, however much memory SCIP has, and it would wait
    for hundreds of them.
    """
    global _models_left
    if len(_MODELS) > 2 * _models_left + 8:
        gc.collect()
        _models_left = len(_MODELS)


_LIVE: weakref.WeakValueDictionary[int, SteppedSolve] = weakref.WeakValueDictionary()


def _live() -> list[SteppedSolve]:
    # Other threads may add some meanwhile, so that it must not be iterated over.
    return [solve for reference in _LIVE.valuerefs() if (solve := reference()) is not None]


def _stop_all() -> None:
    """End what still runs before the interpreter does: SCIP may call plugins in Python."""
    _core.end_stepping()
    for solve in _live():
        try:
            solve.stop()
        # A second Ctrl-C, or an LP that does not end: the process ends over it.
        except (KeyboardInterrupt, RuntimeError):
            continue


def _abandon_all() -> None:
    """Let go, in a forked child, of solves whose threads exist in its parent only."""
    for solve in _live():
        solve._abandon()


atexit.register(_stop_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)
