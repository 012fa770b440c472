"""SCIP parameters as data, and which of them a policy or a recipe may set.

A card comes from elsewhere, so what it sets is checked against ``ALLOWED``: parameters that decide
how SCIP searches, and not what it answers. All others are refused: those that name a file, limits,
tolerances, random seeds, the display. To allow more, add a pattern and say why it is harmless. What
is written here holds for libkida too: ``cpp/allowed_parameters.py`` hands it on.
"""

import math
import re
from collections.abc import Mapping
from types import MappingProxyType

from kida.errors import UserError

ParameterValue = bool | int | float | str
#: No SCIP parameters beside those that are set already.
NO_PARAMETERS: Mapping[str, ParameterValue] = MappingProxyType({})

_CUT_SELECTION = "which cuts enter the LP; all that are found are valid"
_SEPARATION = "where and how long cuts are looked for; all that are found are valid"
_PRESOLVING = "how long is presolved; every reduction keeps an optimal solution"
_HEURISTICS = "when heuristics run; what they find is checked like any solution"
_PROPAGATION = "where bounds are tightened; solutions are checked all the same"

#: Pattern of whole names, and why whatever it allows cannot change SCIP's answer.
ALLOWED: Mapping[str, str] = {
    r"branching/.+": "the variable that is branched on, and how it is scored",
    r"nodeselection/.+": "the order in which nodes are processed",
    r"misc/usesymmetry|propagating/symmetry/.+": "how symmetries are handled: they keep a solution",
    r"separating/.+": _SEPARATION,
    r"cutselection/.+": _CUT_SELECTION,
    r"constraints/[^/]+/(sepafreq|delaysepa|separateall|maxrounds(root)?|maxsepacuts(root)?)": (
        _SEPARATION
    ),
    r"heuristics/[^/]+/(freq|freqofs|maxdepth|priority|maxlpiterquot|maxlpiterofs|nodesofs"
    r"|nodesquot|minfixingrate|maxfixingrate|nwaitingnodes|waitingnodes|dontwaitatroot)": (
        _HEURISTICS
    ),
    r"heuristics/[^/]+/[^/]+/active": _HEURISTICS,
    r"propagating/[^/]+/(freq|delay|priority|maxrounds(root)?)": _PROPAGATION,
    r"constraints/[^/]+/(propfreq|delayprop)|propagating/maxrounds(root)?": _PROPAGATION,
    r"presolving/(maxrounds|abortfac|maxrestarts|restartfac|immrestartfac|subrestartfac"
    r"|restartminred|donotaggr|donotmultaggr)": _PRESOLVING,
    r"presolving/[^/]+/(maxrounds|priority|timing)": _PRESOLVING,
    r"propagating/[^/]+/(maxprerounds|presolpriority|presoltiming|max(total|sum)?useless)": (
        _PRESOLVING
    ),
    r"constraints/[^/]+/(maxprerounds|presolpairwise|presolusehashing|cliquelifting"
    r"|implications)": _PRESOLVING,
    r"conflict/.+": "what is learned of infeasible nodes; all of it is valid",
    r"estimation/restarts/.+": "when the search begins anew",
}
#: What no pattern may bring in: random seeds are the caller's, files nobody's, and to SCIP a name
#: ends with a null.
NEVER = re.compile(r"seed|file|\x00")
_ALLOWED = re.compile("|".join(f"(?:{pattern})" for pattern in ALLOWED))
#: How many parameters, how many characters of a name, and the largest integer.
MOST, LONGEST, LARGEST = 1000, 200, 2**63 - 1


def check_parameters(parameters: Mapping[str, object], where: str) -> None:
    """Refuse whatever could change more than SCIP's way to its answer.

    Whether SCIP knows the parameter and takes the value is for SCIP to say.

    Parameters
    ----------
    parameters
        Name to value.
    where
        What sets them, for the message: "the policy's card".

    Raises
    ------
    UserError
        If a parameter is not allowed, or a value is not a finite number, a truth value or a single
        character: SCIP's longer strings are names of files, and the like.
    """
    if len(parameters) > MOST:
        raise UserError(f"{where} sets {len(parameters)} parameters of SCIP, more than {MOST}")
    for name, value in parameters.items():
        if len(name) > LONGEST or not _ALLOWED.fullmatch(name) or NEVER.search(name):
            raise UserError(
                f"{where} sets SCIP's parameter {name[:LONGEST]!r}, which is none of those that "
                "change the search and not the answer (branching, node selection, symmetry, cuts, "
                "presolving, propagation, conflicts, restarts, the frequency of heuristics); "
                "leave it out, or set it on the model yourself"
            )
        if not _usable(value):
            shown = repr(value)
            raise UserError(
                f"{where} sets SCIP's parameter {name!r} to "
                f"{shown if len(shown) < 80 else shown[:80] + '...'}; "
                "write a finite number, a truth value or a single character"
            )


def _usable(value: object) -> bool:
    if isinstance(value, str):
        return len(value) == 1 and value.isascii() and value.isprintable()
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) <= LARGEST
    return isinstance(value, float) and math.isfinite(value)
