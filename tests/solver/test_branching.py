"""The native rule and the callable rule on real problems: decisions, records, failures."""

import gc
import random
import subprocess
import sys
import threading
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pyscipopt import (
    SCIP_EVENTTYPE,
    SCIP_PARAMSETTING,
    SCIP_RESULT,
    Eventhdlr,
    Model,
    Pricer,
    quicksum,
)

from kida.errors import UserError
from kida.instances.registry import instances
from kida.network.architecture import Architecture, shapes
from kida.network.card import Card
from kida.network.policy import Policy
from kida.observation import CandidateFeature, Observation, VariableFeature
from kida.rule import Recording
from kida.solver.branching import (
    ExpertNode,
    attach,
    attach_callable,
    attach_collector,
    branching_candidates,
    observe,
    observe_candidates,
)
from kida.solver.problem import open_model, read_model


def random_policy(
    candidates: str = "fractional",
    expert_depth: int = -1,
    expert_candidates: int = 0,
    statistics: bool = False,
    expert_iterations: int = 0,
) -> Policy:
    """Untrained weights: any decision is as good as another for these tests."""
    architecture = Architecture(16, statistics)
    generator = np.random.default_rng(5)
    weights = {
        name: (generator.normal(size=shape) / 4).astype(np.float32)
        for name, shape in shapes(architecture).items()
    }
    card = Card(
        architecture,
        candidates=candidates,
        expert_depth=expert_depth,
        expert_candidates=expert_candidates,
        expert_iterations=expert_iterations,
    )
    return Policy(weights, card)


EVERY_NODE = Recording(probability_by_depth=(1.0,))


def quiet(model: Model, nodes: int = 60) -> Model:
    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", nodes)
    return model


def item_placement(nodes: int = 60) -> Model:
    (instance,) = instances("item_placement", split="valid", start=3, count=1)
    return quiet(open_model(instance), nodes)


def general_integers() -> Model:
    """A maximisation with integer, binary and continuous variables, ranges and equations."""
    source = random.Random(3)
    model = Model()
    x = [model.addVar(vtype="I", lb=-3, ub=9) for _ in range(25)]
    y = [model.addVar(vtype="B") for _ in range(15)]
    z = [model.addVar(vtype="C", lb=None) for _ in range(5)]
    everything = x + y + z
    for _ in range(12):
        row = quicksum(source.randint(-9, 20) * v for v in source.sample(everything, 12))
        model.addCons((row <= source.randint(30, 90)) if source.random() < 0.5 else (row >= -40))
    model.addCons(quicksum(z) - quicksum(y) == 0.5)
    for v in z:
        model.addCons(v <= quicksum(source.sample(x, 3)) + 2)
    model.setObjective(quicksum(source.randint(1, 20) * v for v in x + y), "maximize")
    return quiet(model, 400)


def small_knapsack() -> Model:
    """Solved in about twenty nodes, all of them by branching."""
    model = quiet(Model(), -1)
    model.setPresolve(SCIP_PARAMSETTING.OFF)
    model.setSeparating(SCIP_PARAMSETTING.OFF)
    x = [model.addVar(f"x{i}", "I", ub=9) for i in range(12)]
    for k in range(4):
        weights = ((7 * i * k + 3 * i + k) % 11 * v for i, v in enumerate(x))
        model.addCons(quicksum(weights) <= 31.5 + k)
    model.setObjective(quicksum((5 * i) % 7 * v for i, v in enumerate(x)), "maximize")
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "candidates", "statistics"),
    [
        (item_placement, "fractional", False),
        (item_placement, "unfixed", False),
        (item_placement, "fractional", True),
        (general_integers, "fractional", False),
        (general_integers, "unfixed", False),
        (general_integers, "unfixed", True),
    ],
)
def test_the_native_rule_branches_on_the_networks_argmax(problem, candidates, statistics) -> None:
    policy = random_policy(candidates, statistics=statistics)
    network = policy.native()

    native = problem()
    brancher = attach(native, policy)
    native.optimize()

    def argmax(observation: Observation, found: NDArray[np.int32]) -> int:
        scores = network.score(
            observation.row_features,
            observation.variable_features,
            observation.row_starts,
            observation.edge_columns,
            observation.edge_values,
            found,
            observe_candidates(python, found) if statistics else None,
        )
        return int(np.argmax(scores))

    python = problem()
    oracle = attach_callable(python, argmax, candidates=candidates)
    python.optimize()

    counts = brancher.statistics
    assert counts.decisions == counts.network_decisions == oracle.statistics.decisions > 20
    assert counts.mean_candidates == oracle.statistics.mean_candidates
    assert native.getNTotalNodes() == python.getNTotalNodes()
    assert native.getDualbound() == python.getDualbound()
    assert native.getNLPIterations() == python.getNLPIterations()
    assert 0 < counts.seconds_observing + counts.seconds_scoring <= counts.seconds_total
    native.free()
    python.free()
    assert brancher.statistics == counts  # readable after the model is gone


@pytest.mark.slow
def test_the_expert_decides_down_to_the_depth_of_the_card() -> None:
    counts = {}
    for depth in (-1, 2, 1000):
        model = item_placement(20)
        brancher = attach(model, random_policy(expert_depth=depth))
        model.optimize()
        counts[depth] = brancher.statistics
        model.free()
    assert counts[-1].expert_decisions == 0
    assert 0 < counts[2].expert_decisions <= 7  # a binary tree has 7 nodes down to depth 2
    assert counts[2].network_decisions > 0
    assert counts[1000].network_decisions == 0
    assert counts[1000].seconds_expert > 0


def test_a_policy_brings_its_scip_parameters_along(make_policy) -> None:
    model = item_placement()
    attach(model, make_policy(parameters={"misc/usesymmetry": 2, "branching/scorefunc": "s"}))
    assert model.getParam("misc/usesymmetry") == 2
    assert model.getParam("branching/scorefunc") == "s"


@pytest.mark.parametrize("parameter", [("misc/usesymetry", 2), ("misc/usesymmetry", 99)])
def test_a_parameter_that_scip_refuses_is_named(make_policy, parameter) -> None:
    with pytest.raises(UserError, match=parameter[0]):
        attach(item_placement(), make_policy(parameters=dict([parameter])))


@pytest.mark.slow
@pytest.mark.parametrize(("function", "combine"), [("s", np.add), ("p", np.multiply)])
def test_the_experts_score_follows_the_parameters(function, combine) -> None:
    model = item_placement()
    brancher = attach_collector(
        model,
        None,
        EVERY_NODE,
        acting="expert",
        parameters={"branching/scorefunc": function, "branching/scorefac": 0.5},
    )
    model.optimize()
    for sample in brancher.samples():
        scores = combine(np.maximum(sample.down_gains, 1e-6), np.maximum(sample.up_gains, 1e-6))
        assert sample.scores[sample.chosen] == sample.scores.max()
        assert scores[sample.chosen] == pytest.approx(scores.max(), rel=1e-5)


@pytest.mark.slow
def test_a_function_may_score_the_experts_candidates() -> None:
    seen = []

    def closest_to_half(node: ExpertNode) -> np.ndarray:
        seen.append(node)
        return -np.abs(node.values - 0.5)

    model = item_placement(nodes=10)
    brancher = attach_collector(
        model, None, EVERY_NODE, acting="expert", expert_score=closest_to_half
    )
    model.optimize()
    samples = brancher.samples()
    assert len(seen) == len(samples) > 3
    for node, sample in zip(seen, samples, strict=True):
        assert node.depth == sample.depth
        assert len(node.names) == len(sample.candidates)
        assert all(name.startswith("t_place_") for name in node.names)
        assert (node.pseudocosts >= 0).all()
        np.testing.assert_array_equal(node.down_gains, sample.down_gains)
        np.testing.assert_array_equal(sample.scores, -np.abs(node.values - 0.5))
        assert sample.taken == sample.chosen == sample.scores.argmax()


@pytest.mark.parametrize(
    ("score", "error"),
    [
        (lambda node: node.scores[1:], ValueError),
        (lambda node: node.names, ValueError),
        (lambda node: 1 / 0, ZeroDivisionError),
    ],
)
def test_a_failing_score_function_surfaces_once_after_optimize(score, error) -> None:
    model = item_placement()
    brancher = attach_collector(model, None, EVERY_NODE, acting="expert", expert_score=score)
    with pytest.raises(error):
        model.optimize()
    assert model.getNNodes() <= 2
    brancher.raise_error()
    assert brancher.samples() == []


@pytest.mark.slow
def test_the_expert_evaluates_only_the_networks_shortlist() -> None:
    found = {}
    for shortlist in (0, 1000, 2):
        model = item_placement(12)
        brancher = attach(model, random_policy(expert_depth=100, expert_candidates=shortlist))
        model.optimize()
        statistics = brancher.statistics
        assert statistics.expert_decisions == statistics.decisions > 5
        assert (statistics.seconds_scoring > 0) == (shortlist > 0)
        found[shortlist] = (model.getNStrongbranchLPIterations(), statistics.decisions)
        model.free()
    # A list longer than the candidates is all of them, though in another order.
    assert found[2][0] / found[2][1] < found[0][0] / found[0][1] / 3
    assert found[1000][0] > 3 * found[2][0]


def test_of_a_single_candidate_the_expert_proves_bounds_and_chooses_nothing() -> None:
    chosen, bounds = [], []
    for depth in (-1, 100):
        model = quiet(general_integers(), 1)
        attach(model, random_policy(expert_depth=depth, expert_candidates=1 if depth >= 0 else 0))
        model.optimize()
        _, children, _ = model.getOpenNodes()
        assert len(children) == 2
        chosen.append({child.getParentBranchings()[0][0].name for child in children})
        bounds.append([child.getLowerbound() for child in children])
        model.free()
    assert chosen[0] == chosen[1]
    # The network alone leaves the children with their parent's bound until they are processed.
    assert bounds[0][0] == bounds[0][1]
    assert min(bounds[1]) > bounds[0][0] + 1e-6


@pytest.mark.slow
def test_the_expert_spends_few_iterations_if_the_card_says_so() -> None:
    found = {}
    for iterations in (0, 3):
        model = item_placement(12)
        brancher = attach(model, random_policy(expert_depth=100, expert_iterations=iterations))
        model.optimize()
        assert brancher.statistics.expert_decisions > 5
        # Two children for each candidate.
        found[iterations] = model.getNStrongbranchLPIterations() / (
            2 * brancher.statistics.expert_decisions * brancher.statistics.mean_candidates
        )
        model.free()
    assert found[3] <= 3.5 < found[0]


@pytest.mark.parametrize("statistics", [False, True])
def test_samples_may_be_of_the_networks_shortlist(statistics) -> None:
    policy = random_policy(statistics=statistics)
    model = item_placement(15)
    recording = Recording(probability_by_depth=(1.0,), samples_per_episode=4, expert_candidates=3)
    brancher = attach_collector(model, policy, recording, acting="network")
    model.optimize()
    samples = brancher.samples()
    model.free()
    assert len(samples) == 4
    for sample in samples:
        observation = sample.observation
        scores = policy.native().score(
            observation.row_features,
            observation.variable_features,
            observation.row_starts,
            observation.edge_columns,
            observation.edge_values,
            sample.candidates,
            sample.candidate_features if statistics else None,
        )
        evaluated = np.flatnonzero(np.isfinite(sample.scores))
        assert set(evaluated) == set(np.argsort(-scores, kind="stable")[:3])
        assert sample.chosen in evaluated


def test_solving_to_optimality_gives_scips_optimum() -> None:
    reference = quiet(general_integers(), -1)
    reference.optimize()
    for depth in (-1, 3):
        model = quiet(general_integers(), -1)
        brancher = attach(model, random_policy(expert_depth=depth))
        model.optimize()
        assert model.getStatus() == reference.getStatus() == "optimal"
        assert model.getObjVal() == pytest.approx(reference.getObjVal())
        assert brancher.statistics.decisions > 0
        model.free()


@pytest.mark.slow
def test_recorded_samples_hold_the_node_and_both_gains() -> None:
    model = item_placement(30)
    recording = Recording(probability_by_depth=(1.0, 1.0, 0.5), samples_per_episode=8)
    brancher = attach_collector(model, None, recording, acting="random", seed=1)
    model.optimize()
    assert model.getStatus() == "userinterrupt"
    samples = brancher.samples()
    model.free()
    assert len(samples) == 8
    assert samples[0].depth == 0
    assert len({sample.node_number for sample in samples}) == 8
    for sample in samples:
        k = len(sample.candidates)
        assert sample.scores.shape == sample.up_gains.shape == sample.down_gains.shape == (k,)
        assert np.isfinite(sample.scores).all()
        assert sample.chosen == np.argmax(sample.scores)
        fractions = sample.observation.variable_features[
            sample.candidates, VariableFeature.SOLUTION_FRAC
        ]
        assert (fractions > 1e-7).all()
    again = item_placement(30)
    repeated = attach_collector(again, None, recording, acting="random", seed=1)
    again.optimize()
    assert [s.node_number for s in repeated.samples()] == [s.node_number for s in samples]
    assert repeated.statistics.expert_decisions == 8
    again.free()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("acting", "expert_teaches", "teaches"),
    [("random", False, False), ("random", True, True), ("expert", False, True)],
)
def test_labels_leave_no_trace_unless_the_expert_teaches(acting, expert_teaches, teaches) -> None:
    model = item_placement(12)
    recording = Recording(probability_by_depth=(1.0,), expert_teaches=expert_teaches)
    brancher = attach_collector(model, None, recording, acting=acting)
    model.optimize()
    first, second, *_ = brancher.samples()
    model.free()
    counts = [CandidateFeature.PSEUDOCOST_COUNT_DOWN, CandidateFeature.PSEUDOCOST_COUNT_UP]
    assert first.candidate_features.shape == (len(first.candidates), len(CandidateFeature))
    assert not first.candidate_features[:, counts].any()
    np.testing.assert_allclose(second.candidate_features[:, CandidateFeature.DEPTH], 1 / 11)
    # A teaching expert has tried each of the root's candidates.
    again = np.isin(second.candidates, first.candidates)
    assert again.sum() > 10
    assert second.candidate_features[again][:, counts].all(axis=1).mean() == teaches
    assert first.taken == first.chosen


@pytest.mark.parametrize(("acting", "by_strong_branching"), [("pscost", False), ("default", True)])
def test_rules_of_scip_act_between_the_samples(acting, by_strong_branching) -> None:
    model = item_placement(30)
    recording = Recording(probability_by_depth=(0.0, 1.0), samples_per_episode=1)
    brancher = attach_collector(model, None, recording, acting=acting)
    model.optimize()
    (sample,) = brancher.samples()
    assert brancher.statistics.decisions == 1
    model.free()
    # At the second node, pseudocosts know one side of one variable, unless strong branching has
    # initialised them.
    counts = [CandidateFeature.PSEUDOCOST_COUNT_DOWN, CandidateFeature.PSEUDOCOST_COUNT_UP]
    assert (np.count_nonzero(sample.candidate_features[:, counts]) > 1) == by_strong_branching


@pytest.mark.slow
def test_a_recorded_node_may_be_left_to_the_acting_policy() -> None:
    model = item_placement(15)
    recording = Recording(probability_by_depth=(1.0,), samples_per_episode=5, act_on_expert=False)
    brancher = attach_collector(model, random_policy(), recording, acting="network")
    model.optimize()
    statistics = brancher.statistics
    assert len(brancher.samples()) == 5
    assert statistics.expert_decisions == 0
    assert statistics.network_decisions == statistics.decisions == 5
    model.free()


def test_what_is_to_be_recorded_is_checked() -> None:
    for wrong, name in (
        (Recording(probability_by_depth=(1.5,)), "probability_by_depth"),
        (Recording(samples_per_episode=0), "samples_per_episode"),
        (Recording(expert_depth=-2), "expert_depth"),
        (Recording(candidates="all"), "candidates"),  # type: ignore[arg-type]
    ):
        with pytest.raises(UserError, match=name):
            attach_collector(Model(), None, wrong, acting="random")
    with pytest.raises(UserError, match="needs a policy"):
        attach_collector(Model(), None, Recording(), acting="network")


def test_a_nonlinear_problem_is_declined_with_one_warning() -> None:
    def model() -> Model:
        source = random.Random(1)
        nonlinear = quiet(Model(), -1)
        x = [nonlinear.addVar(vtype="I", lb=0, ub=20) for _ in range(12)]
        for i in range(11):
            nonlinear.addCons(x[i] * x[i + 1] + x[i] ** 2 <= 30 + i)
        for _ in range(6):
            nonlinear.addCons(quicksum(source.randint(1, 9) * v for v in x) <= 200)
        nonlinear.setObjective(quicksum(source.randint(5, 20) * v for v in x), "maximize")
        return nonlinear

    reference = model()
    reference.optimize()
    declining = model()
    brancher = attach(declining, random_policy())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        declining.optimize()
    assert [str(w.message)[:22] for w in caught] == ["kida declines to branc"]
    assert declining.getObjVal() == pytest.approx(reference.getObjVal())
    assert brancher.statistics.declined
    assert brancher.statistics.decisions == 0


def test_a_nonlinear_problem_without_a_tree_is_declined_too() -> None:
    model = quiet(Model(), -1)
    x = model.addVar(lb=1, ub=3)
    model.addCons(x * x >= 2)
    model.setObjective(-x)
    brancher = attach(model, random_policy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.optimize()
    assert model.getStatus() == "optimal"
    assert brancher.statistics.declined


def test_a_problem_that_presolving_makes_linear_is_not_declined() -> None:
    model = item_placement()
    fixed = model.addVar(lb=2, ub=2)
    other = model.addVar(ub=3)
    model.addCons(fixed * other <= 4)
    brancher = attach(model, random_policy())
    model.optimize()
    assert not brancher.statistics.declined
    assert brancher.statistics.decisions > 0


def overflowing_policy(**options: int) -> Policy:
    policy = random_policy(**options)
    weights = dict(policy.weights)
    for name in ("output_module.0.weight", "output_module.2.weight"):
        weights[name] = np.full_like(weights[name], 3e38)
    return Policy(weights, policy.card)


@pytest.mark.parametrize(("expert_depth", "expert_candidates"), [(-1, 0), (1, 3)])
def test_nodes_of_scores_that_are_not_finite_are_left_to_scip(
    expert_depth, expert_candidates
) -> None:
    reference = small_knapsack()
    reference.optimize()
    policy = overflowing_policy(expert_depth=expert_depth, expert_candidates=expert_candidates)
    model = small_knapsack()
    brancher = attach(model, policy)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.optimize()
    assert [str(w.message)[:38] for w in caught] == ["the network's scores are not finite: i"]
    statistics = brancher.statistics
    assert statistics.network_decisions == 0
    assert statistics.unscored > 0
    assert statistics.expert_decisions == statistics.decisions
    assert (statistics.expert_decisions > 0) == (expert_depth >= 0)
    assert model.getStatus() == reference.getStatus() == "optimal"
    assert model.getObjVal() == pytest.approx(reference.getObjVal())
    if expert_depth < 0:
        assert model.getNTotalNodes() == reference.getNTotalNodes()


class ExpectedError(Exception):
    pass


def test_a_failure_in_another_thread_waits_for_whoever_asks() -> None:
    def function(observation: Observation, candidates: NDArray[np.int32]) -> int:
        raise ExpectedError

    model = item_placement()
    brancher = attach_callable(model, function)
    for _ in range(2):  # the second one goes on, and asks the function again
        thread = threading.Thread(target=model.optimizeNogil)
        thread.start()
        thread.join()
        assert model.getStatus() == "userinterrupt"
        with pytest.raises(ExpectedError):
            _ = brancher.statistics
        assert brancher.statistics.decisions == 0


def test_an_exception_that_nobody_asked_for_stops_the_next_solve_too() -> None:
    calls = []

    def function(observation: Observation, candidates: NDArray[np.int32]) -> int:
        calls.append(len(candidates))
        raise ExpectedError

    model = item_placement()
    brancher = attach_callable(model, function)
    for _ in range(2):
        thread = threading.Thread(target=model.optimizeNogil)
        thread.start()
        thread.join()
    assert len(calls) == 1
    with pytest.raises(ExpectedError):
        brancher.raise_error()


@pytest.mark.parametrize("again", ["go on", "anew"])
def test_a_solve_after_an_exception_asks_the_function_again(again) -> None:
    def solved(fails: bool) -> tuple[int, float, int]:
        calls = []

        def function(observation: Observation, candidates: NDArray[np.int32]) -> int:
            calls.append(len(candidates))
            if fails and len(calls) == 3:
                raise ExpectedError
            return 0

        model = small_knapsack()
        brancher = attach_callable(model, function)
        if fails:
            with pytest.raises(ExpectedError):
                model.optimize()
            assert brancher.statistics.decisions == 2
            if again == "anew":
                model.freeTransform()
        model.optimize()
        assert model.getStatus() == "optimal"
        before = 2 if fails and again == "anew" else 0
        decisions = brancher.statistics.decisions - before
        assert len(calls) == decisions + before + fails
        return model.getNNodes(), model.getObjVal(), decisions

    # The node that it failed at included: no other rule has branched anywhere.
    assert solved(True) == solved(False)


@pytest.mark.parametrize("how", ["plugin", "function"])
def test_an_exception_is_not_lost_in_an_event_handler(how) -> None:
    events = []

    class Handler(Eventhdlr):
        def eventinit(self):
            self.model.catchEvent(SCIP_EVENTTYPE.NODEEVENT, self)

        def eventexec(self, event):
            events.extend(event.getType() for _ in range(100))

    def function(observation: Observation, candidates: NDArray[np.int32]) -> int:
        raise ExpectedError

    model = item_placement()
    if how == "plugin":
        model.includeEventhdlr(Handler(), "events", "counts")
    else:
        model.attachEventHandlerCallback(
            lambda model, event: [events.append(i) for i in range(100)],
            [SCIP_EVENTTYPE.NODEEVENT, SCIP_EVENTTYPE.LPEVENT],
        )
    attach_callable(model, function)
    with pytest.raises(ExpectedError):
        model.optimize()
    model.free()
    assert events


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        ("raise", ExpectedError),
        (-1, IndexError),
        (10**6, IndexError),
        (float("nan"), TypeError),
        (None, TypeError),
        (True, TypeError),
    ],
)
def test_a_failing_function_surfaces_once_after_optimize(outcome, error) -> None:
    model = item_placement()
    calls = []

    def function(observation: Observation, candidates: NDArray[np.int32]) -> int:
        calls.append(len(candidates))
        if len(calls) < 3:
            return len(candidates) - 1
        if outcome == "raise":
            raise ExpectedError
        return outcome

    brancher = attach_callable(model, function)
    with pytest.raises(error):
        model.optimize()
    assert len(calls) == 3
    assert brancher.statistics.decisions == 2


def test_a_function_is_called_again_in_the_next_solve() -> None:
    model = item_placement()
    model.setParam("limits/totalnodes", 8)
    calls = []

    def function(observation: Observation, candidates: NDArray[np.int32]) -> int:
        calls.append(len(candidates))
        if len(calls) == 2:
            raise ExpectedError
        return 0

    brancher = attach_callable(model, function)
    with pytest.raises(ExpectedError):
        model.optimize()
    model.freeTransform()
    model.optimize()
    assert len(calls) > 3
    assert brancher.statistics.decisions == len(calls) - 1


def test_a_solved_model_is_refused_and_left_as_it_was() -> None:
    model = Model()
    model.hideOutput()
    model.addCons(2 * model.addVar("x", "I", ub=7, obj=-1) <= 9)
    model.optimize()
    before = model.getParams()
    for refused in (
        lambda: attach(model, "item_placement"),
        lambda: attach_callable(model, lambda observation, candidates: 0),
        lambda: attach_collector(model, None, Recording(), acting="random"),
    ):
        with pytest.raises(UserError, match=r"call model\.freeTransform\(\) first"):
            refused()
    assert model.getParams() == before
    model.freeTransform()
    attach(model, "item_placement")


def test_a_model_takes_one_rule() -> None:
    model = item_placement()
    attach(model, random_policy())
    with pytest.raises(UserError, match="already has"):
        attach(model, random_policy())


@pytest.mark.parametrize("begun", ["presolve", "optimize"])
def test_a_refused_rule_changes_nothing(begun, make_policy, capfd) -> None:
    policy = make_policy(parameters={"misc/usesymmetry": 2, "branching/scorefunc": "s"})
    model = item_placement(nodes=1)
    getattr(model, begun)()
    before = model.getParams()
    attempts = (
        lambda: attach(model, policy),
        lambda: attach_callable(model, lambda observation, candidates: 0),
        lambda: attach_collector(model, None, EVERY_NODE, acting="pscost"),
    )
    for attempt in attempts:
        with pytest.raises(UserError, match="freeTransform"):
            attempt()
    assert model.getParams() == before
    assert capfd.readouterr() == ("", "")
    model.freeTransform()
    brancher = attach(model, policy)
    model.optimize()
    assert brancher.statistics.decisions == 1


def test_a_parameter_that_scip_refuses_leaves_the_others_as_they_were(make_policy) -> None:
    model = item_placement()
    before = model.getParams()
    with pytest.raises(UserError, match="misc/usesymetry"):
        attach(model, make_policy(parameters={"branching/scorefunc": "s", "misc/usesymetry": 2}))
    assert model.getParams() == before
    attach(model, random_policy())


@pytest.mark.parametrize("original", [False, True])
def test_a_network_branches_in_copies_of_the_model(original) -> None:
    model = small_knapsack()
    brancher = attach(model, random_policy())
    copy = quiet(Model(sourceModel=model, origcopy=original), -1)
    copy.optimize()
    statistics = brancher.statistics
    assert statistics.decisions == 0
    assert statistics.decisions_in_copies > 5
    model.optimize()
    assert brancher.statistics.decisions == statistics.decisions_in_copies
    assert model.getNTotalNodes() == copy.getNTotalNodes()
    copy.free()
    # The heuristics' sub-problems, copied in the midst of a solve, are SCIP's.
    model = small_knapsack()
    model.setHeuristics(SCIP_PARAMSETTING.AGGRESSIVE)
    brancher = attach(model, random_policy())
    model.optimize()
    assert brancher.statistics.decisions_in_copies == 0


def test_a_network_branches_in_a_concurrent_solve() -> None:
    reference = small_knapsack()
    reference.optimize()
    model = small_knapsack()
    brancher = attach(model, random_policy())
    model.solveConcurrent()
    statistics = brancher.statistics
    assert statistics.decisions + statistics.decisions_in_copies > 5
    assert model.getObjVal() == pytest.approx(reference.getObjVal())


def test_of_a_function_a_copy_says_that_it_has_none() -> None:
    model = small_knapsack()
    brancher = attach_callable(model, lambda observation, candidates: 0)
    with pytest.warns(RuntimeWarning, match="copy of this model is branched by SCIP's own rules"):
        copy = quiet(Model(sourceModel=model), -1)
    Model(sourceModel=model)  # said once
    copy.optimize()
    assert copy.getStatus() == "optimal"
    assert brancher.statistics.decisions == 0


def test_a_function_that_mentions_its_model_does_not_keep_it_alive() -> None:
    def solved(attaches) -> weakref.ref:
        model = item_placement(nodes=3)
        attaches(model)
        model.optimize()
        return weakref.ref(model)

    def by_function(model: Model) -> None:
        attach_callable(model, lambda observation, candidates: (model.getNNodes(), 0)[1])

    def by_score(model: Model) -> None:
        def score(node: ExpertNode) -> np.ndarray:
            return node.scores + model.getNNodes()

        attach_collector(model, None, EVERY_NODE, acting="expert", expert_score=score)

    for attaches in (by_function, by_score):
        reference = solved(attaches)
        gc.collect()
        assert reference() is None
    # One that does not, and any network, needs no collector.
    for attaches in (
        lambda model: attach_callable(model, lambda observation, candidates: 0),
        lambda model: attach(model, random_policy()),
    ):
        gc.disable()
        try:
            assert solved(attaches)() is None
        finally:
            gc.enable()


def test_nothing_is_printed_at_exit(tmp_path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import kida\n"
        "from pyscipopt import Model\n"
        "model = Model(); model.hideOutput()\n"
        "x = [model.addVar(f'x{i}', 'I', ub=9) for i in range(5)]\n"
        "model.addCons(sum((2 * i + 3) * x[i] for i in range(5)) <= 31.5)\n"
        "model.setObjective(sum((3 * i + 4) * x[i] for i in range(5)), 'maximize')\n"
        "def first(observation, candidates):\n"
        "    return 0 if model.getNNodes() >= 0 else 1\n"
        "brancher = kida.attach_callable(model, first)\n"
        "model.optimize()\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class Patterns(Pricer):
    """The patterns of a cutting-stock problem, by dynamic programming."""

    def __init__(self, width: int, widths: list[int], rows: list) -> None:
        self.width, self.widths, self.rows, self.count = width, widths, rows, 0

    def price(self, farkas: bool) -> dict:
        model = self.model
        value = model.getDualfarkasLinear if farkas else model.getDualsolLinear
        rows = [model.getTransformedCons(row) for row in self.rows]
        duals = [value(row) for row in rows]
        best = [(0.0, [0] * len(self.widths))]
        for space in range(1, self.width + 1):
            best.append(best[-1])
            for i, width in enumerate(self.widths):
                if width <= space and best[space - width][0] + duals[i] > best[space][0] + 1e-12:
                    pattern = list(best[space - width][1])
                    pattern[i] += 1
                    best[space] = (best[space - width][0] + duals[i], pattern)
        gained, pattern = best[-1]
        if (0 if farkas else 1) - gained < -1e-6:
            variable = model.addVar(f"p{self.count}", "I", obj=1.0, pricedVar=True)
            self.count += 1
            for row, times in zip(rows, pattern, strict=True):
                if times:
                    model.addConsCoeff(row, variable, times)
        return {"result": SCIP_RESULT.SUCCESS}

    def pricerredcost(self) -> dict:
        return self.price(False)

    def pricerfarkas(self) -> dict:
        return self.price(True)


@pytest.mark.parametrize("expert_depth", [-1, 100])
def test_candidates_that_are_no_column_of_the_lp_are_left_out(expert_depth) -> None:
    source = random.Random(3)
    widths = sorted({source.randint(6, 19) for _ in range(6)})
    demands = [source.randint(2, 13) for _ in widths]
    model = quiet(Model(), 60)
    model.setPresolve(SCIP_PARAMSETTING.OFF)
    model.setParam("presolving/maxrestarts", 0)
    model.setParam("limits/time", 20)
    rows = [
        model.addCons(
            (37 // width) * model.addVar(f"init{i}", "I", obj=1.0) >= demand,
            separate=False,
            modifiable=True,
        )
        for i, (width, demand) in enumerate(zip(widths, demands, strict=True))
    ]
    model.includePricer(Patterns(37, widths, rows), "patterns", "cutting stock")
    brancher = attach(model, random_policy("unfixed", expert_depth=expert_depth))
    model.optimize()
    assert brancher.statistics.decisions > 10
    assert (brancher.statistics.expert_decisions > 10) == (expert_depth >= 0)


def test_an_unknown_policy_is_named() -> None:
    with pytest.raises(UserError, match="no_such_policy"):
        attach(Model(), "no_such_policy")
    with pytest.raises(UserError, match="no/such/folder"):
        attach(Model(), Path("no/such/folder"))
    with pytest.raises(UserError, match="not 3"):
        attach(Model(), 3)  # type: ignore[arg-type]
    # Without any, what to do instead.
    with pytest.raises(UserError, match="kida tune FOLDER"):
        attach(Model())


def test_observing_needs_a_focus_node() -> None:
    for look in (observe, branching_candidates):
        with pytest.raises(RuntimeError, match="no focus node"):
            look(item_placement())


def test_a_policy_without_a_network_sets_its_parameters_and_leaves_branching_to_scip(knapsack):
    model = read_model(knapsack)
    brancher = attach(model, Policy({}, Card(None, parameters={"misc/usesymmetry": 2})))
    assert model.getParam("misc/usesymmetry") == 2
    model.optimize()
    assert model.getStatus() == "optimal"
    statistics = brancher.statistics
    assert (statistics.decisions, statistics.seconds_total, statistics.declined) == (0, 0, False)
    assert brancher.samples() == []
    assert brancher.trace().shape == (0, 3)
    model.free()
