"""What an observation function is: whatever has these two methods."""

from typing import Any, Protocol, get_args

from kida.errors import UserError
from kida.rule import CandidateSet


class ObservationFunction(Protocol):
    """Extracts observations from a solve. To write one's own, no base class is needed.

    One such object serves one environment: it may remember things from node to node.
    """

    def before_reset(self, model: Any) -> None:
        """Prepare for another solve of ``model``, which has not begun.

        The model's SCIP may be changed in ways that do not change the solve, such as by an event
        handler.
        """

    def extract(self, model: Any, done: bool) -> Any:
        """Return the observation of the node at which the solver waits; ``None`` if ``done``.

        Parameters
        ----------
        model
            The :class:`pyscipopt.Model` that is being solved.
        done
            The solve has ended: there is no node.
        """


def checked_candidates(which: CandidateSet) -> CandidateSet:
    """Return ``which``, or raise a UserError if it is no set of candidates."""
    names = get_args(CandidateSet)
    if which not in names:
        raise UserError(f"candidates are one of {', '.join(names)}, not {which!r}")
    return which
