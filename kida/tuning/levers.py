"""The levers: what else than a learned rule may make SCIP faster on a problem, one entry each.

To add one, add an entry to ``_LEVERS``; nothing else knows their names. A lever is of a *kind*, of
which a combination has one at most, and sets parameters that a policy's card may set
(:mod:`kida.parameters`): none can change what SCIP answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Literal

from kida.errors import UserError
from kida.parameters import ParameterValue
from kida.solver.branching import PRIORITY
from kida.solver.policies import VARIANTS
from kida.solver.settings import Emphasis, emphasis_parameters

Kind = Literal[
    "order of nodes",
    "symmetry",
    "cuts",
    "restarts",
    "heuristics",
    "presolving",
    "conflicts",
    "branching",
    "start",
]
#: Name of a part of SCIP (:mod:`kida.solver.time_split`) to its share of the time; also ``"root"``,
#: the share before the first branching.
Shares = Mapping[str, float]


#: The levers that bring what former solves have left.
START, PSEUDOCOSTS = "common-start", "remembered-pseudocosts"
# Before SCIP's other rules, and after a network that branches too.
_FIRST = PRIORITY - 1
#: A part of SCIP on which less of the time is spent is not worth a lever.
LEAST_SHARE = 0.03


@dataclass(frozen=True)
class Lever:
    """One lever.

    Attributes
    ----------
    name, kind, meaning
        What to call it, what it is about, and what it does, for people.
    own_parameters
        SCIP parameters by name.
    emphasis
        One of SCIP's own settings for a part of it, which stands for many parameters.
    part
        The part of SCIP whose time it may save, if it is about one.
    always
        Whether it is worth trying wherever the time goes.
    at_root
        Whether it can do something before the first branching.
    remembers
        Whether it also brings what former solves have left, :mod:`kida.tuning.memory`.
    """

    name: str
    kind: Kind
    meaning: str
    own_parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    emphasis: Emphasis | None = None
    part: str | None = None
    always: bool = True
    at_root: bool = False
    remembers: bool = False

    @property
    def when(self) -> str:
        """When it applies, in words."""
        if self.remembers:
            return "where files have the same variables, once others have been solved"
        if self.always:
            return "always"
        return f"where {self.part} takes {LEAST_SHARE:.0%} of the time or more"

    @property
    def parameters(self) -> dict[str, ParameterValue]:
        """All SCIP parameters that the lever sets, by name."""
        named = {} if self.emphasis is None else _emphasised(*self.emphasis)
        return named | dict(self.own_parameters)


@cache
def _emphasised(part: str, mode: str) -> dict[str, ParameterValue]:
    return emphasis_parameters(Emphasis(part, mode))


# Those that have helped most often, and cost least where they do not, come first: with little time
# the race takes the first ones.
_LEVERS = (
    Lever(
        "orbital",
        "symmetry",
        VARIANTS["orbital"].meaning,
        VARIANTS["orbital"].parameters,
    ),
    Lever(
        "depth-first",
        "order of nodes",
        VARIANTS["depthfirst"].meaning,
        VARIANTS["depthfirst"].parameters,
    ),
    Lever(
        "pseudocosts",
        "branching",
        "SCIP's pseudocost rule branches, without any strong branching",
        {"branching/pscost/priority": _FIRST},
        part="strong branching",
        always=False,
    ),
    Lever(
        "root-cuts",
        "cuts",
        "cuts are looked for at the root alone",
        {"separating/maxrounds": 0},
        part="separation",
    ),
    Lever(
        "no-restarts",
        "restarts",
        "the search never begins anew, neither at the root nor in the tree",
        {"presolving/maxrestarts": 0, "estimation/restarts/restartpolicy": "n"},
        at_root=True,
    ),
    Lever(
        "no-heuristics",
        "heuristics",
        "no primal heuristic runs",
        emphasis=Emphasis("heuristics", "off"),
        part="heuristics",
        always=False,
        at_root=True,
    ),
    Lever(
        "best-bound",
        "order of nodes",
        VARIANTS["bestbound"].meaning,
        VARIANTS["bestbound"].parameters,
    ),
    Lever(
        "no-cuts",
        "cuts",
        "no cuts at all",
        emphasis=Emphasis("separating", "off"),
        at_root=True,
        part="separation",
    ),
    Lever(
        "dynamic-lookahead",
        "branching",
        "reliability branching stops looking when it expects no better candidate any more",
        {"branching/relpscost/priority": _FIRST, "branching/relpscost/dynamiclookahead": True},
        part="strong branching",
        always=False,
    ),
    Lever(
        "tree-cuts",
        "cuts",
        VARIANTS["treecuts"].meaning,
        VARIANTS["treecuts"].parameters,
    ),
    Lever(
        "fast-heuristics",
        "heuristics",
        "only the quick ones of SCIP's heuristics run",
        emphasis=Emphasis("heuristics", "fast"),
        part="heuristics",
        always=False,
        at_root=True,
    ),
    Lever(
        "hybrid-estimate",
        "order of nodes",
        "the next node is chosen by a mixture of its bound and an estimate of its best solution",
        {"nodeselection/hybridestim/stdpriority": PRIORITY},
    ),
    Lever(
        "no-symmetry",
        "symmetry",
        "symmetries are not looked for",
        {"misc/usesymmetry": 0},
        at_root=True,
    ),
    Lever(
        "no-conflicts",
        "conflicts",
        "nothing is learned of infeasible nodes",
        {"conflict/enable": False},
    ),
    Lever(
        "aggressive-cuts",
        "cuts",
        "SCIP's aggressive setting for cuts: more kinds, more rounds, deeper in the tree",
        emphasis=Emphasis("separating", "aggressive"),
        at_root=True,
    ),
    Lever(
        "fast-cuts",
        "cuts",
        "SCIP's fast setting for cuts: the expensive kinds are left out",
        emphasis=Emphasis("separating", "fast"),
        part="separation",
        always=False,
        at_root=True,
    ),
    Lever(
        "fast-presolving",
        "presolving",
        "SCIP's fast setting for presolving: without the expensive reductions",
        emphasis=Emphasis("presolving", "fast"),
        part="presolving",
        always=False,
        at_root=True,
    ),
    Lever(
        "aggressive-presolving",
        "presolving",
        "SCIP's aggressive setting for presolving: more reductions, probing and restarts",
        emphasis=Emphasis("presolving", "aggressive"),
        at_root=True,
    ),
    Lever(
        "no-presolving",
        "presolving",
        "the problem is solved as it is given",
        emphasis=Emphasis("presolving", "off"),
        at_root=True,
    ),
    Lever(
        "aggressive-heuristics",
        "heuristics",
        "SCIP's aggressive setting for heuristics: more of them, more often",
        emphasis=Emphasis("heuristics", "aggressive"),
        at_root=True,
    ),
    Lever(
        "hypothesis-tests",
        "branching",
        "reliability branching tests whether more strong branching could change its choice",
        {
            "branching/relpscost/priority": _FIRST,
            "branching/relpscost/usehyptestforreliability": True,
        },
        part="strong branching",
        always=False,
    ),
    Lever(
        "inference",
        "branching",
        "branching on the variables of which most has been inferred, as for feasibility problems",
        {"branching/inference/priority": _FIRST},
    ),
    Lever(
        "short-lookahead",
        "branching",
        "reliability branching tries few candidates, for few iterations of the simplex method",
        {
            "branching/relpscost/priority": _FIRST,
            "branching/relpscost/maxlookahead": 3,
            "branching/relpscost/initcand": 20,
            "branching/relpscost/inititer": 50,
        },
        part="strong branching",
        always=False,
    ),
    Lever(
        "distribution",
        "branching",
        "branching where the rows' activities would change most, without any strong branching",
        {"branching/distribution/priority": _FIRST},
        part="strong branching",
        always=False,
    ),
    Lever(
        "gomory",
        "branching",
        "branching on the variable whose Gomory cut is best, without any strong branching",
        {"branching/gomory/priority": _FIRST},
        part="strong branching",
        always=False,
    ),
    Lever(
        "strong-branching",
        "branching",
        "strong branching of all candidates at every node",
        {"branching/fullstrong/priority": _FIRST},
    ),
    Lever(
        START,
        "start",
        "the search begins from what the solutions of other files have in common",
        # Also where all heuristics are off.
        {"heuristics/completesol/freq": 0},
        at_root=True,
        remembers=True,
    ),
    Lever(
        PSEUDOCOSTS,
        "branching",
        "SCIP's pseudocost rule branches, and begins with what solves of other files have learned",
        {"branching/pscost/priority": _FIRST},
        remembers=True,
    ),
)

#: Name to lever, in the order in which they are tried.
LEVERS: Mapping[str, Lever] = MappingProxyType({lever.name: lever for lever in _LEVERS})


def check_names(names: Iterable[str]) -> None:
    """Check that there are levers of these names.

    Raises
    ------
    UserError
        If there is none of a name.
    """
    for name in names:
        if name not in LEVERS:
            raise UserError(f"there is no lever {name!r}; choose of {', '.join(LEVERS)}")
