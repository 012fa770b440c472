"""What a tuning delivers: what is proven, and a sentence that says so, or why there is nothing."""

import math

from msgspec import Struct

from kida.boundary import plain, replaced
from kida.evaluation.outcome import Text
from kida.evaluation.verdict import CONFIDENCE, Verdict, sentence
from kida.network.card import Card
from kida.network.policy import Policy
from kida.network.steering import AnyPolicy, Steering, load_policy
from kida.tuning.clock import Clock
from kida.tuning.config import TuneConfig
from kida.tuning.contestants import PLUS
from kida.tuning.lever_race import LeverRace
from kida.tuning.levers import check_names
from kida.tuning.planning import LEAST_TREE
from kida.tuning.policy_race import FORMER, PolicyRace, best_unlearned, levers_of
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
    former
        Whether the policy stays what the round before has delivered.
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
    former: bool = False
    advice: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        check_names(self.levers)


def nothing_to_win(
    survey: Survey, config: TuneConfig, clock: Clock, former: AnyPolicy | None = None
) -> Delivery:
    """Return the delivery of a tuning that ended with its survey: ``former`` stays, if any."""
    found = Delivery(
        verdict=_default_itself(survey, config, clock),
        sentence=f"Nothing to tune: {survey.ended}. {_policy_is(former)}.",
    )
    return _with_former(found, former)


def deliver(
    survey: Survey,
    levers: LeverRace,
    raced: PolicyRace,
    proof: Proof | None,
    config: TuneConfig,
    clock: Clock,
    *,
    caution: str = "",
    former: AnyPolicy | None = None,
    too_short: bool = False,
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
    clock
        Says how much time was used.
    caution
        What few files mean, as a sentence; empty if there are enough.
    former
        What the round before has delivered: it was proven then, and stays if nothing is proven
        now, unless it is proven to be worse.
    too_short
        Whether there was too little time to learn.
    """
    advice = _advice(survey, levers, proof, config, clock, too_short)
    note = f" Note: {caution}." if caution else ""
    if proof is not None and proof.verdict.proven:
        most = "Most of it is" if proof.levers_alone is not None else "It is"
        return Delivery(
            verdict=proof.verdict,
            sentence=f"{_capital(sentence(proof.verdict))}. {most} by {proof.origin}.{note}",
            levers=proof.verdict.levers,
            network=proof.learned,
            advice=advice,
        )
    second = None if proof is None else proof.levers_alone
    if proof is not None and second is not None and second.proven:
        return Delivery(
            verdict=second,
            sentence=(
                f"{PLUS.join(second.levers)} alone: {sentence(second)}. The learned policy on top "
                f"was not proven better than SCIP's default ({sentence(proof.verdict)}) and is "
                f"not used.{note}"
            ),
            levers=second.levers,
            advice=advice,
        )
    if _worse(raced, proof):
        former = None
    if proof is None:
        won = f"{PLUS.join(levers.levers)} won the levers' race, and " if levers.levers else ""
        found = Delivery(
            verdict=_default_itself(survey, config, clock),
            sentence=(
                f"Nothing found that is better than SCIP's default: {won}nothing won the race on "
                f"other files. {_policy_is(former)}."
            ),
            advice=advice,
        )
    else:
        name = raced.winner.name if raced.winner else "the winner"
        found = Delivery(
            verdict=_of_default(proof.verdict),
            sentence=(
                f"Not proven, and so not used: {name} was {sentence(proof.verdict)}. "
                f"{_policy_is(former)}.{note}"
            ),
            advice=advice,
        )
    return _with_former(found, former)


def _policy_is(former: AnyPolicy | None) -> str:
    what = "is SCIP's default" if former is None else "stays that of the round before"
    return f"The policy {what}"


def _with_former(found: Delivery, former: AnyPolicy | None) -> Delivery:
    """Return a delivery of nothing new, of what the round before has delivered if there is that."""
    if former is None:
        return found
    names = levers_of(former)
    return replaced(
        found,
        verdict=replaced(found.verdict, levers=names, policy="policy", former=True),
        levers=names,
        network=former.has_network,
        former=True,
    )


def _worse(raced: PolicyRace, proof: Proof | None) -> bool:
    """Return whether what the round before has delivered is proven to be worse than the default."""
    of_it = [entry.interval[0] for entry in raced.standings if entry.name == FORMER]
    if proof is not None and raced.winner is not None and raced.winner.name == FORMER:
        of_it.append(proof.verdict.interval[0])
    return any(low > 1 for low in of_it)


def policy_of(found: Delivery, raced: PolicyRace, former: AnyPolicy | None = None) -> AnyPolicy:
    """Return the policy that is delivered, with what was measured on its card.

    Parameters
    ----------
    found
        What is delivered.
    raced
        Who has won; of a delivery with anything new in it, somebody has.
    former
        What the round before has delivered.
    """
    if found.former:
        assert former is not None
        return former
    if not found.levers and not found.network:
        return Policy({}, Card(None))
    assert raced.winner is not None
    policy = load_policy(raced.winner.policy)
    if found.network != policy.has_network:
        # The winner was not proven, and the second look was at these.
        alone = best_unlearned(raced)
        assert alone is not None
        policy = load_policy(alone.policy)
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
    proof: Proof | None,
    config: TuneConfig,
    clock: Clock,
    too_short: bool,
) -> tuple[str, ...]:
    """Return what to run next."""
    found = []
    verdict = None if proof is None else proof.verdict
    if verdict is not None and verdict.proven:
        under = "" if config.settings == "default" else f" --settings {config.settings}"
        own = " --set-file YOURS.set" if config.user_parameters else ""
        found.append(
            f"Use it: kida solve FILE --model RUN{under}{own}, or kida.attach(model, 'RUN') in "
            "Python."
        )
    if verdict is None and clock.left >= _WORTH_SAYING:
        found.append(
            f"It ended with {clock.left / 60:.0f} of {clock.budget / 60:.0f} minutes left: nothing "
            "came near enough to being better to be worth a verdict."
        )
    doubled = f"--budget {math.ceil(2 * clock.budget / 60)}m --out ANOTHER"
    if verdict is not None and not verdict.proven and verdict.interval[1] > 1 > verdict.ratio:
        found.append(
            f"The interval may exclude 1 with more pairs of runs: kida tune {config.problems} "
            f"{doubled}, or more files in the folder."
        )
    if levers.untried:
        found.append(f"There was no time for the levers {', '.join(levers.untried)}: {doubled}.")
    if too_short and 1 - survey.shares.get("root", 0.0) > LEAST_TREE:
        found.append(f"Nothing was learned in this budget: {doubled}.")
    if 2 * survey.solved < len(survey.files) and survey.goal == "time":
        found.append("Most files were not solved: --goal gap compares what is found by the limit.")
    if proof is not None and proof.disturbed > _DISTURBED:
        found.append(
            f"The machine did other work during {100 * proof.disturbed:.0f} % of the verdict's "
            "solves. Pairs take turns, so that this widens the interval: a quiet machine gives a "
            "narrower one."
        )
    return tuple(found)
