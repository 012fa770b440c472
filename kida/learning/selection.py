"""Choosing the final policy by its reward in the solver, on common instances and seeds.

Validation accuracy does not predict reward, so generations, merged networks and the depth to which
strong branching helps are all compared by solving. Every solve's reward is a small file, and a
solve that is on disk is not done again.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kida.errors import UserError
from kida.evaluation.dual_integral import ScoringRule, cumulated_reward
from kida.files import write_json
from kida.instances.family import Instance
from kida.learning.config import InheritanceConfig, RunConfig
from kida.learning.plan import Draw, Plan
from kida.network.inheritance import best_parents, greedy_soup, uniform_average, weighted_average
from kida.network.weights import Policy, Weights
from kida.solver.branching import attach
from kida.solver.settings import Limits
from kida.solver.solve import solve

Report = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, eq=False)
class Selection:
    """What was chosen.

    Attributes
    ----------
    weights
        Of the final network.
    generations
        The generations in it, counted from 1.
    expert_depth
        For the policy's card.
    rewards
        What was measured: name to mean reward.
    """

    weights: Weights
    generations: tuple[int, ...]
    expert_depth: int
    rewards: dict[str, float]


def measure(
    instance: Instance, seed: int, folder: str, settings: str, time_limit: float, path: Path
) -> float:
    """Solve with the policy in ``folder``; return its mean reward per second and write it down.

    Runs in a worker process.
    """
    policy = Policy.load(Path(folder))
    result = solve(
        instance,
        lambda model: attach(model, policy, seed=seed),
        settings=settings,
        limits=Limits(time=time_limit),
        seed=seed,
    )
    rule = ScoringRule(time_limit, instance.initial_dual_bound)
    reward = cumulated_reward(result.trajectory, rule) / time_limit
    if not math.isfinite(reward):
        raise UserError(
            f"the reward on {instance.name} is not finite: it has no dual bound after "
            f"{time_limit:g} s; raise inheritance.time_limit"
        )
    write_json(
        path,
        {
            "instance": instance.name,
            "seed": seed,
            "reward": reward,
            "dual_bound": result.dual_bound if math.isfinite(result.dual_bound) else None,
            "nodes": result.nodes,
            "seconds": result.wall_time,
        },
    )
    return reward


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
    """

    def __init__(
        self, config: RunConfig, draws: Sequence[Draw], folder: Path, executor: Executor
    ) -> None:
        self._config = config
        self._draws = draws
        self._folder = folder
        self._executor = executor

    def rewards(self, policies: Sequence[Policy]) -> list[list[float]]:
        """Return the rewards of each policy, draw by draw; all solves run side by side."""
        jobs = []
        for policy in policies:
            home = self._folder / _digest(policy)
            if not (home / "card.json").exists():
                policy.save(home)
            for draw in self._draws:
                path = home / f"{draw.instance.name}_{draw.seed}.json"
                if path.exists():
                    jobs.append(json.loads(path.read_text(encoding="utf-8"))["reward"])
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
        flat = [job if isinstance(job, float) else job.result() for job in jobs]
        count = len(self._draws)
        return [flat[start : start + count] for start in range(0, len(flat), count)]

    def means(self, policies: Sequence[Policy]) -> list[float]:
        """Return the mean reward of each policy."""
        return [sum(rewards) / len(rewards) for rewards in self.rewards(policies)]


def select(
    config: RunConfig,
    generations: Sequence[Path],
    folder: Path,
    executor: Executor,
    report: Report = lambda event: None,
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
        Gets an event for every policy measured.

    Returns
    -------
    Selection
        The merged network, or the best single one if that has the higher reward.
    """
    options = config.inheritance
    judge = Judge(config, Plan(config).selection(options.instances), folder, executor)
    last = len(generations)
    numbers = [n for n in range(1, last + 1) if n % options.every == 0 or n == last]
    if options.method == "last":
        numbers = [last]
    parents = [Policy.load(generations[number - 1]) for number in numbers]
    measured: dict[str, float] = {}

    def note(name: str, reward: float) -> None:
        measured[name] = reward
        report({"event": "reward", "policy": name, "reward": reward})

    needs_rewards = len(parents) > 1
    rewards = judge.means(parents) if needs_rewards else [0.0]
    if needs_rewards:
        for number, reward in zip(numbers, rewards, strict=True):
            note(f"generation {number}", reward)

    def reward_of(weights: Weights) -> float:
        return judge.means([Policy(weights, parents[-1].card)])[0]

    weights, members = _merge(options, [parent.weights for parent in parents], rewards, reward_of)
    chosen = Policy(weights, parents[-1].card)
    if len(members) > 1:
        reward = judge.means([chosen])[0]
        note("merged", reward)
        best = best_parents(rewards, 1)[0]
        if rewards[best] > reward:
            chosen, members = parents[best], (best,)
    depths = options.expert_depths
    depth = depths[0]
    if len(depths) > 1:
        rewards = judge.means([_with_expert(chosen, depth) for depth in depths])
        for depth, reward in zip(depths, rewards, strict=True):
            note(f"expert to depth {depth}", reward)
        depth = depths[best_parents(rewards, 1)[0]]
    return Selection(
        chosen.weights, tuple(sorted(numbers[member] for member in members)), depth, measured
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
    members = tuple(best_parents(rewards, options.count))
    chosen = [parents[member] for member in members]
    if options.method == "weighted" and len(members) > 1:
        # How far each stands above the worst of all counts, not the instances' common part.
        worst = min(rewards)
        shares = [rewards[member] - worst for member in members]
        if sum(shares) > 0:
            return weighted_average(chosen, shares), members
    return uniform_average(chosen), members


def _with_expert(policy: Policy, depth: int) -> Policy:
    return Policy(policy.weights, dataclasses.replace(policy.card, expert_depth=depth))


def _digest(policy: Policy) -> str:
    digest = hashlib.sha256(f"{policy.card.candidates} {policy.card.expert_depth}".encode())
    for name in sorted(policy.weights):
        digest.update(name.encode() + policy.weights[name].tobytes())
    return digest.hexdigest()[:16]
