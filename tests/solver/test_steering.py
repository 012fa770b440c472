"""What is left to SCIP's own rules: deep nodes, the choice in a shortlist, what does not pay."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from operator import mul
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from pyscipopt import SCIP_EVENTTYPE, SCIP_PARAMSETTING, Eventhdlr, Model, quicksum

from kida import _core
from kida.errors import UserError
from kida.network.card import Card
from kida.network.steering import FEATURES, Steering, by_one_feature
from kida.observation import Observation, VariableFeature
from kida.solver.branching import Brancher, attach, attach_callable, capsule, observe_candidates

INSTANCES = Path(__file__).parents[2] / "instances"


class Tree(NamedTuple):
    """What two solves have in common if their trees are one."""

    nodes: int
    lp_iterations: int
    strong_branching_iterations: int
    dual_bound: float


def problem(name: str, nodes: int) -> Model:
    model = Model()
    model.hideOutput()
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("presolving/maxrestarts", 0)
    model.setParam("limits/nodes", nodes)
    model.readProblem(INSTANCES / name)
    return model


def tree(model: Model) -> Tree:
    return Tree(
        model.getNTotalNodes(),
        model.getNLPIterations(),
        model.getNStrongbranchLPIterations(),
        model.getDualbound(),
    )


FIXED_CHARGE, SET_COVER = (
    "fixed_charge_network_easy_valid_0.mps.gz",
    "set_cover_easy_valid_0.mps.gz",
)


@pytest.fixture
def solved(make_policy) -> Callable[..., tuple[Tree, Brancher]]:
    """Return what solves a problem with an untrained network under a card's options."""

    def solve(name: str, nodes: int, *, seed: int = 0, **card: int) -> tuple[Tree, Brancher]:
        model = problem(name, nodes)
        brancher = attach(model, make_policy(seed, **card))
        model.optimize()
        found = tree(model)
        model.free()
        return found, brancher

    return solve


@cache
def default_tree(name: str, nodes: int) -> Tree:
    model = problem(name, nodes)
    model.optimize()
    found = tree(model)
    model.free()
    return found


@pytest.mark.parametrize("name", [FIXED_CHARGE, pytest.param(SET_COVER, marks=pytest.mark.slow)])
def test_a_list_of_all_candidates_is_scips_default(solved, name) -> None:
    found, brancher = solved(name, 60, shortlist=10**6)
    assert found == default_tree(name, 60)
    statistics = brancher.statistics
    assert statistics.decisions == statistics.shortlist_decisions > 5
    assert statistics.network_decisions == statistics.decisions
    # Nobody's scores matter, so nobody is asked for them.
    assert statistics.seconds_scoring == 0


def test_one_candidate_is_branched_on_as_without_a_shortlist(solved) -> None:
    alone, _ = solved(FIXED_CHARGE, 60)
    found, brancher = solved(FIXED_CHARGE, 60, shortlist=1)
    assert found == alone
    assert brancher.statistics.shortlist_decisions > 10


def test_a_shortlist_saves_strong_branching_and_follows_the_network(solved) -> None:
    default = default_tree(FIXED_CHARGE, 60)
    short, brancher = solved(FIXED_CHARGE, 60, shortlist=2)
    other, _ = solved(FIXED_CHARGE, 60, shortlist=2, seed=1)
    assert 0 < short.strong_branching_iterations < default.strong_branching_iterations
    assert short != other
    assert brancher.statistics.seconds_scoring > 0


def test_below_its_depth_the_network_is_not_asked(solved) -> None:
    everywhere, _ = solved(FIXED_CHARGE, 60)
    found = {depth: solved(FIXED_CHARGE, 60, network_depth=depth) for depth in (0, 2, 10**6)}
    top, upper, all_nodes = (found[depth][1].statistics for depth in (0, 2, 10**6))
    assert top.decisions == top.network_decisions == 1
    assert 3 < upper.network_decisions <= 7  # a binary tree has 7 nodes down to depth 2
    assert all_nodes.network_decisions > 20
    assert found[10**6][0] == everywhere
    # What follows is reliability branching: it asks strong branching, the network never does.
    assert everywhere.strong_branching_iterations == 0
    assert found[0][0].strong_branching_iterations > 0


def test_depth_and_shortlist_go_together(solved) -> None:
    _, brancher = solved(FIXED_CHARGE, 60, network_depth=2, shortlist=4)
    statistics = brancher.statistics
    assert 0 < statistics.decisions == statistics.shortlist_decisions <= 7


def test_reliability_branching_knows_fractional_candidates_alone() -> None:
    with pytest.raises(UserError, match=r"shortlist is 4, but .* fractional candidates alone"):
        Card(candidates="unfixed", shortlist=4)


def steered(name: str, nodes: int, policy: Steering) -> tuple[Tree, Brancher]:
    model = problem(name, nodes)
    brancher = attach(model, policy)
    model.optimize()
    found = tree(model)
    model.free()
    return found, brancher


AUCTION = "combinatorial_auction_easy_valid_0.mps.gz"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "feature", "descending"),
    [
        (AUCTION, "noise", True),
        (AUCTION, "pseudocost_score", False),
        (FIXED_CHARGE, "noise", True),
        (FIXED_CHARGE, "pseudocost_score", False),
    ],
)
def test_adversarial_scores_cost_next_to_nothing(name, feature, descending) -> None:
    """Random and inverted: the whole solve is default's, or next to it where a list was played."""
    default = default_tree(name, 10**6)
    found, brancher = steered(name, 10**6, by_one_feature(feature, descending=descending))
    assert found.dual_bound == pytest.approx(default.dual_bound)
    played = brancher.statistics.shortlist_decisions
    assert found == default or played > 0
    assert played <= 0.02 * default.nodes


@pytest.mark.slow
def test_where_nothing_is_gained_only_the_choice_itself_counts() -> None:
    """No bound rises: SCIP chooses by what else it has learned, and any list looks as good."""
    found = []
    for policy in (None, by_one_feature("noise")):
        draw, model = np.random.default_rng(0), Model()
        model.hideOutput()
        model.setParam("limits/nodes", 2000)
        x = [model.addVar(f"x{i}", "B") for i in range(30)]
        for _ in range(3):
            row = draw.integers(0, 100, 30)
            left, right = model.addVar(obj=1.0), model.addVar(obj=1.0)
            model.addCons(quicksum(map(mul, row.tolist(), x)) + left - right == int(row.sum()) // 2)
        brancher = None if policy is None else attach(model, policy)
        model.optimize()
        assert model.getDualbound() < 1e-6
        found.append(tree(model))
        model.free()
    assert brancher is not None
    assert brancher.statistics.looks > 10
    assert brancher.statistics.shortlist_decisions == 0
    assert found[0] == found[1]


def test_where_another_rule_branches_nothing_is_steered() -> None:
    found = []
    for policy in (None, by_one_feature("pseudocost_score")):
        model = problem(FIXED_CHARGE, 40)
        model.setParam("branching/pscost/priority", 20_000)
        brancher = None if policy is None else attach(model, policy)
        told = pytest.warns(RuntimeWarning, match="declines to steer") if policy else nullcontext()
        with told:
            model.optimize()
        found.append(tree(model))
        model.free()
    assert brancher is not None
    assert brancher.statistics.looks == 0
    assert not brancher.statistics.declined
    assert found[0] == found[1]


def test_a_model_of_candidates_has_no_timings() -> None:
    with pytest.raises(UserError, match="no network whose decisions could be timed"):
        attach(problem(FIXED_CHARGE, 1), by_one_feature("noise"), trace=True)


@pytest.mark.slow
def test_a_monitored_list_is_looked_at_and_played() -> None:
    found, brancher = steered(AUCTION, 100, by_one_feature("pseudocost_score"))
    statistics = brancher.statistics
    assert statistics.looks >= 4
    assert statistics.shortlist_decisions > 10
    assert statistics.decisions == statistics.looks + statistics.shortlist_decisions
    again, _ = steered(AUCTION, 100, by_one_feature("pseudocost_score"))
    assert again == found  # no clock has a say


def test_without_a_monitor_the_list_is_used_everywhere() -> None:
    default = default_tree(FIXED_CHARGE, 60)
    policy = by_one_feature("pseudocost_score", shortlists=(2,), monitor=False)
    found, brancher = steered(FIXED_CHARGE, 60, policy)
    statistics = brancher.statistics
    assert statistics.looks == 0 < statistics.shortlist_decisions
    assert found.strong_branching_iterations < default.strong_branching_iterations


def test_a_model_is_solved_again_as_by_default() -> None:
    found = []
    for policy in (None, by_one_feature("noise", shortlists=(2,))):
        model = problem(FIXED_CHARGE, 60)
        brancher = None if policy is None else attach(model, policy)
        model.optimize()
        model.freeTransform()
        model.optimize()
        found.append(tree(model))
        model.free()
    assert brancher is not None
    assert brancher.statistics.looks > 0
    assert found[0] == found[1]


def test_what_steering_reads_of_candidates() -> None:
    seen = []

    def first(observation: Observation, candidates: NDArray[np.int32]) -> int:
        features = _core.observe_steering(capsule(model), candidates)
        assert features.shape == (len(candidates), len(FEATURES))
        known = observe_candidates(model, candidates)
        np.testing.assert_array_equal(features[:, : known.shape[1]], known)
        variables = observation.variable_features[candidates]
        fraction = variables[:, VariableFeature.SOLUTION_FRAC]
        size = np.abs(variables[:, VariableFeature.OBJECTIVE])
        column = dict(zip(FEATURES, features.T, strict=True))
        np.testing.assert_allclose(
            column["fractionality"], 2 * np.minimum(fraction, 1 - fraction), atol=1e-6
        )
        np.testing.assert_allclose(column["objective_size"], size / size.max(), rtol=1e-5)
        seen.append(len(candidates))
        return 0

    model = problem(FIXED_CHARGE, 8)
    attach_callable(model, first)
    model.optimize()
    model.free()
    assert max(seen) > 3


class _Restart(Eventhdlr):
    """Restarts the solve once, at a node."""

    done = False

    def eventinit(self) -> None:
        self.model.catchEvent(SCIP_EVENTTYPE.NODEBRANCHED, self)

    def eventexec(self, event: object) -> None:
        if not self.done and self.model.getNNodes() >= 85:
            self.done = True
            self.model.restartSolve()


@pytest.mark.slow
def test_a_monitor_that_has_closed_stays_closed_after_a_restart() -> None:
    looks = []
    for restarted in (False, True):
        model = problem("item_placement_9900.mps.gz", 150)
        model.setParam("presolving/maxrestarts", -1)
        model.setParam("limits/totalnodes", 150)
        if restarted:
            model.includeEventhdlr(_Restart(), "restart", "restarts the solve")
        brancher = attach(model, by_one_feature("noise"))
        model.optimize()
        assert model.getNRuns() == 1 + restarted
        looks.append(brancher.statistics.looks)
        model.free()
    # No list has paid, and from then on nothing is looked at any more.
    assert looks[0] == looks[1] > 60


def test_only_a_rule_that_steers_has_a_model() -> None:
    model = problem(FIXED_CHARGE, 1)
    steering = by_one_feature("noise").native()
    with pytest.raises(ValueError, match="no other rule does"):
        _core.Brancher.include(
            capsule(model), None, {}, acting="expert", priority=1, steering=steering
        )
