"""Information: what to know of an episode beside its observations; any reward may serve, too."""

from typing import Any

from kida.solver import standing


class Progress:
    """Where the solve stands: totals since its start, as entries of ``info``.

    ``nodes``, ``lp_iterations``, ``solving_time`` (seconds of wall-clock time), ``dual_bound`` and
    ``primal_bound`` (of the original objective, infinite where there is none), ``gap`` (SCIP's,
    may be infinite) and ``solved``.
    """

    def before_reset(self, model: Any) -> None:
        """Do nothing: totals need no memory."""

    def extract(self, model: Any, done: bool) -> dict[str, float]:
        """Return the entries."""
        dual, primal = standing.bounds(model)
        return {
            "nodes": standing.nodes(model),
            "lp_iterations": standing.lp_iterations(model),
            "solving_time": standing.solving_time(model),
            "dual_bound": dual,
            "primal_bound": primal,
            "gap": standing.gap(model),
            "solved": done and standing.solved(model),
        }
