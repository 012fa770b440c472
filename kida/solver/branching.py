"""Branching rules for a PySCIPOpt model: the learned one, and one from any Python callable.

The learned rule is native (``cpp/branchrule``): Python attaches it and reads its statistics
afterwards. Add here what every kind of rule shares; a new way to decide natively belongs there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pyscipopt import Model

from kida import _core
from kida.errors import UserError
from kida.network.policy import Policy
from kida.observation import Observation
from kida.parameters import ParameterValue
from kida.sample import Sample

#: Above SCIP's reliability pseudocost rule (10000) and below nothing a user is likely to set.
PRIORITY = 1_000_000

CandidateSet = Literal["fractional", "unfixed"]
Expert = Literal["strong_branching", "pseudocost"]


@dataclass(frozen=True)
class BranchingStatistics:
    """What a rule did during a solve; times in wall-clock seconds."""

    decisions: int  #: nodes this rule branched on
    network_decisions: int  #: of these, by the network (or the Python function)
    expert_decisions: int  #: of these, by strong branching
    mean_candidates: float  #: candidates per decision; 0 without decisions
    seconds_observing: float  #: extracting features for the network
    seconds_scoring: float  #: the network's forward pass, or the Python function
    seconds_expert: float  #: strong branching
    seconds_total: float  #: between SCIP calling the rule and its return
    declined: bool = False  #: the problem is not linear: SCIP's own rules branched


@dataclass(frozen=True, eq=False)
class ExpertNode:
    """What strong branching found at a node, for a function that scores it otherwise than SCIP.

    Attributes
    ----------
    names
        Of the ``k`` candidates, as SCIP's presolved problem has them (``"t_"`` before the
        original name).
    values
        Shape ``(k,)`` float64, in the LP solution.
    down_gains, up_gains, scores
        As in :class:`kida.sample.Sample`.
    pseudocosts
        Shape ``(k,)`` float64, SCIP's pseudocost scores.
    depth
        Of the node.
    """

    names: list[str]
    values: NDArray[np.float64]
    down_gains: NDArray[np.float64]
    up_gains: NDArray[np.float64]
    scores: NDArray[np.float64]
    pseudocosts: NDArray[np.float64]
    depth: int


#: Returns the candidates' scores, shape ``(k,)``; the highest is the expert's choice.
ExpertScore = Callable[[ExpertNode], NDArray[np.float64]]


#: Who branches while samples are recorded: ``"default"`` is SCIP's own rule, ``"pscost"`` its
#: pseudocost rule, which never asks strong branching.
Acting = Literal["network", "expert", "random", "default", "pscost"]


@dataclass(frozen=True)
class CollectOptions:
    """How a rule records training samples while it branches."""

    #: Who decides at nodes that are not recorded.
    acting: Acting = "network"
    candidates: CandidateSet = "fractional"
    #: Probability of recording a node at depth d: entry ``min(d, len - 1)``.
    probability_by_depth: tuple[float, ...] = (0.05,)
    #: First and last depth, and number in the order of processing (the root's is 1), of the nodes
    #: that may be recorded; without a last one there is no end, and empty means all.
    depth_window: tuple[int, ...] = ()
    node_window: tuple[int, ...] = ()
    max_samples: int = 100
    #: Stop the solve once ``max_samples`` nodes are recorded (status ``userinterrupt``).
    stop_when_full: bool = False
    seed: int = 0
    #: Strong branching decides at nodes of at most this depth, recorded or not.
    expert_depth: int = -1
    #: The expert evaluates only this many candidates, those that the network scores highest or, if
    #: none acts, those of best pseudocost score; 0: all.
    expert_candidates: int = 0
    #: Simplex iterations that strong branching spends on a child at most; 0: until it is solved.
    expert_iterations: int = 0
    #: How it foresees a child: by solving its LP, or by what branching there has gained so far.
    expert: Expert = "strong_branching"
    #: What makes a score of the expert's gains; None: SCIP's branching score.
    expert_score: ExpertScore | None = None
    #: At recorded nodes the expert's choice is taken (KIDA); otherwise the acting policy's.
    act_on_expert: bool = True
    #: Where it is taken, strong branching leaves pseudocosts in the solver, as that of an acting
    #: expert does.
    expert_teaches: bool = False
    #: SCIP parameters to set, by name.
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.probability_by_depth or not all(
            0.0 <= p <= 1.0 for p in self.probability_by_depth
        ):
            raise UserError("probability_by_depth must list probabilities between 0 and 1")
        for name in ("depth_window", "node_window"):
            check_window(name, getattr(self, name))
        if self.max_samples < 0:
            raise UserError(f"max_samples is {self.max_samples}; it must not be negative")
        check_limits(self, "expert_candidates", "expert_iterations")


def check_window(name: str, window: tuple[int, ...]) -> None:
    """Raise a UserError unless ``window`` is empty, a first number, or a first and a last one."""
    if len(window) > 2 or min(window, default=0) < 0 or list(window) != sorted(window):
        raise UserError(
            f"{name} is {list(window)}; write the first and the last number, the first alone, "
            "or nothing for all"
        )


def check_limits(owner: Any, *names: str) -> None:
    """Raise a UserError if one of these attributes, of which 0 means no limit, is negative."""
    for name in names:
        if getattr(owner, name) < 0:
            raise UserError(f"{name} is {getattr(owner, name)}; write a number, or 0 for no limit")


def capsule(model: Model) -> Any:
    """Return the model's SCIP pointer as the native core takes it; PySCIPOpt keeps owning it."""
    return model.to_ptr(give_ownership=False)


@dataclass(frozen=True, eq=False)
class Brancher:
    """A rule in one model; outlives the model, so statistics can be read at leisure."""

    _rule: Any

    @property
    def statistics(self) -> BranchingStatistics:
        """What the rule has done so far; raises what made the rule fail, if that is not known."""
        self.raise_error()
        counts = self._rule.statistics
        candidates = counts.pop("candidates")
        decisions = counts["decisions"]
        return BranchingStatistics(
            mean_candidates=candidates / decisions if decisions else 0.0,
            declined=self._rule.declined,
            **counts,
        )

    def raise_error(self) -> None:
        """Raise the exception that stopped the solve, once; return if there was none."""
        self._rule.raise_stored()

    def samples(self) -> list[Sample]:
        """Return the nodes recorded so far."""
        return [
            Sample(observation=Observation(*entry.pop("observation")), **entry)
            for entry in self._rule.samples()
        ]

    def trace(self) -> NDArray[np.float32]:
        """Seconds of every decision of the network, shape ``(decisions, 3)``.

        Columns: observing, scoring, and the whole rule. Empty unless attached with ``trace``.
        """
        trace: NDArray[np.float32] = self._rule.trace()
        return trace


def attach(
    model: Model, policy: Policy | str | Path, *, seed: int = 0, trace: bool = False
) -> Brancher:
    """Let a learned policy branch in ``model``: call this, then ``model.optimize()``.

    Parameters
    ----------
    model
        A PySCIPOpt model that is not being solved. A nonlinear problem is left to SCIP's own
        rules, with one warning. The SCIP parameters in the policy's card are set.
    policy
        A policy, the name of a shipped one (``"item_placement"``) or the folder of a trained one.
    seed
        Of the rule's own random choices (none for a network's decisions).
    trace
        Keep the timings of every decision, for benchmarks.

    Raises
    ------
    UserError
        If the policy cannot be loaded or brings a parameter that SCIP refuses, or the model
        already has a kida rule.
    """
    if not isinstance(policy, Policy):
        policy = Policy.load(policy)
    card = policy.card
    _set_parameters(model, card.parameters)
    return _include(
        model,
        policy,
        acting="network",
        unfixed_candidates=card.candidates == "unfixed",
        expert_depth=card.expert_depth,
        expert_candidates=card.expert_candidates,
        expert_iterations=card.expert_iterations,
        seed=seed,
        trace=trace,
    )


def attach_collector(model: Model, policy: Policy | None, options: CollectOptions) -> Brancher:
    """Attach a rule that records training samples at some of the nodes it branches on.

    Raises
    ------
    UserError
        If the network is to act and there is no policy, SCIP refuses a parameter, or the model
        already has a kida rule.
    """
    if policy is None and options.acting == "network":
        raise UserError("collecting with acting = 'network' needs a policy")
    _set_parameters(model, options.parameters)
    by_scip = options.acting in ("default", "pscost")
    if options.acting == "pscost":
        # Next after kida's rule, which leaves the decision to it.
        model.setParam("branching/pscost/priority", PRIORITY - 1)
    return _include(
        model,
        policy,
        acting="scip" if by_scip else options.acting,
        unfixed_candidates=options.candidates == "unfixed",
        expert_depth=options.expert_depth,
        expert_candidates=options.expert_candidates,
        expert_iterations=options.expert_iterations,
        record_probability=list(options.probability_by_depth),
        record_depths=list(options.depth_window),
        record_nodes=list(options.node_window),
        max_samples=options.max_samples,
        stop_when_full=options.stop_when_full,
        act_on_expert=options.act_on_expert,
        expert_teaches=options.expert_teaches,
        expert_solves=options.expert == "strong_branching",
        expert_score=None if options.expert_score is None else _checked(options.expert_score),
        seed=options.seed,
    )


def _checked(score: ExpertScore) -> Callable[..., NDArray[np.float64]]:
    """Return what the native core calls; a wrong shape there would be read past its end."""

    def scores(*found: Any) -> NDArray[np.float64]:
        node = ExpertNode(*found)
        result = np.ascontiguousarray(score(node), np.float64)
        if result.shape != node.scores.shape:
            raise ValueError(
                f"the expert's score function returned shape {result.shape} "
                f"for {len(node.scores)} candidates"
            )
        return result

    return scores


def check_parameters(parameters: Mapping[str, ParameterValue]) -> None:
    """Raise a UserError unless SCIP takes all these parameters."""
    model = Model()
    try:
        _set_parameters(model, parameters)
    finally:
        model.free()


def _set_parameters(model: Model, parameters: Mapping[str, ParameterValue]) -> None:
    for name, value in parameters.items():
        try:
            model.setParam(name, value)
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(f"SCIP refuses {name} = {value!r} ({error})") from error


def _include(model: Model, policy: Policy | None, **options: Any) -> Brancher:
    network = None if policy is None else policy.native()
    try:
        rule = _core.Brancher.include(capsule(model), network, priority=PRIORITY, **options)
    except RuntimeError as error:
        raise UserError(f"{error}; use a fresh model") from error
    return Brancher(rule)


def observe(model: Model) -> Observation:
    """Observe the focus node; to be called inside a branching rule's callback.

    Raises
    ------
    RuntimeError
        If there is no focus node with an LP solved to optimality.
    """
    return Observation(*_core.observe(capsule(model)))


def observe_candidates(model: Model, candidates: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return what the solver has learned of ``candidates``, to be called like :func:`observe`.

    Parameters
    ----------
    model
        A model at a node.
    candidates
        Shape ``(k,)``, indices of variables, such as :func:`branching_candidates` returns. Some
        columns compare a candidate with the others given.

    Returns
    -------
    NDArray
        Shape ``(k, 9)`` float32, columns as in :class:`kida.observation.CandidateFeature`.

    Raises
    ------
    RuntimeError
        If there is no focus node with an LP solved to optimality.
    ValueError
        If a variable does not exist.
    """
    found: NDArray[np.float32] = _core.observe_candidates(
        capsule(model), np.ascontiguousarray(candidates, np.int32)
    )
    return found


def branching_candidates(model: Model, which: CandidateSet = "fractional") -> NDArray[np.int32]:
    """Return the focus node's candidates as indices of variables, shape ``(k,)`` int32.

    Raises
    ------
    RuntimeError
        If there is no focus node with an LP solved to optimality.
    """
    found: NDArray[np.int32] = _core.candidates(capsule(model), which == "unfixed")
    return found


#: Receives the observation and the candidates (int32, indices of variables); returns the position
#: of its choice in the candidates.
BranchingFunction = Callable[[Observation, NDArray[np.int32]], int]


def attach_callable(
    model: Model, function: BranchingFunction, *, candidates: CandidateSet = "fractional"
) -> Brancher:
    """Let a Python function branch in ``model``.

    The function runs inside the solver's node loop, holding the interpreter lock. An exception in
    it stops the solve and is raised, once, after ``optimize()``; so is a ``TypeError`` or
    ``IndexError`` if it returns anything but a position in the candidates.
    """

    def choose(arrays: tuple[Any, ...], found: NDArray[np.int32]) -> int:
        choice = function(Observation(*arrays), found)
        if isinstance(choice, bool) or not isinstance(choice, (int, np.integer)):
            raise TypeError(f"the branching function returned {choice!r}, not an integer")
        if not 0 <= choice < len(found):
            raise IndexError(
                f"the branching function returned {choice}, but there are {len(found)} candidates"
            )
        return int(choice)

    return _include(
        model,
        None,
        acting="function",
        unfixed_candidates=candidates == "unfixed",
        seed=0,
        function=choose,
    )
