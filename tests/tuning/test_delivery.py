"""What is delivered follows from what is proven, and the sentence says so."""

import pytest
from msgspec.structs import replace

from kida.evaluation.verdict import Verdict
from kida.network.card import Card
from kida.network.policy import Policy
from kida.tuning.clock import Clock
from kida.tuning.config import TuneConfig
from kida.tuning.delivery import deliver, nothing_to_win, policy_of
from kida.tuning.lever_race import LeverRace
from kida.tuning.policy_race import FORMER, PolicyRace
from kida.tuning.proving import Proof
from kida.tuning.standings import Contestant, standing
from kida.tuning.survey import Survey

CONFIG = TuneConfig(problems="mine")
WINNER = standing(Contestant("network + orbital", "p", ("orbital",)), [-0.5] * 4)
RACED = PolicyRace(standings=(WINNER,), winner=WINNER)
NO_LEVERS = LeverRace(alone=())


def verdict(ratio: float, high: float) -> Verdict:
    return Verdict(
        goal="time",
        ratio=ratio,
        interval=(ratio * 0.9, high),
        confidence=0.95,
        instances=10,
        seeds=1,
        proven=high < 1,
        levers=("orbital",),
        policy="policy",
        seconds_used=60.0,
        seconds=4 * ratio,
        default_seconds=4.0,
        wins=9,
        losses=1,
        failed=0,
        settings="default",
        time_limit=12.0,
    )


@pytest.fixture
def survey(survey_of) -> Survey:
    return survey_of(4.0, 1.0)


@pytest.fixture
def delivered(tmp_path, survey):
    """Return what delivers a proof."""

    def make(proof: Proof | None, raced: PolicyRace = RACED, **options):
        clock = Clock(tmp_path, 600.0)
        return deliver(survey, NO_LEVERS, raced, proof, CONFIG, clock, **options)

    return make


def test_what_is_proven_is_used_and_credited(delivered):
    found = delivered(
        Proof(verdict=verdict(0.6, 0.7), levers_alone=verdict(0.98, 1.1), learned=True)
    )
    assert (found.levers, found.network, found.verdict.proven) == (("orbital",), True, True)
    assert found.sentence.startswith("1.67 times faster than SCIP's default [1.43, 1.85] on 10")
    assert found.sentence.endswith(
        "Most of it is by the learned branching; orbital alone: 1.02 times faster."
    )
    found = delivered(
        Proof(verdict=verdict(0.6, 0.7), levers_alone=verdict(0.65, 0.8), learned=True)
    )
    assert found.sentence.endswith("Most of it is by orbital, alone 1.54 times faster.")


def test_what_is_not_proven_is_not_used(delivered):
    found = delivered(
        Proof(verdict=verdict(0.9, 1.1), levers_alone=verdict(0.95, 1.2), learned=True)
    )
    assert (found.levers, found.network) == ((), False)
    assert (found.verdict.levers, found.verdict.policy) == ((), None)
    assert found.verdict.ratio == 0.9
    assert found.sentence.startswith("Not proven, and so not used: network + orbital was")
    assert "The policy is SCIP's default." in found.sentence
    assert "--budget 20m" in found.advice[0]


def test_levers_may_be_proven_where_the_whole_is_not(delivered):
    found = delivered(
        Proof(verdict=verdict(0.9, 1.1), levers_alone=verdict(0.7, 0.9), learned=True)
    )
    assert (found.levers, found.network) == (("orbital",), False)
    assert found.verdict.policy == "policy"
    assert found.sentence.startswith("orbital alone: 1.43 times faster")
    assert "is not used" in found.sentence


def test_few_files_are_named_in_the_sentence(delivered):
    proof = Proof(verdict=verdict(0.6, 0.7))
    assert "Note: few files." in delivered(proof, caution="few files").sentence


def test_nothing_found_is_scips_default_as_good_as_itself(delivered):
    found = delivered(None, PolicyRace(standings=()))
    assert (found.verdict.ratio, found.verdict.interval) == (1.0, (1.0, 1.0))
    assert not found.verdict.proven
    assert "The policy is SCIP's default." in found.sentence


def test_what_the_round_before_has_proven_stays(delivered, survey, make_policy, tmp_path):
    former = make_policy(recipe={"levers": ["orbital"]})
    unsure = Proof(verdict=verdict(0.9, 1.1))
    for proof, raced in ((unsure, RACED), (None, PolicyRace(standings=()))):
        found = delivered(proof, raced, former=former)
        assert (found.former, found.levers, found.network) == (True, ("orbital",), True)
        assert (found.verdict.policy, found.verdict.former) == ("policy", True)
        assert not found.verdict.proven
        assert "The policy stays that of the round before." in found.sentence
        assert policy_of(found, raced, former) is former
    worse = standing(Contestant(FORMER, "f", ()), [0.5, 0.51, 0.49, 0.5])
    found = delivered(unsure, PolicyRace(standings=(WINNER, worse), winner=WINNER), former=former)
    assert (found.former, found.network, found.verdict.policy) == (False, False, None)
    ended = replace(survey, ended="SCIP solves all of it at the root")
    found = nothing_to_win(ended, CONFIG, Clock(tmp_path, 600.0), former)
    assert (found.former, found.network) == (True, True)


def test_the_policy_that_was_judged_is_delivered(delivered, make_policy, tmp_path):
    network, levers = make_policy(), Policy({}, Card(None, recipe={"levers": ["orbital"]}))
    entries = []
    for name, policy, logs in (("network", network, [-0.5] * 4), ("orbital", levers, [-0.3] * 4)):
        policy.save(tmp_path / name)
        entries.append(standing(Contestant(name, str(tmp_path / name), ("orbital",)), logs))
    raced = PolicyRace(standings=tuple(entries), winner=entries[0])
    whole = Proof(verdict=verdict(0.6, 0.7), levers_alone=verdict(0.7, 0.9), learned=True)
    second = Proof(verdict=verdict(0.9, 1.1), levers_alone=verdict(0.7, 0.9), learned=True)
    for proof, judged in ((whole, network), (second, levers)):
        found = policy_of(delivered(proof, raced), raced)
        assert found.has_network == judged.has_network
        assert found.card.recipe == judged.card.recipe
        assert found.card.results


def test_a_survey_that_ends_it_is_told(survey, tmp_path):
    ended = replace(survey, ended="SCIP solves all of it at the root")
    found = nothing_to_win(ended, CONFIG, Clock(tmp_path, 600.0))
    assert found.sentence == (
        "Nothing to tune: SCIP solves all of it at the root. The policy is SCIP's default."
    )
