"""Who races when something was learned, most promising first. Races are in test_race.py."""

from kida.network.steering import by_one_feature, load_policy
from kida.tuning.contestants import STEERED, WAYS
from kida.tuning.learning import Learned
from kida.tuning.lever_race import LeverRace
from kida.tuning.policy_race import contestants
from kida.tuning.standings import Contestant, standing
from kida.tuning.start import keep_start


def alone(name, ratio_log):
    return standing(Contestant(name, "default", (name,)), [ratio_log] * 4)


def test_networks_race_in_every_way_and_levers_beside_them(make_policy, tmp_path):
    raced = LeverRace(
        alone=(alone("no-cuts", -0.3), alone("orbital", -0.1), alone("best-bound", 0.1)),
        levers=("inference", "no-cuts"),
    )
    networks = (make_policy(0), make_policy(1))
    learned = Learned(networks, by_one_feature("pseudocost_score"))
    former = make_policy(2, recipe={"levers": ["orbital", 7, "none such"]})
    found = contestants(tmp_path, raced, learned, former)
    names = [entry.name for entry in found]
    assert names == [
        # Where the network branches alone, SCIP's own rules have no say.
        "network + no-cuts",
        "inference + no-cuts",
        "network-top + inference + no-cuts",
        "network-shortlist + inference + no-cuts",
        "network-strong + no-cuts",
        f"{STEERED} + no-cuts",
        "network",
        "network of generation 1 of 2 + no-cuts",
        "no-cuts",
        "orbital",
        "former",
    ]
    assert len(WAYS) == 4
    assert found[-1].levers == ("orbital",)


def test_starting_values_race_with_the_best_levers_and_the_last_network(make_policy, tmp_path):
    keep_start(tmp_path, {"x": 1.0})
    raced = LeverRace(alone=(), levers=("no-heuristics",))
    levers, network = contestants(tmp_path, raced, Learned((make_policy(0),)), None)[2:4]
    assert (levers.name, network.name) == (
        "no-heuristics + common-start",
        "network + no-heuristics + common-start",
    )
    for entry in (levers, network):
        card = load_policy(entry.policy).card
        assert card.start == {"x": 1.0}
        # The heuristic that completes them runs all the same.
        assert card.parameters["heuristics/completesol/freq"] == 0
        assert card.parameters["heuristics/rens/freq"] == -1


def test_without_levers_or_networks_only_hopeful_levers_race(tmp_path):
    raced = LeverRace(alone=(alone("orbital", -0.1), alone("best-bound", 0.1)))
    found = contestants(tmp_path, raced, Learned(), None)
    assert [entry.name for entry in found] == ["orbital"]
