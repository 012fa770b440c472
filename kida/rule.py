"""The options of the branching rule, each declared here once: who decides, and what is recorded.

They keep their names from a policy's card and a training configuration, which inherit them, through
Python to the native rule (``cpp/rule_options.h``). To add one, add a field here and there, and what
it does to ``cpp/branchrule.cpp``.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from kida.boundary import Natural, Probability
from kida.errors import UserError

CandidateSet = Literal["fractional", "unfixed"]

#: Who decides where the expert does not: the network, strong branching, chance, SCIP's own rules
#: (``"default"``) or its pseudocost rule, which never asks strong branching (``"pscost"``).
Acting = Literal["network", "expert", "random", "default", "pscost"]

#: -1 means nowhere, of ``network_depth`` everywhere.
Depth = Annotated[int, Meta(ge=-1, le=10**6)]


class Decision(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who decides at a node.

    Attributes
    ----------
    candidates
        The variables among which the rule chooses: the ``"fractional"`` ones of the LP solution,
        or every ``"unfixed"`` integer variable.
    expert_depth
        At nodes of at most this depth strong branching decides; -1 means never.
    expert_candidates
        How many candidates strong branching evaluates: those that the network scores highest or,
        without a network, those of best pseudocost; 0 means all.
    expert_iterations
        How many simplex iterations it spends on a child at most, after which a bound on the
        child's gain stands for it, as in SCIP's reliability branching; 0 means until it is solved.
    network_depth
        At nodes below this depth SCIP's own rules decide, and the network is not asked; -1 means
        that it is asked everywhere.
    shortlist
        Of how many candidates, those that the network scores highest, SCIP's reliability branching
        chooses where the network is asked; 0 means that the network's first choice is taken.

    Raises
    ------
    UserError
        If there is a shortlist and the candidates are not the fractional ones, the only ones that
        reliability branching knows.
    """

    candidates: CandidateSet = "fractional"
    expert_depth: Depth = -1
    expert_candidates: Natural = 0
    expert_iterations: Natural = 0
    network_depth: Depth = -1
    shortlist: Natural = 0

    def __post_init__(self) -> None:
        if self.shortlist and self.candidates != "fractional":
            raise UserError(
                f"shortlist is {self.shortlist}, but SCIP's reliability branching chooses among "
                'fractional candidates alone: set candidates = "fractional", or shortlist = 0'
            )


class Recording(Decision, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who decides at a node, and which nodes are recorded as samples for training.

    Attributes
    ----------
    probability_by_depth
        Probability of recording a node at depth 0, 1, ...; the last value holds for all deeper
        nodes. Recording costs a strong branching.
    samples_per_episode
        The solve ends once that many nodes are recorded.
    act_on_expert
        Whether the expert's choice is taken at recorded nodes (as KIDA does) or the acting
        policy's.
    expert_teaches
        Whether strong branching leaves its pseudocosts in the solver where its choice is taken.
        SCIP's rules branch better by them, but a finished policy will not find them.
    """

    probability_by_depth: Annotated[tuple[Probability, ...], Meta(min_length=1)] = (0.05,)
    samples_per_episode: Annotated[int, Meta(ge=1, le=10**6)] = 100
    act_on_expert: bool = True
    expert_teaches: bool = False
