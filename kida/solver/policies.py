"""What decides where to branch, by name: a network, one of SCIP's own rules, or a Python function.

Networks are shipped names or folders; SCIP's rules are the names in ``SCIP_RULES``; a function is
``module:function``, called with an :class:`kida.observation.Observation` and the candidates
(int32, shape ``(k,)``, variable indices) and returning the position of its choice among them.
To offer another rule of SCIP's, add its parameters to ``SCIP_RULES``.
"""

import hashlib
import importlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pyscipopt import Model

from kida.errors import UserError
from kida.network.weights import ParameterValue, Policy
from kida.solver.branching import PRIORITY, Brancher, attach, attach_callable


def _rule(name: str, **parameters: ParameterValue) -> dict[str, ParameterValue]:
    prefix = f"branching/{name}/"
    return {prefix + "priority": PRIORITY} | {prefix + key: x for key, x in parameters.items()}


# SCIP handles symmetric variables by an order that presolving fixes (orbitopes), or by orbital
# reduction, which follows whatever order branching chooses. These choose the latter.
_ORBITAL: dict[str, ParameterValue] = {
    "misc/usesymmetry": 2,
    "propagating/symmetry/detectorbitopes": False,
    "propagating/symmetry/detectdoublelex": False,
    "propagating/symmetry/detectsubgroups": False,
}

# The node of lowest bound is processed next, always: SCIP otherwise dives, and chooses that node
# every tenth time.
_BEST_BOUND: dict[str, ParameterValue] = {
    "nodeselection/bfs/stdpriority": PRIORITY,
    "nodeselection/bfs/maxplungedepth": 0,
}

#: Name to SCIP parameters. "default" leaves SCIP as it is, which is relpscost.
SCIP_RULES: Mapping[str, Mapping[str, ParameterValue]] = MappingProxyType(
    {
        "default": {},
        "default-orbital": _ORBITAL,
        "default-bestbound": _BEST_BOUND,
        "default-orbital-bestbound": _ORBITAL | _BEST_BOUND,
        "relpscost": _rule("relpscost"),
        "relpscost-dynamic-lookahead": _rule("relpscost", dynamiclookahead=True),
        "pscost": _rule("pscost"),
        "mostinf": _rule("mostinf"),
        "random": _rule("random"),
        "random-bestbound": _rule("random") | _BEST_BOUND,
        "fullstrong": _rule("fullstrong"),
        "vanillafullstrong": _rule("vanillafullstrong"),
        "vanillafullstrong-orbital": _rule("vanillafullstrong") | _ORBITAL,
        "lookahead": _rule("lookahead"),
        "gomory": _rule("gomory"),
    }
)


def attach_policy(model: Model, name: str, seed: int = 0) -> Brancher | None:
    """Make the named policy branch in ``model``; SCIP's own rules need no Brancher.

    Raises
    ------
    UserError
        If there is no such policy.
    """
    if name in SCIP_RULES:
        model.setParams(dict(SCIP_RULES[name]))
        return None
    if _is_function(name):
        return attach_callable(model, load_function(name))
    return attach(model, _network(name), seed=seed)


def policy_identity(name: str) -> str:
    """Return a digest of everything the policy is, after checking that it can be used.

    Two runs of equal identity were branched by the same weights, settings or source file.

    Raises
    ------
    UserError
        If there is no such policy.
    """
    if name in SCIP_RULES:
        return f"scip {json.dumps(dict(SCIP_RULES[name]), sort_keys=True)}"
    if _is_function(name):
        source = sys.modules[load_function(name).__module__].__file__
        content = Path(source).read_bytes() if source else b""
        return f"function sha256:{hashlib.sha256(content).hexdigest()}"
    return f"network sha256:{_network(name).identity()}"


def load_function(name: str) -> Any:
    """Return the function that ``module:function`` names; modules in the current folder count.

    Raises
    ------
    UserError
        If it cannot be imported.
    """
    module_name, colon, attribute = name.partition(":")
    if not colon:
        raise UserError(f"{name!r} names no function; write module:function")
    # As `python -m` does: a console script's path lacks the folder the user stands in.
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UserError(
            f"the function {name!r} cannot be imported ({error}); "
            "give module:function of a module that Python finds from here"
        ) from error
    function: Any = getattr(module, attribute, None)
    if not callable(function):
        raise UserError(f"the module {module_name!r} has no function {attribute!r}")
    return function


def _is_function(name: str) -> bool:
    return ":" in name and not Path(name).exists()


def _network(name: str) -> Policy:
    try:
        return Policy.load(name)
    except UserError as error:
        if Path(name).is_dir():
            raise
        raise UserError(
            f"{error}; SCIP's own rules are {', '.join(SCIP_RULES)}; "
            "a Python function is named module:function"
        ) from None
