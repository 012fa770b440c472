"""The verdict of a tuning: the winner against SCIP's default on files that nothing has seen.

Where the winner has a network, the best levers alone are solved with too: that says which of the
two it is that helps, and if the whole is not proven better, the levers may be.
"""

import math
import statistics
from collections.abc import Sequence

from msgspec import Struct

from kida.boundary import Probability
from kida.evaluation.outcome import Text
from kida.evaluation.records import Finished, Record
from kida.evaluation.verdict import Verdict, brief, judged
from kida.learning.plan import Draw
from kida.tuning.clock import Clock
from kida.tuning.contestants import PLUS
from kida.tuning.measuring import Arena
from kida.tuning.standings import Contestant
from kida.tuning.survey import Survey

#: Pairs with which there is time to tell what a gain comes from.
TELLING = 8
#: Seeds of a file at most, and draws of few files.
MOST_SEEDS, MOST_DRAWS = 5, 24
#: The level of a second look, at the levers alone: two chances to be wrong share 5 % (Bonferroni).
SECOND_CONFIDENCE = 0.975
# Seconds of the budget that are kept for what comes after.
_AFTER = 3.0


class Proof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the verdict's solves say.

    Attributes
    ----------
    verdict
        On the winner.
    levers_alone
        On the best levers alone, where the winner has a network; at a higher level.
    disturbed
        Share of the solves that other work on the machine may have falsified.
    learned
        Whether the winner branches as it has learned.
    """

    verdict: Verdict
    levers_alone: Verdict | None = None
    disturbed: Probability = 0.0
    learned: bool = False

    @property
    def origin(self) -> Text:
        """What most of the gain comes from, for people."""
        whole, levers = self.verdict, self.levers_alone
        if levers is None:
            names = PLUS.join(whole.levers)
            if self.learned and names:
                return f"{names} and the learned branching together (nobody told them apart)"
            return "the learned branching" if self.learned else names
        if whole.ratio >= 1:
            return "nothing"
        share = math.log(max(levers.ratio, 1e-9)) / math.log(max(whole.ratio, 1e-9))
        names, worth = PLUS.join(levers.levers), brief(levers)
        if share >= 0.5:
            return f"{names}, alone {worth}"
        return f"the learned branching; {names} alone: {worth}"


def draws_of_verdict(files: int, affordable: int) -> int:
    """Return how many draws to make of so many files."""
    most = MOST_SEEDS * files if files >= MOST_SEEDS else MOST_DRAWS
    return max(1, min(most, affordable))


def draws_at_once(cores: int, arms: int) -> int:
    """Return how many draws of so many policies keep all cores at work."""
    return max(round(2 * cores / arms), cores // math.gcd(cores, arms))


def prove(
    winner: Contestant,
    has_network: bool,
    levers_alone: Contestant | None,
    draws: Sequence[Draw],
    arena: Arena,
    survey: Survey,
    clock: Clock,
) -> Proof:
    """Solve the verdict's draws while there is time, and say what came of it.

    Parameters
    ----------
    winner, has_network
        What is to be proven, and whether it has a network.
    levers_alone
        The best levers alone, if the winner has a network.
    draws
        In this order; how many are solved depends on the time that there is and they take.
    arena, survey
        Where, and what is measured; what a solve is expected to cost.
    clock
        Says when it has to end.
    """
    names = ["default", winner.policy]
    if levers_alone is not None:
        names.append(levers_alone.policy)
    records: dict[str, list[Record]] = {name: [] for name in names}
    cores, goal, cost = arena.workers.count, survey.goal, survey.seconds_per_solve
    size = draws_at_once(cores, len(names))
    solved: list[float] = []

    def enough_for(solves: int) -> bool:
        """Return whether there is time for so many more solves."""
        return bool(
            clock.decide(
                "verdict",
                f"{solves} solves after {len(records['default'])}",
                lambda: clock.left_for("verdict") - _AFTER >= cost * math.ceil(solves / cores),
            )
        )

    while len(records["default"]) < len(draws):
        start = len(records["default"])
        batch = draws[start : start + size]
        if start and not enough_for(len(batch) * len(names)):
            batch = batch[:1]
            if size == 1 or not enough_for(len(names)):
                break
        for name, found in arena.measure(names, batch).items():
            records[name] += found
            solved += [run.result.wall_time for run in found if isinstance(run, Finished)]
        if solved:
            found_cost = statistics.mean(solved) + survey.seconds_aside
            cost = max(survey.seconds_per_solve / 2, found_cost)
    whole = judged(
        goal,
        records[winner.policy],
        records["default"],
        policy="policy",
        levers=winner.levers,
        seconds_used=clock.used,
    )
    second = None
    if levers_alone is not None:
        second = judged(
            goal,
            records[levers_alone.policy],
            records["default"],
            policy="policy",
            levers=levers_alone.levers,
            seconds_used=clock.used,
            confidence=SECOND_CONFIDENCE,
        )
    every = [record for found in records.values() for record in found]
    disturbed = sum(isinstance(record, Finished) and bool(record.disturbed) for record in every)
    return Proof(
        verdict=whole,
        levers_alone=second,
        disturbed=disturbed / len(every),
        learned=has_network,
    )
