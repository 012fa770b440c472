"""What a network leaves to SCIP's own rules: deep nodes, and the choice in its shortlist."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pyscipopt import SCIP_PARAMSETTING, Model

from kida.errors import UserError
from kida.network.card import Card
from kida.solver.branching import Brancher, attach

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
