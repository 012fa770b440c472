"""What a tuning delivers: what is proven, and a sentence that says so, or why there is nothing."""

import math
from pathlib import Path

from msgspec import Struct

from kida.boundary import plain, replaced
from kida.evaluation.outcome import Text
from kida.evaluation.verdict import CONFIDENCE, Verdict, sentence
from kida.network.card import Card
from kida.network.policy import Policy
from kida.network.steering import AnyPolicy, Steering, load_policy
from kida.tuning.clock import Clock
from kida.tuning.config import TuneConfig
from kida.tuning.contestants import PLUS, STEERED, of_levers
from kida.tuning.lever_race import LeverRace
from kida.tuning.levers import check_names
from kida.tuning.planning import LEAST_TREE
from kida.tuning.policy_race import PolicyRace
from kida.tuning.proving import Proof
from kida.tuning.survey import Survey

# Seconds left over that are worth a word.
_WORTH_SAYING = 60.0
# A share of disturbed solves that is worth a word.
_DISTURBED = 0.2


class Delivery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is delivered.

    Attributes
    ----------
    verdict
        What was measured; of SCIP's default itself, where there was nothing to measure.
    sentence
        The verdict in words, the first thing to read.
    levers, network
        What is in the policy: names of levers, and whether a network branches. Neither: it is
        SCIP's default.
    advice
        What to run next, a sentence each.

    Raises
    ------
    UserError
        If there is no lever of a name.
    """

    verdict: Verdict
    sentence: Text
    levers: tuple[Text, ...] = ()
    network: bool = False
    advice: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        check_names(self.levers)


def nothing_to_win(survey: Survey, config: TuneConfig, clock: Clock) -> Delivery:
    """Return the delivery of a tuning that ended with its survey."""
    return Delivery(
        verdict=_default_itself(survey, config, clock),
        sentence=f"Nothing to tune: {survey.ended}. The policy is SCIP's default.",
    )


def deliver(
    survey: Survey,
    levers: LeverRace,
    raced: PolicyRace,
    proof: Proof | None,
    config: TuneConfig,
    caution: str,
    clock: Clock,
) -> Delivery:
    """Return what follows from the races and the proof.

    Parameters
    ----------
    survey, levers, raced
        What the steps found.
    proof
        None if nobody was worth a verdict.
    config
        The tuning's.
    caution
        What few files mean, as a sentence; empty if there are enough.
    clock
        Says how much time was used.
    """
    if proof is None:
        return Delivery(
            verdict=_default_itself(survey, config, clock),
            sentence=(
                "Nothing found that is better than SCIP's default: no lever and no learned policy "
                "won its race. The policy is SCIP's default."
            ),
            advice=_advice(survey, levers, raced, None, config, clock),
        )
    whole, second = proof.verdict, proof.levers_alone
    advice = _advice(survey, levers, raced, whole, config, clock)
    if proof.disturbed > _DISTURBED:
        advice += (
            f"The machine did other work during {100 * proof.disturbed:.0f} % of the verdict's "
            "solves. Pairs take turns, so that this widens the interval: a quiet machine gives a "
            "narrower one.",
        )
    note = f" Note: {caution}." if caution else ""
    if whole.proven:
        most = "Most of it is" if second is not None else "It is"
        return Delivery(
            verdict=whole,
            sentence=f"{_capital(sentence(whole))}. {most} by {proof.origin}.{note}",
            levers=whole.levers,
            network=proof.learned,
            advice=advice,
        )
    if second is not None and second.proven:
        return Delivery(
            verdict=second,
            sentence=(
                f"{PLUS.join(second.levers)} alone: {sentence(second)}. The learned policy on top "
                f"was not proven better than SCIP's default ({sentence(whole)}) and is not used."
                f"{note}"
            ),
            levers=second.levers,
            advice=advice,
        )
    return Delivery(
        verdict=_of_default(whole),
        sentence=(
            f"Not proven, and so not used: {raced.winner.name if raced.winner else 'the winner'} "
            f"was {sentence(whole)}. The policy is SCIP's default.{note}"
        ),
        advice=advice,
    )


def policy_of(found: Delivery, raced: PolicyRace, contestants: Path) -> AnyPolicy:
    """Return the policy that is delivered, with what was measured on its card.

    Parameters
    ----------
    found
        What is delivered.
    raced
        Who has won; of a delivery with anything in it, somebody has.
    contestants
        Where the policies that raced are.
    """
    if not found.levers and not found.network:
        return Policy({}, Card(None))
    assert raced.winner is not None
    won = raced.winner.policy if found.network else of_levers(contestants, found.levers).policy
    policy = load_policy(won)
    results = ({"verdict": plain(found.verdict), "sentence": found.sentence},)
    if isinstance(policy, Steering):
        return Steering(policy.weights, replaced(policy.card, results=results))
    return Policy(policy.weights, replaced(policy.card, results=results))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _of_default(verdict: Verdict) -> Verdict:
    """Return the verdict on what is not used: measured so, and SCIP's default is delivered."""
    return replaced(verdict, levers=(), policy=None)


def _default_itself(survey: Survey, config: TuneConfig, clock: Clock) -> Verdict:
    """Return the verdict on SCIP's default, which is as good as itself, exactly."""
    return Verdict(
        goal=survey.goal,
        ratio=1.0,
        interval=(1.0, 1.0),
        confidence=CONFIDENCE,
        instances=len(survey.files),
        seeds=1,
        proven=False,
        levers=(),
        policy=None,
        seconds_used=clock.used,
        seconds=survey.seconds,
        default_seconds=survey.seconds,
        wins=0,
        losses=0,
        failed=0,
        settings=config.settings,
        time_limit=survey.time_limit,
    )


def _advice(
    survey: Survey,
    levers: LeverRace,
    raced: PolicyRace,
    verdict: Verdict | None,
    config: TuneConfig,
    clock: Clock,
) -> tuple[str, ...]:
    """Return what to run next."""
    found = []
    if verdict is not None and verdict.proven:
        found.append("Use it: kida solve FILE --model RUN, or kida.attach(model, 'RUN') in Python.")
    if verdict is None and clock.left >= _WORTH_SAYING:
        found.append(
            f"It ended with {clock.left / 60:.0f} of {clock.budget / 60:.0f} minutes left: nothing "
            "raced that more of them could prove."
        )
    doubled = f"--budget {math.ceil(2 * clock.budget / 60)}m --out ANOTHER"
    if verdict is not None and not verdict.proven and verdict.ratio < 1:
        found.append(
            f"The interval may exclude 1 with more pairs of runs: kida tune {config.problems} "
            f"{doubled}, or more files in the folder."
        )
    if levers.untried:
        found.append(f"There was no time for the levers {', '.join(levers.untried)}: {doubled}.")
    learned = any(x in entry.name for entry in raced.standings for x in ("network", STEERED))
    if not learned and 1 - survey.shares.get("root", 0.0) > LEAST_TREE:
        found.append(f"Nothing was learned in this budget: {doubled}.")
    if 2 * survey.solved < len(survey.files) and survey.goal == "time":
        found.append("Most files were not solved: --goal gap compares what is found by the limit.")
    return tuple(found)
