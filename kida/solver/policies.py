"""What decides where to branch, by name: a network, one of SCIP's own rules, or a Python function.

Networks are shipped names or folders; SCIP's rules are the names in ``SCIP_RULES``; a function is
``module:function``, called with an :class:`kida.observation.Observation` and the candidates
(int32, shape ``(k,)``, variable indices) and returning the position of its choice among them.
Any of these may end in a suffix of ``VARIANTS``: the same policy under further SCIP parameters.
To offer another rule of SCIP's, add its parameters to ``SCIP_RULES``.
"""

import hashlib
import importlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pyscipopt import Model

from kida.errors import UserError
from kida.network.steering import AnyPolicy, load_policy
from kida.parameters import ParameterValue
from kida.solver.branching import PRIORITY, Brancher, attach, attach_callable


def _rule(name: str, **parameters: ParameterValue) -> dict[str, ParameterValue]:
    prefix = f"branching/{name}/"
    return {prefix + "priority": PRIORITY} | {prefix + key: x for key, x in parameters.items()}


#: Name to SCIP parameters. "default" leaves SCIP as it is, which is relpscost.
SCIP_RULES: Mapping[str, Mapping[str, ParameterValue]] = MappingProxyType(
    {
        "default": {},
        "relpscost": _rule("relpscost"),
        "relpscost-dynamic-lookahead": _rule("relpscost", dynamiclookahead=True),
        "pscost": _rule("pscost"),
        "mostinf": _rule("mostinf"),
        "random": _rule("random"),
        "fullstrong": _rule("fullstrong"),
        "vanillafullstrong": _rule("vanillafullstrong"),
        "lookahead": _rule("lookahead"),
        "gomory": _rule("gomory"),
    }
)


class Variant(NamedTuple):
    """What a suffix of a policy's name stands for."""

    meaning: str
    parameters: Mapping[str, ParameterValue]


#: By suffix: "NAME-bestbound" is the policy NAME with these parameters set beside its own.
VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        # SCIP otherwise dives, and chooses this node every tenth time.
        "bestbound": Variant(
            "the node of lowest bound is processed next, always: for the dual bound, hardly for "
            "solutions",
            {"nodeselection/bfs/stdpriority": PRIORITY, "nodeselection/bfs/maxplungedepth": 0},
        ),
        # The heuristics that SCIP runs whenever a dive has ended run less often.
        "depthfirst": Variant(
            "the deepest open node is processed next, always: for the time, where good solutions "
            "are found early",
            {"nodeselection/dfs/stdpriority": PRIORITY},
        ),
        # Orbital reduction follows whatever order branching chooses.
        "orbital": Variant(
            "symmetries are handled by orbital reduction instead of an order of variables that "
            "presolving fixes",
            {
                "misc/usesymmetry": 2,
                "propagating/symmetry/detectorbitopes": False,
                "propagating/symmetry/detectdoublelex": False,
                "propagating/symmetry/detectsubgroups": False,
            },
        ),
        # A separator runs where its own frequency and those of the kinds of cut it makes allow it,
        # and most cuts it finds wait in the pool, which has a frequency too (SCIP 10).
        "treecuts": Variant(
            "every node is separated, not the root and those of depth 10, 40, ... alone",
            {
                "separating/poolfreq": 1,
                "separating/aggregation/freq": 1,
                "separating/aggregation/expbackoff": 1,
                "separating/cmir/freq": 1,
                "separating/flowcover/freq": 1,
                "separating/knapsackcover/freq": 1,
                "separating/gomory/freq": 1,
                "separating/gomory/expbackoff": 1,
                "separating/gomorymi/freq": 1,
                "separating/strongcg/freq": 1,
            },
        ),
    }
)


def attach_policy(model: Model, name: str, seed: int = 0) -> Brancher | None:
    """Make the named policy branch in ``model``; SCIP's own rules need no Brancher.

    Raises
    ------
    UserError
        If there is no such policy.
    """
    name, parameters = _without_suffixes(name)
    brancher = None
    if name in SCIP_RULES:
        model.setParams(dict(SCIP_RULES[name]))
    elif _is_function(name):
        brancher = attach_callable(model, load_function(name))
    else:
        brancher = attach(model, _network(name), seed=seed)
    model.setParams(parameters)
    return brancher


def policy_identity(name: str) -> str:
    """Return a digest of everything the policy is, after checking that it can be used.

    Two runs of equal identity were branched by the same weights, settings or source file.

    Raises
    ------
    UserError
        If there is no such policy.
    """
    name, parameters = _without_suffixes(name)
    if name in SCIP_RULES:
        return f"scip {json.dumps({**SCIP_RULES[name], **parameters}, sort_keys=True)}"
    if _is_function(name):
        source = getattr(sys.modules[load_function(name).__module__], "__file__", None)
        content = Path(source).read_bytes() if source else b""
        identity = f"function sha256:{hashlib.sha256(content).hexdigest()}"
    else:
        identity = f"network sha256:{_network(name).identity()}"
    if parameters:
        identity += f" {json.dumps(parameters, sort_keys=True)}"
    return identity


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
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise UserError(
            f"the function {name!r} cannot be imported ({error}); "
            "give module:function of a module that Python finds from here"
        ) from error
    # Of a name that is none, and whatever the module does while it is imported.
    except (Exception, SystemExit) as error:
        raise UserError(
            f"the function {name!r} cannot be imported ({type(error).__name__}: {error}); "
            "mend the module, or the name"
        ) from error
    finally:
        # What is imported later must not find the user's files in place of libraries.
        sys.path.remove(here)
    function: Any = getattr(module, attribute, None)
    if not callable(function):
        raise UserError(f"the module {module_name!r} has no function {attribute!r}")
    return function


def _without_suffixes(name: str) -> tuple[str, dict[str, ParameterValue]]:
    """Return the name of the policy itself, and the parameters its suffixes stand for."""
    parameters: dict[str, ParameterValue] = {}
    while not os.path.isdir(name):
        rest, _, suffix = name.rpartition("-")
        if not rest or suffix not in VARIANTS:
            break
        name = rest
        parameters |= VARIANTS[suffix].parameters
    return name, parameters


def _is_function(name: str) -> bool:
    return ":" in name and not os.path.exists(name)


def _network(name: str) -> AnyPolicy:
    try:
        return load_policy(name)
    except UserError as error:
        if os.path.isdir(name):
            raise
        raise UserError(
            f"{error}; SCIP's own rules are {', '.join(SCIP_RULES)}; "
            "a Python function is named module:function; "
            f"after any of them may follow {' and '.join('-' + suffix for suffix in VARIANTS)}"
        ) from None
