"""Rewards of policies in the solver, on common instances and seeds.

Validation accuracy does not predict reward, so whatever is chosen is chosen by solving. The solves
are an evaluation like any other, in a folder of results: what is on disk is not done again.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import t as student_t

from kida.errors import UserError
from kida.evaluation.records import RUNS_FOLDER, Failed, Finished, Protocol, Record, read_record
from kida.evaluation.runner import evaluate
from kida.evaluation.trials import Trial
from kida.jobs.run import Workers
from kida.learning.events import Listener, Solve, Warned, log_event
from kida.learning.plan import Draw
from kida.network.policy import Policy, holds_policy
from kida.parameters import NO_PARAMETERS, ParameterValue
from kida.reward import cumulated_reward, starting_bound
from kida.sense import Sense

# How problems end that have no dual bound to compare.
_NO_BOUND = {"infeasible", "unbounded", "infeasible or unbounded"}
# Draws per round of a race, and the probability of dropping an equal in the whole race.
_ROUND = 4
_LEVEL = 0.05
# A bound that has risen by less, as a share of itself, has not.
_NO_RISE = 1e-9


def solve_all(
    policies: Sequence[Policy],
    draws: Sequence[Draw],
    protocol: Protocol,
    folder: Path,
    workers: Workers,
    done: Callable[[int, int], None] = lambda done, total: None,
    *,
    retry_failed: bool = True,
) -> list[list[Record]]:
    """Solve every draw with every policy; return the records, draw by draw, as ``policies``.

    Policies take turns on every draw: what disturbs the machine disturbs them alike.

    Parameters
    ----------
    policies, draws
        What to solve with, and what.
    protocol
        Under what.
    folder
        Where policies and, as a folder of results, the solves are kept.
    workers
        Where the solves are done.
    done
        Told after every solve how many are done, of how many.
    retry_failed
        Whether solves that have failed before are done again.
    """
    homes = [(folder / "policies" / policy.identity()[:16]).absolute() for policy in policies]
    for home, policy in zip(homes, policies, strict=True):
        if not holds_policy(home):
            policy.save(home)
    trials = [Trial(draw.instance, draw.seed, str(home)) for draw in draws for home in homes]
    count = ended = 0

    def begin(missing: int) -> None:
        nonlocal count
        count = missing

    def show(record: Record) -> None:
        nonlocal ended
        ended += 1
        done(ended, count)

    results = folder / "results"
    evaluate(
        trials,
        protocol,
        results,
        workers,
        retry_failed=retry_failed,
        on_begin=begin,
        on_record=show,
    )
    records = [read_record(results / RUNS_FOLDER / trial.file_name) for trial in trials]
    size = len(policies)
    return [records[start : start + size] for start in range(0, len(records), size)]


def mean_reward(record: Finished) -> float:
    """Return a run's mean dual bound over its time limit, mirrored to minimisation as rewards are.

    Infinite if it had no bound.
    """
    trajectory = record.result.trajectory.bounds()
    return cumulated_reward(trajectory, record.scoring_rule) / record.job.time_limit


def _bound_at_root(record: Finished) -> float:
    """Return the dual bound at the end of the root node, mirrored as :func:`mean_reward`'s."""
    rule = record.scoring_rule
    return starting_bound(
        record.result.trajectory.bounds(), rule.initial_dual_bound, rule.initial_primal_bound
    )


class Judge:
    """Measures policies on the same draws.

    Parameters
    ----------
    settings
        The named SCIP settings to solve under.
    time_limit
        Seconds per solve, from where the settings' clock starts.
    draws
        Instances and seeds.
    folder
        Where rewards, and the policies judged, are kept.
    workers
        Where the solves are done.
    report
        Gets an event after every solve.
    user_parameters
        SCIP parameters of the user's own, beside the settings.
    """

    def __init__(
        self,
        settings: str,
        time_limit: float,
        draws: Sequence[Draw],
        folder: Path,
        workers: Workers,
        report: Listener = log_event,
        user_parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
    ) -> None:
        own = dict(user_parameters)
        self._protocol = Protocol(settings, time_limit, user_parameters=own)
        self._draws = draws
        self._folder = folder
        self._workers = workers
        self._report = report
        self._left_out: set[str] = set()
        #: Of the problems solved last.
        self.sense: Sense = "minimize"
        #: Whether races are by shares of the best rise: files may have objectives of any scale.
        self.relative = any(draw.instance.path is not None for draw in draws)

    def _solved(self, policies: Sequence[Policy], draws: Sequence[Draw]) -> list[list[Record]]:
        return solve_all(
            policies,
            draws,
            self._protocol,
            self._folder,
            self._workers,
            lambda done, of: self._report(Solve(done=done, of=of)),
        )

    def _worth(self, records: Sequence[Record]) -> list[float]:
        """Return what all policies are worth on one draw: rewards, or shares of the best's rise."""
        rewards, start = self._rewards(records)
        if not self.relative:
            return rewards
        rise = max(rewards) - start
        if rise <= _NO_RISE * max(abs(start), 1.0):
            return [0.0] * len(rewards)
        return [max(reward - start, 0.0) / rise for reward in rewards]

    def _rewards(self, records: Sequence[Record]) -> tuple[list[float], float]:
        """Return the rewards of all policies on one draw, and the lowest bound at the root's end.

        A policy without one, which failed or had no dual bound, has that of the others' lowest
        bound at the end of the root node, as if it had never branched. They are NaN where a problem
        turned out to have none, being infeasible or unbounded.
        """
        found = [self._reward(record) for record in records]
        known = [
            _bound_at_root(record)
            for record, reward in zip(records, found, strict=True)
            if reward is not None and isinstance(record, Finished)
        ]
        if known:
            start = min(known)
            return [start if reward is None else reward for reward in found], start
        self._leave_out(records[0], f"gave no policy a reward within {self._protocol.seconds:g} s")
        return [math.nan] * len(found), math.nan

    def _reward(self, record: Record) -> float | None:
        if isinstance(record, Failed):
            text = f"{record.job.instance.name} failed for a policy: {record.reason}"
            self._report(Warned(text=text))
            return None
        self.sense = record.result.sense
        if record.result.reason in _NO_BOUND:
            self._leave_out(record, f"is {record.result.reason}")
            return math.nan
        reward = mean_reward(record)
        return reward if math.isfinite(reward) else None

    def _leave_out(self, record: Record, why: str) -> None:
        name = record.job.instance.name
        if name not in self._left_out:
            self._left_out.add(name)
            self._report(Warned(text=f"{name} {why}: it is left out of the selection"))

    def race(self, policies: Sequence[Policy], keep: int = 1) -> list[float]:
        """Return the mean reward of each policy, giving up on clear losers early.

        Of files it is the mean share of the best policy's rise of the bound above the root's.
        After every round of draws, a policy out of the first ``keep`` drops out if a paired t-test
        says that it is worse than the last of these, at a level shared among the rounds. Of a
        policy that dropped out, the mean is estimated from its differences to the leader.
        """
        found: dict[int, list[float]] = {k: [] for k in range(len(policies))}
        alive = list(found)
        rounds = [
            self._draws[start : start + _ROUND] for start in range(0, len(self._draws), _ROUND)
        ]
        for draws in rounds:
            rows = [self._worth(row) for row in self._solved([policies[k] for k in alive], draws)]
            measured = np.array([row for row in rows if np.isfinite(row).all()]).T.tolist()
            if not measured:
                continue
            for k, rewards in zip(alive, measured, strict=True):
                found[k] += rewards
            alive.sort(key=lambda k: -sum(found[k]))
            for k in alive[keep:]:
                if clearly_worse(found[k], found[alive[keep - 1]], _LEVEL / len(rounds)):
                    alive.remove(k)
        leader = found[alive[0]]
        if not leader:
            raise UserError(
                "none of the instances to select by has a dual bound: "
                + ", ".join(sorted(self._left_out))
                + "; begin a new run with others, more of them (inheritance.instances) or a longer "
                "inheritance.time_limit"
            )
        return [
            float(np.mean(leader) + np.mean(np.subtract(found[k], leader[: len(found[k])])))
            for k in range(len(policies))
        ]


def clearly_worse(rewards: Sequence[float], others: Sequence[float], level: float) -> bool:
    """Return whether a one-sided paired t-test says so; never on fewer than three pairs."""
    differences = np.subtract(rewards, others)
    if len(differences) < 3 or not differences.any():
        return False
    spread = max(differences.std(ddof=1), 1e-12 * np.abs(differences).max())
    statistic = differences.mean() / (spread / math.sqrt(len(differences)))
    return bool(student_t.cdf(statistic, len(differences) - 1) < level)
