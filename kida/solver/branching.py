"""Branching rules for a PySCIPOpt model: the learned one, and one from any Python callable.

The learned rule is native (``cpp/branchrule``): Python attaches it with the options of
``kida.rule`` and reads its statistics afterwards. Add here what every kind of rule shares; a new
option belongs to ``kida.rule``, a new way to decide to the native rule.
"""

import gc
import warnings
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyscipopt import SCIP_STAGE, Eventhdlr, Model

from kida import _core, boundary
from kida.errors import UserError
from kida.network.card import Card
from kida.network.policy import Policy
from kida.network.steering import KIND, AnyPolicy, Steering, load_policy
from kida.observation import Observation
from kida.parameters import NO_PARAMETERS, ParameterValue
from kida.rule import Acting, CandidateSet, Decision, Recording
from kida.sample import Sample
from kida.solver.settings import set_parameters

#: Above SCIP's reliability pseudocost rule (10000) and below nothing a user is likely to set.
PRIORITY: int = _core.PRIORITY


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
    #: between SCIP calling the rule and its return, without SCIP's own rule in a shortlist
    seconds_total: float
    declined: bool = False  #: the problem is not linear: SCIP's own rules branched
    unscored: int = 0  #: nodes left to SCIP's own rules: a score was not finite
    #: of the network's, by SCIP's reliability branching among the network's best candidates
    shortlist_decisions: int = 0
    #: all candidates were asked, as by default, to see what a shortlist would have kept
    looks: int = 0
    decisions_in_copies: int = 0  #: by this rule in copies of the model; counted nowhere else


# What a native rule counts by itself.
_COUNTS = [
    entry.name
    for entry in fields(BranchingStatistics)
    if entry.name not in ("mean_candidates", "declined")
]


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


class _ByScip:
    """Stands for a native rule where a policy leaves the branching to SCIP: it has done nothing."""

    declined = False

    @property
    def statistics(self) -> dict[str, Any]:
        return {"candidates": 0} | dict.fromkeys(_COUNTS, 0)

    def raise_stored(self) -> None:
        pass

    def samples(self) -> list[dict[str, Any]]:
        return []

    def trace(self) -> NDArray[np.float32]:
        return np.empty((0, 3), np.float32)


def attach(
    model: Model,
    policy: AnyPolicy | str | Path | None = None,
    *,
    seed: int = 0,
    trace: bool = False,
) -> Brancher:
    """Let a learned policy branch in ``model``: call this, then ``model.optimize()``.

    Parameters
    ----------
    model
        A PySCIPOpt model whose solve has not begun. A nonlinear problem is left to SCIP's own
        rules, with one warning; so is a node of which the network's scores are not finite. The
        SCIP parameters in the policy's card are set, and its starting values, if it brings any,
        are handed to SCIP, so that the model has to be built by then. The rule acts in copies of
        the model too, but not in those that SCIP makes while it solves, for its heuristics; what
        the card brings of former solves, values and pseudocosts, is the model's alone.
    policy
        A policy, the name of a shipped one (``"item_placement"``) or the folder of a trained one;
        also one that steers SCIP's reliability branching. One without a network leaves the
        branching to SCIP, under the parameters in its card. There is none yet for problems of every
        kind: without one, the error says what to do instead.
    seed
        Of the rule's own random choices (none for a network's decisions).
    trace
        Keep the timings of every decision, for benchmarks.

    Raises
    ------
    UserError
        If the policy is none, cannot be loaded or brings a parameter that SCIP refuses, the model's
        solve has begun, or it has a kida rule already; the model is then as it was.
    """
    if policy is None:
        raise UserError(
            "there is no policy for problems of every kind: for those of a shipped family give its "
            "name ('kida instances' lists them); for others, 'kida tune FOLDER --out RUN' finds "
            "what is faster on problems like yours, and kida.attach(model, 'RUN') uses it"
        )
    if isinstance(policy, str | Path):
        policy = load_policy(policy)
    if not isinstance(policy, Policy | Steering):
        raise UserError(
            f"a policy is the name of a model, a folder or a kida.Policy, not {policy!r}"
        )
    _check_ready(model)
    rule: dict[str, Any] = {}
    if isinstance(policy, Steering):
        if trace:
            raise UserError(
                f'a policy of the kind "{KIND}" has no network whose decisions could be timed'
            )
        rule = {"network": None, "options": {}, "acting": "steering", "steering": policy.native()}
    elif policy.has_network:
        options = _options(policy.card, Decision)
        rule = {"network": policy.native(), "options": options, "acting": "network"}
    with set_parameters(model, policy.card.parameters):
        _remember(model, policy)
        return _include(model, seed=seed, trace=trace, **rule) if rule else Brancher(_ByScip())


def attach_collector(
    model: Model,
    policy: Policy | None,
    recording: Recording,
    *,
    acting: Acting,
    seed: int = 0,
    expert_score: ExpertScore | None = None,
    parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
) -> Brancher:
    """Attach a rule that records training samples at some of the nodes it branches on.

    Parameters
    ----------
    model
        A PySCIPOpt model whose solve has not begun.
    policy
        Whose network acts, and chooses the candidates that the expert evaluates; None without one.
    recording
        The rule's options. The solve ends (status ``userinterrupt``) with the last sample.
    acting
        Who decides where the expert does not.
    seed
        Of the rule's own random choices.
    expert_score
        What makes a score of the expert's gains; None: SCIP's branching score.
    parameters
        SCIP parameters to set, by name.

    Raises
    ------
    UserError
        If an option is out of its bounds, the network is to act and there is no policy, SCIP
        refuses a parameter, the model's solve has begun, or it has a kida rule already; the model
        is then as it was.
    """
    if policy is None and acting == "network":
        raise UserError("collecting with acting = 'network' needs a policy")
    recording = boundary.checked(recording)
    by_scip = acting in ("default", "pscost")
    if acting == "pscost":
        # Next after kida's rule, which leaves the decision to it.
        parameters = {**parameters, "branching/pscost/priority": PRIORITY - 1}
    score = None if expert_score is None else _checked(expert_score)
    _check_ready(model)
    with set_parameters(model, parameters):
        brancher = _include(
            model,
            None if policy is None else policy.native(),
            _options(recording, Recording),
            acting="scip" if by_scip else acting,
            expert_score=None if score is None else weakref.ref(score),
            seed=seed,
        )
    if score is not None:
        _keep(model, score)
    return brancher


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


def try_parameters(parameters: Mapping[str, ParameterValue]) -> None:
    """Raise a UserError unless SCIP takes all these parameters."""
    model = Model()
    try:
        with set_parameters(model, parameters):
            pass
    finally:
        model.free()


def _options(owner: Any, kind: type[Decision]) -> dict[str, Any]:
    """Return the options that ``kind`` declares, by name, as ``owner`` has them."""
    return {name: getattr(owner, name) for name in kind.__struct_fields__}


def _include(
    model: Model, network: _core.NativeNetwork | None, options: dict[str, Any], **setup: Any
) -> Brancher:
    rule = _core.Brancher.include(capsule(model), network, options, priority=PRIORITY, **setup)
    return Brancher(rule)


def _remember(model: Model, policy: AnyPolicy) -> None:
    """Hand SCIP what a policy brings of former solves; first what SCIP may refuse."""
    card = policy.card if isinstance(policy, Policy) else Card(None)
    try:
        if card.start and not _core.add_start(capsule(model), dict(card.start)):
            warnings.warn(_core.NO_START, RuntimeWarning, stacklevel=3)
    except RuntimeError as error:
        raise UserError(str(error)) from error
    # Also where there are none: a policy that was attached before may have brought some.
    _core.include_pseudocosts(capsule(model), dict(card.pseudocosts))


def _check_ready(model: Model) -> None:
    """Refuse a model that takes no rule, before anything is changed in it."""
    if _core.Brancher.included(capsule(model)):
        raise UserError("this model already has a kida branching rule; use a fresh model")
    if model.getStage() != SCIP_STAGE.PROBLEM:
        raise UserError(
            "a rule must be attached before the solve begins, and this model's has begun: "
            "call model.freeTransform() first"
        )


# Models with a function that may be waiting to be collected.
_MOST_ALIVE = 4


class _Keeper(Eventhdlr):
    """Catches no event: one of the few things that a model keeps where the collector sees it."""

    def __init__(self, kept: Any) -> None:
        self._kept = kept
        # A collection comes when many objects have been made; SCIP's memory counts for nothing.
        if len(_KEEPERS) > _MOST_ALIVE:
            gc.collect()
        _KEEPERS.add(self)


_KEEPERS: weakref.WeakSet[_Keeper] = weakref.WeakSet()


def _keep(model: Model, function: Callable[..., Any]) -> None:
    """Keep the function that the native rule refers to weakly alive as long as the model.

    The function may well refer to the model. Were it SCIP that kept it, nobody could tell that
    the two keep nobody alive but each other.
    """
    keeper = _Keeper(function)
    model.includeEventhdlr(keeper, "kida_function", "keeps the branching rule's Python function")
    keeper.model = None  # so that a function that does not refer to the model makes no cycle


def observe(model: Model, *, incumbent: bool = True) -> Observation:
    """Observe the focus node; to be called inside a branching rule's callback.

    Parameters
    ----------
    model
        A model at a node.
    incumbent
        Look up the best solution's two columns too; they are NaN otherwise.

    Raises
    ------
    RuntimeError
        If there is no focus node with an LP solved to optimality.
    """
    return Observation(*_core.observe(capsule(model), incumbent))


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
    found: NDArray[np.int32] = _core.candidates(capsule(model), which)
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
    ``IndexError`` if it returns anything but a position in the candidates. A solve that goes on
    after that asks it about the same node again. It acts in this model alone: a copy is branched by
    SCIP's own rules, with a warning.

    Raises
    ------
    UserError
        If the model's solve has begun, or it has a kida rule already; it is then as it was.
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

    options = _options(Decision(candidates=candidates), Decision)
    _check_ready(model)
    brancher = _include(model, None, options, acting="function", function=weakref.ref(choose))
    _keep(model, choose)
    return brancher
