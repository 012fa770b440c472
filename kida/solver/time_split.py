"""Where the time of a solve went, by SCIP's own clocks.

SCIP counts what heuristics, cuts and strong branching do in LPs of their own as theirs, so that the
parts hardly overlap. What is counted nowhere (reading off solutions, switching between nodes, a
learned rule) is the rest.
"""

from collections.abc import Iterable, Mapping
from typing import Any

#: The parts, in the order in which they are shown.
PARTS = (
    "presolving",
    "lp",
    "strong branching",
    "heuristics",
    "separation",
    "propagation",
    "conflicts",
    "rest",
)
_NODE_LPS = ("primal_lp", "dual_lp", "barrier_lp", "lex_dual_lp", "resolve_lp")
_CONFLICTS = ("propagation", "infeasible_lp", "bound_exceeding_lp", "strong_branching", "pseudo")


def time_split(statistics: Mapping[str, Any]) -> dict[str, float]:
    """Return the seconds in each of :data:`PARTS`.

    Parameters
    ----------
    statistics
        SCIP's tables, see :func:`kida.solver.solve.scip_statistics`; what a solve that was stopped
        early has not come to is missing, and counts as 0.
    """
    lps, conflict = _table(statistics, "lp"), _table(statistics, "conflict")
    rows = _plugins(statistics, "constiming")
    propagators = _plugins(statistics, "propagator")
    timing = _table(statistics, "timing")
    found = {
        "presolving": _number(timing, "presolving_time"),
        "lp": sum(_number(_table(lps, kind), "time") for kind in _NODE_LPS),
        "strong branching": _number(_table(lps, "strongbranch_lp"), "time"),
        "heuristics": _sum(_plugins(statistics, "heuristics"), "time", "setup_time"),
        "separation": _sum(_plugins(statistics, "separator"), "exec_time")
        + _sum(_plugins(statistics, "cutsel"), "exec_time")
        + _sum(rows, "separation_time"),
        "propagation": _sum(rows, "propagation_time") + _sum(propagators, "propagation_time"),
        "conflicts": sum(_number(conflict, f"{kind}_time") for kind in _CONFLICTS),
    }
    rest = _number(timing, "solving_time") - sum(found.values())
    return found | {"rest": max(rest, 0.0)}


def _table(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = content.get(name)
    return found if isinstance(found, Mapping) else {}


def _plugins(statistics: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    plugins = _table(_table(statistics, name), "plugins").values()
    return [plugin for plugin in plugins if isinstance(plugin, Mapping)]


def _sum(plugins: Iterable[Mapping[str, Any]], *names: str) -> float:
    return sum(_number(plugin, name) for plugin in plugins for name in names)


def _number(content: Mapping[str, Any], name: str) -> float:
    value = content.get(name, 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
