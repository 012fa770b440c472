"""Who races when something was learned, most promising first. Races are in test_race.py."""

from types import SimpleNamespace

import pytest

from kida.network.steering import by_one_feature, load_policy
from kida.tuning import policy_race
from kida.tuning.clock import Clock
from kida.tuning.contestants import STEERED, WAYS
from kida.tuning.learning import Learned
from kida.tuning.lever_race import LeverRace
from kida.tuning.memory import remember
from kida.tuning.policy_race import (
    PolicyRace,
    best_unlearned,
    contestants,
    kept_race,
    race_policies,
)
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
        "inference + no-cuts",
        # Where the network branches alone, SCIP's own rules have no say.
        "network + no-cuts",
        "network-top + inference + no-cuts",
        "network-shortlist + inference + no-cuts",
        "network-strong + no-cuts",
        f"{STEERED} + no-cuts",
        "network",
        "network of generation 1 of 2 + no-cuts",
        "network averaged over 2 generations + no-cuts",
        "no-cuts",
        "orbital",
        "former",
    ]
    assert len(WAYS) == 4
    assert found[-1].levers == ("orbital",)


def test_what_is_remembered_races_with_the_best_levers_and_the_last_network(make_policy, tmp_path):
    remember(tmp_path, start={"x": 1.0}, pseudocosts={"x": (1.0, 2.0)})
    raced = LeverRace(alone=(), levers=("inference", "no-heuristics"))
    found = contestants(tmp_path, raced, Learned((make_policy(0),)), None)[2:6]
    assert [entry.name for entry in found] == [
        "no-heuristics + remembered-pseudocosts",
        "inference + no-heuristics + common-start",
        "no-heuristics + remembered-pseudocosts + common-start",
        "network + no-heuristics + common-start",
    ]
    for entry in found:
        card = load_policy(entry.policy).card
        assert card.start == ({"x": 1.0} if "start" in entry.name else {})
        assert card.pseudocosts == ({"x": (1.0, 2.0)} if "pseudo" in entry.name else {})
        # The heuristic that completes starting values runs all the same.
        frequency = card.parameters["heuristics/completesol/freq"]
        assert frequency == (0 if "start" in entry.name else -1)


def test_the_best_without_a_network_is_compared_with(make_policy, tmp_path):
    raced = LeverRace(alone=(), levers=("pseudocosts",))
    found = contestants(tmp_path, raced, Learned((make_policy(0),)), None)
    levers, network = found[:2]
    standings = [standing(network, [-0.5] * 4), standing(levers, [-0.4] * 4)]
    assert best_unlearned(PolicyRace(standings=tuple(standings))) == levers
    worse = [standings[0], standing(levers, [0.1] * 4)]
    assert best_unlearned(PolicyRace(standings=tuple(worse))) is None
    assert best_unlearned(PolicyRace(standings=(standings[0],))) is None


def test_without_levers_or_networks_only_hopeful_levers_race(tmp_path):
    raced = LeverRace(alone=(alone("orbital", -0.1), alone("best-bound", 0.1)))
    found = contestants(tmp_path, raced, Learned(), None)
    assert [entry.name for entry in found] == ["orbital"]


@pytest.mark.parametrize(
    ("logs", "goes_on"),
    # Better for sure; perhaps; worse; and of a single draw, which says nothing.
    [([-0.3] * 4, True), ([-0.5, 0.4, -0.3, 0.3], True), ([0.1] * 4, False), ([-0.01], False)],
)
def test_the_verdict_has_its_time_for_whoever_may_be_better(
    logs, goes_on, survey_of, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        policy_race, "race", lambda entered, *given, **options: [standing(entered[0], logs)]
    )
    monkeypatch.setattr(policy_race, "race_again", lambda standings, *given: standings)
    arena = SimpleNamespace(
        workers=SimpleNamespace(count=2), protocol=SimpleNamespace(seconds=10.0)
    )
    entered = contestants(tmp_path, LeverRace(alone=(), levers=("no-cuts",)), Learned(), None)
    survey, clock = survey_of(5.0, 1.0), Clock(tmp_path, 600.0)
    found = race_policies(entered, survey, [], arena, clock, tmp_path)
    assert (found.winner is not None) == goes_on


@pytest.mark.parametrize(
    ("logs", "left", "winner"),
    [
        ([-0.3, -0.2], 50.0, "network + root-cuts"),
        # No better than the levers, which have won a race; and time enough for both, or for none.
        ([0.1, -0.1], 50.0, "root-cuts"),
        ([-0.3, -0.2], 80.0, None),
        ([-0.3, -0.2], 25.0, None),
    ],
)
def test_with_time_for_one_the_network_races_against_the_levers(
    logs, left, winner, survey_of, make_policy, tmp_path, monkeypatch
):
    raced = {}

    def race(entered, *given, against="default", **options):
        raced[against] = [entry.name for entry in entered]
        return [standing(entry, logs if against != "default" else []) for entry in entered]

    monkeypatch.setattr(policy_race, "race", race)
    monkeypatch.setattr(policy_race, "race_again", lambda standings, *given: standings)
    arena = SimpleNamespace(
        workers=SimpleNamespace(count=2), protocol=SimpleNamespace(seconds=10.0)
    )
    learned = Learned((make_policy(0), make_policy(1)))
    entered = contestants(tmp_path, LeverRace(alone=(), levers=("root-cuts",)), learned, None)
    survey, clock = survey_of(10.0, 1.0), Clock(tmp_path, 100.0)
    monkeypatch.setattr(Clock, "left_for", lambda self, step: left)
    found = race_policies(entered, survey, [], arena, clock, tmp_path)
    if winner is None:
        assert raced.keys() == {"default"}
        return
    assert raced == {entered[0].policy: ["network + root-cuts"]}
    assert (found.winner.name, found.against) == (winner, "root-cuts")
    assert {entry.ended for entry in found.standings[1:]} == {"no time"}
    assert kept_race(tmp_path) == found
