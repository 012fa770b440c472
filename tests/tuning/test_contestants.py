"""Policies that race: written as they are delivered, combined, and the simpler of equals."""

import pytest

from kida.errors import UserError
from kida.network.policy import Policy
from kida.network.steering import Steering, by_one_feature, load_policy
from kida.solver.branching import PRIORITY
from kida.tuning.contestants import (
    WAYS,
    extensions,
    of_levers,
    of_network,
    of_steering,
    simplest,
)
from kida.tuning.standings import standing


def test_levers_are_a_policy_without_a_network(tmp_path):
    found = of_levers(tmp_path, ["orbital", "depth-first"])
    assert (found.name, found.levers) == ("orbital + depth-first", ("orbital", "depth-first"))
    card = Policy.load(found.policy).card
    assert card.architecture is None
    assert card.parameters["misc/usesymmetry"] == 2
    assert of_levers(tmp_path, ["orbital", "depth-first"]) == found


def test_a_network_races_in_every_way_under_the_levers(make_policy, tmp_path):
    policy = make_policy()
    for way, meaning in WAYS.items():
        found = of_network(tmp_path, policy, ["orbital"], way)
        loaded = Policy.load(found.policy)
        assert loaded.card.parameters["misc/usesymmetry"] == 2
        for name, value in meaning.card.items():
            assert getattr(loaded.card, name) == value
        assert loaded.weights.keys() == policy.weights.keys()


def test_levers_of_scips_branching_go_where_scip_branches(make_policy, tmp_path):
    levers = ["pseudocosts", "orbital"]
    everywhere = of_network(tmp_path, make_policy(), levers, "network")
    assert everywhere.levers == ("orbital",)
    top = of_network(tmp_path, make_policy(), levers, "network-top")
    assert top.levers == ("pseudocosts", "orbital")
    # SCIP asks the rule of highest priority first: that must be the network's.
    card = Policy.load(top.policy).card
    assert card.parameters["branching/pscost/priority"] < PRIORITY


def test_a_steering_model_races_under_the_levers(tmp_path):
    model = by_one_feature("pseudocost_score")
    found = of_steering(tmp_path, model, ["pseudocosts", "orbital"])
    assert (found.name, found.levers) == ("steered + orbital", ("orbital",))
    loaded = load_policy(found.policy)
    assert isinstance(loaded, Steering)
    assert loaded.card.parameters["misc/usesymmetry"] == 2
    assert of_steering(tmp_path, model, ["orbital"]) == found
    with pytest.raises(UserError, match="holds another policy"):
        of_steering(tmp_path, by_one_feature("noise"), ["orbital"])


def test_another_policy_of_the_same_name_is_refused(make_policy, tmp_path):
    of_network(tmp_path, make_policy(seed=0), [], "network")
    with pytest.raises(UserError, match="holds another policy"):
        of_network(tmp_path, make_policy(seed=1), [], "network")


def test_a_lever_more_takes_the_place_of_one_of_its_kind():
    base = ("depth-first", "no-cuts")
    assert extensions(base, ["no-cuts", "orbital", "root-cuts", "depth-first", "best-bound"]) == [
        ("depth-first", "no-cuts", "orbital"),
        ("depth-first", "root-cuts"),
        ("no-cuts", "best-bound"),
    ]


def test_of_equals_the_simpler_is_kept(make_policy, tmp_path):
    levers = standing(of_levers(tmp_path, ["orbital"]), [-0.5] * 4)
    both = standing(of_levers(tmp_path, ["orbital", "no-cuts"]), [-0.51] * 4)
    network = standing(of_network(tmp_path, make_policy(), ["orbital"], "network"), [-0.515] * 4)
    assert simplest([network, both, levers]) == levers
    faster = standing(of_network(tmp_path, make_policy(), [], "network"), [-0.8] * 4)
    assert simplest([levers, faster]) == faster
    assert simplest([]) is None
