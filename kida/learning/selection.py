"""Choosing the final policy by its reward in the solver, on common instances and seeds.

Validation accuracy does not predict reward, so generations, merged networks and the depth to which
strong branching helps are all compared by solving. Every solve's reward is a small file, and a
solve that is on disk is not done again.
"""

import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from kida.boundary import replaced, write_json
from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds
from kida.learning.config import InheritanceConfig, RunConfig
from kida.learning.plan import Draw, Plan
from kida.network.architecture import Weights
from kida.network.card import Card
from kida.network.inheritance import (
    best_parents,
    exponential_average,
    greedy_soup,
    interpolate,
    uniform_average,
    weighted_average,
)
from kida.network.policy import Policy
from kida.reward import ScoringRule, cumulated_reward, starting_bound
from kida.settings import Limits
from kida.solver.branching import attach
from kida.solver.solve import solve

Report = Callable[[dict[str, Any]], None]

# Draws per round of a race, and the probability of dropping an equal in the whole race.
_ROUND = 4
_LEVEL = 0.05
# Inner points of an interpolation scan.
_SCAN = (0.25, 0.5, 0.75)


@dataclass(frozen=True, eq=False)
class Selection:
    """What was chosen.

    Attributes
    ----------
    weights
        Of the final network.
    generations
        The generations in it, counted from 1.
    expert_depth, expert_candidates
        For the policy's card.
    rewards
        What was measured: name to mean reward.
    """

    weights: Weights
    generations: tuple[int, ...]
    expert_depth: int
    expert_candidates: int
    rewards: dict[str, float]


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
    config
        The run's: settings and time limit.
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
        config: RunConfig,
        draws: Sequence[Draw],
        folder: Path,
        executor: Executor,
        report: Report = lambda event: None,
    ) -> None:
        self._config = config
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
                        self._config.collection.settings,
                        self._config.inheritance.time_limit,
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
                f"{self._config.inheritance.time_limit:g} s; raise inheritance.time_limit"
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


def select(
    config: RunConfig,
    generations: Sequence[Path],
    folder: Path,
    executor: Executor,
    report: Report = lambda event: None,
    refit: Callable[[Weights], Weights] = lambda weights: weights,
) -> Selection:
    """Merge the generations and choose the expert's depth, by reward.

    Parameters
    ----------
    config
        The run's.
    generations
        The policy folders, first generation first.
    folder
        Where rewards are kept.
    executor
        Runs the solves.
    report
        Gets an event after every solve, and for every policy measured.
    refit
        Fits the prenorm statistics of a merged network anew.

    Returns
    -------
    Selection
        The merged network, or the best single one if that has the higher reward.
    """
    options = config.inheritance
    draws = Plan(config).selection(options.instances)
    judge = Judge(config, draws, folder, executor, report)
    last = len(generations)
    numbers = [n for n in range(1, last + 1) if n % options.every == 0 or n == last]
    if options.method == "last":
        numbers = [last]
    experts = [
        (depth, candidates)
        for depth in options.expert_depths
        for candidates in (options.expert_candidates if depth >= 0 else (0,))
    ]

    def asking(policy: Policy, depth: int, candidates: int) -> Policy:
        return Policy(policy.weights, finished_card(policy.card, options, depth, candidates))

    parents = [asking(Policy.load(generations[number - 1]), *experts[0]) for number in numbers]
    measured: dict[str, float] = {}

    def note(name: str, reward: float) -> None:
        measured[name] = reward
        report({"event": "reward", "policy": name, "reward": reward})

    needs_rewards = len(parents) > 1
    rewards = judge.race(parents, options.count) if needs_rewards else [0.0]
    if needs_rewards:
        for number, reward in zip(numbers, rewards, strict=True):
            note(f"generation {number}", reward)

    def reward_of(weights: Weights) -> float:
        return judge.race([Policy(refit(weights), parents[-1].card)])[0]

    weights, members = _merge(options, [parent.weights for parent in parents], rewards, reward_of)
    chosen = parents[members[0]]
    if len(members) > 1:
        chosen = Policy(refit(weights), chosen.card)
        reward = judge.race([chosen])[0]
        note("merged", reward)
        best = best_parents(rewards, 1)[0]
        if rewards[best] > reward:
            chosen, members = parents[best], (best,)
    expert = experts[0]
    if len(experts) > 1:
        rewards = judge.race([asking(chosen, *expert) for expert in experts])
        for (depth, candidates), reward in zip(experts, rewards, strict=True):
            note(f"expert to depth {depth}, candidates {candidates or 'all'}", reward)
        expert = experts[best_parents(rewards, 1)[0]]
    return Selection(
        chosen.weights, tuple(sorted(numbers[member] for member in members)), *expert, measured
    )


def _merge(
    options: InheritanceConfig,
    parents: list[Weights],
    rewards: list[float],
    reward_of: Callable[[Weights], float],
) -> tuple[Weights, tuple[int, ...]]:
    if options.method == "greedy" and len(parents) > 1:
        soup = greedy_soup(parents, rewards, reward_of)
        return soup.weights, soup.members
    if options.method == "exponential":
        return exponential_average(parents, options.decay), tuple(range(len(parents)))
    if options.method == "scan" and len(parents) > 1:
        first, second = best_parents(rewards, 2)
        points = [interpolate(parents[first], parents[second], share) for share in _SCAN]
        best = best_parents([reward_of(point) for point in points], 1)[0]
        # The ends, the parents themselves, are compared with the result by the caller.
        return points[best], (first, second)
    members = tuple(best_parents(rewards, options.count))
    chosen = [parents[member] for member in members]
    if options.method == "weighted" and len(members) > 1:
        # How far each stands above the worst of all counts, not the instances' common part.
        worst = min(rewards)
        shares = [rewards[member] - worst for member in members]
        if sum(shares) > 0:
            return weighted_average(chosen, shares), members
    return uniform_average(chosen), members


def finished_card(card: Card, options: InheritanceConfig, depth: int, candidates: int) -> Card:
    """Return the card under which a policy is judged and used.

    It asks strong branching down to ``depth``, -1 meaning never, and brings the parameters of
    ``options`` beside those it was trained under.
    """
    asked = depth >= 0
    return replaced(
        card,
        expert_depth=depth,
        expert_candidates=candidates if asked else 0,
        expert_iterations=options.expert_iterations if asked else 0,
        parameters={**card.parameters, **options.parameters},
    )
