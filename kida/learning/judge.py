"""Rewards of policies in the solver, on common instances and seeds.

Validation accuracy does not predict reward, so whatever is chosen is chosen by solving. Every
solve's reward is a small file, and a solve that is on disk is not done again.
"""

import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from kida.boundary import write_json
from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds
from kida.learning.plan import Draw
from kida.network.weights import Policy
from kida.reward import ScoringRule, cumulated_reward, starting_bound
from kida.settings import Limits
from kida.solver.branching import attach
from kida.solver.solve import solve

#: Gets an event.
Report = Callable[[dict[str, Any]], None]

# Draws per round of a race, and the probability of dropping an equal in the whole race.
_ROUND = 4
_LEVEL = 0.05


def measure(
    instance: Instance, seed: int, folder: str, settings: str, time_limit: float, path: Path
) -> float:
    """Solve with the policy in ``folder``; return its mean reward per second and write it down.

    Runs in a worker process. The reward is NaN, and null in the file, without a dual bound.
    """
    policy = Policy.load(Path(folder))
    result = solve(
        instance,
        lambda model: attach(model, policy, seed=seed),
        settings=settings,
        limits=Limits(time=time_limit),
        seed=seed,
    )
    known = initial_bounds(instance).dual, initial_bounds(instance).primal
    reward = cumulated_reward(result.trajectory, ScoringRule(time_limit, *known)) / time_limit
    root = starting_bound(result.trajectory, *known)
    write_json(
        path,
        {
            "instance": instance.name,
            "seed": seed,
            "reward": reward if math.isfinite(reward) else None,
            # What every policy is given: the bound when the root node ends.
            "root_bound": root if math.isfinite(root) else None,
            "dual_bound": result.dual_bound if math.isfinite(result.dual_bound) else None,
            "nodes": result.nodes,
            "seconds": result.wall_time,
        },
    )
    return reward if math.isfinite(reward) else math.nan


def reward_file(home: Path, draw: Draw) -> Path:
    """Return where the reward on ``draw`` of the policy in the folder ``home`` is written."""
    return home / f"{draw.instance.name}_{draw.seed}.json"


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
    executor
        Runs the solves.
    report
        Gets an event after every solve.
    """

    def __init__(
        self,
        settings: str,
        time_limit: float,
        draws: Sequence[Draw],
        folder: Path,
        executor: Executor,
        report: Report = lambda event: None,
    ) -> None:
        self._settings = settings
        self._time_limit = time_limit
        self._draws = draws
        self._folder = folder
        self._executor = executor
        self._report = report

    def rewards(self, policies: Sequence[Policy], draws: Sequence[Draw]) -> list[list[float]]:
        """Return the rewards of each policy, draw by draw; all solves run side by side.

        Policies take turns on every draw: what disturbs the machine disturbs them alike.
        """
        homes = [self._folder / policy.identity()[:16] for policy in policies]
        for home, policy in zip(homes, policies, strict=True):
            if not (home / "card.json").exists():
                policy.save(home)
        jobs: list[float | Future[float]] = []
        for draw in draws:
            for home in homes:
                path = reward_file(home, draw)
                if path.exists():
                    reward = json.loads(path.read_text(encoding="utf-8"))["reward"]
                    jobs.append(math.nan if reward is None else float(reward))
                    continue
                jobs.append(
                    self._executor.submit(
                        measure,
                        draw.instance,
                        draw.seed,
                        str(home),
                        self._settings,
                        self._time_limit,
                        path,
                    )
                )
        solves = [job for job in jobs if isinstance(job, Future)]
        try:
            for done, solve in enumerate(as_completed(solves), start=1):
                solve.result()
                self._report({"event": "solve", "done": done, "of": len(solves)})
        except BrokenProcessPool as error:
            raise UserError(
                "a worker died while rewards were measured (out of memory, or SCIP crashed): "
                "run the same command again to go on"
            ) from error
        flat = [job if isinstance(job, float) else job.result() for job in jobs]
        if unknown := [position for position, reward in enumerate(flat) if math.isnan(reward)]:
            name = draws[unknown[0] // len(policies)].instance.name
            raise UserError(
                f"the reward on {name} is not finite: it has no dual bound after "
                f"{self._time_limit:g} s; raise inheritance.time_limit"
            )
        return [flat[position :: len(policies)] for position in range(len(policies))]

    def race(self, policies: Sequence[Policy], keep: int = 1) -> list[float]:
        """Return the mean reward of each policy, giving up on clear losers early.

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
            measured = self.rewards([policies[k] for k in alive], draws)
            for k, rewards in zip(alive, measured, strict=True):
                found[k] += rewards
            alive.sort(key=lambda k: -sum(found[k]))
            for k in alive[keep:]:
                if clearly_worse(found[k], found[alive[keep - 1]], _LEVEL / len(rounds)):
                    alive.remove(k)
        leader = found[alive[0]]
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
