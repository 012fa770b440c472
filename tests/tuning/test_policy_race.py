"""Who races when something was learned, most promising first. Races are in test_race.py."""

from kida.network.steering import by_one_feature
from kida.tuning.contestants import STEERED, WAYS
from kida.tuning.learning import Learned
from kida.tuning.lever_race import LeverRace
from kida.tuning.policy_race import contestants
from kida.tuning.standings import Contestant, standing


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


def test_without_levers_or_networks_only_hopeful_levers_race(tmp_path):
    raced = LeverRace(alone=(alone("orbital", -0.1), alone("best-bound", 0.1)))
    found = contestants(tmp_path, raced, Learned(), None)
    assert [entry.name for entry in found] == ["orbital"]
