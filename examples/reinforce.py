"""Reinforcement learning of a branching rule: policy gradient in the tree, from nothing.

  python examples/reinforce.py [--iterations 60] [--workers 2]

The policy is a linear one: the score of a candidate is the product of its features with weights
that begin at 0, so that it begins with random branching. The gradient is REINFORCE's with the
return of a tree MDP (Scavuzzo et al. 2022, arXiv:2205.11107): of what comes after a decision only
the subtree below its node counts, here by the logarithm of how often it was branched in. Several
environments play at once, each in a thread of its own: the solver runs without the interpreter
lock. At the end the policies of before and after are compared on auctions never seen.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import local

import numpy as np
from auctions import FEATURES, auction, environment
from numpy.typing import NDArray

from kida.observation import CandidateFeature

EPISODES = 24  # of an iteration, each another auction
FIRST_TEST = 1_000_000
LEARNING_RATE = 0.15

Vector = NDArray[np.float64]


@dataclass
class Episode:
    """One solve: what was seen and chosen at its nodes, and how many it took."""

    tables: list[Vector] = field(default_factory=list)
    choices: list[int] = field(default_factory=list)
    nodes: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    size: float = 0.0

    def subtrees(self) -> Vector:
        """Return how many decisions were taken below each decision's node, itself included."""
        below = dict.fromkeys(self.nodes, 0)
        sizes = np.zeros(len(self.nodes))
        # A node is branched on after its parent; backwards, all that is below is known.
        for k in reversed(range(len(self.nodes))):
            sizes[k] = below[self.nodes[k]] = below[self.nodes[k]] + 1
            if self.parents[k] in below:
                below[self.parents[k]] += below[self.nodes[k]]
        return sizes


def probabilities(scores: Vector) -> Vector:
    """Return the softmax of scores."""
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


_thread = local()


def play(number: int, weights: Vector, explore: bool) -> Episode:
    """Solve one auction; choices are drawn to ``explore``, or else of the highest score."""
    if not hasattr(_thread, "environment"):
        _thread.environment = environment()
    env = _thread.environment
    generator = np.random.default_rng([number, explore])
    episode = Episode()
    seen, _ = env.reset(auction(number), seed=number % 1_000_000)
    episode.size -= env.first_reward
    over = env.done
    while not over:
        table, node, parent = seen
        scores = table @ weights
        drawn = generator.choice(len(scores), p=probabilities(scores))
        choice = int(drawn if explore else scores.argmax())
        episode.tables.append(table)
        episode.choices.append(choice)
        episode.nodes.append(node)
        episode.parents.append(parent)
        seen, reward, terminated, truncated, _ = env.step(choice)
        episode.size -= reward
        over = terminated or truncated
    env.close()
    return episode


def gradient(episodes: list[Episode], weights: Vector) -> Vector:
    """Return the gradient of the expected return, of all decisions of the episodes."""
    logs = [np.log(episode.subtrees()) for episode in episodes]
    depths = [depths_of(episode) for episode in episodes]
    flat, depth = np.concatenate(logs), np.concatenate(depths)
    # What decisions of that depth mostly lead to is no merit of this one.
    mean = {d: flat[depth == d].mean() for d in np.unique(depth)}
    total = np.zeros_like(weights)
    for episode, sizes, place in zip(episodes, logs, depths, strict=True):
        for k, table in enumerate(episode.tables):
            advantage = mean[place[k]] - sizes[k]
            total += advantage * (
                table[episode.choices[k]] - probabilities(table @ weights) @ table
            )
    return total / len(flat)


def depths_of(episode: Episode) -> NDArray[np.int64]:
    """Return the depth of every decision's node among the decisions."""
    depth: dict[int, int] = {}
    for node, parent in zip(episode.nodes, episode.parents, strict=True):
        depth[node] = depth.get(parent, -1) + 1
    return np.array([depth[node] for node in episode.nodes], np.int64)


class Adam:
    """Steps of the size of the learning rate, whatever the gradient's (arXiv:1412.6980)."""

    def __init__(self, size: int) -> None:
        self.mean, self.square, self.steps = np.zeros(size), np.zeros(size), 0

    def step(self, slope: Vector) -> Vector:
        """Return what to add to the weights."""
        self.steps += 1
        self.mean += 0.1 * (slope - self.mean)
        self.square += 0.01 * (slope**2 - self.square)
        mean = self.mean / (1 - 0.9**self.steps)
        return LEARNING_RATE * mean / (np.sqrt(self.square / (1 - 0.99**self.steps)) + 1e-8)


def compare(before: Vector, after: Vector, tests: int, pool: ThreadPoolExecutor) -> None:
    """Print the policies' nodes on the same test auctions, and the ratio with its interval."""
    numbers = range(FIRST_TEST, FIRST_TEST + tests)
    pseudocosts = np.zeros(FEATURES)
    pseudocosts[CandidateFeature.PSEUDOCOST_SCORE] = 1.0
    first = [e.size for e in pool.map(lambda n: play(n, before, explore=True), numbers)]
    last = [e.size for e in pool.map(lambda n: play(n, after, explore=False), numbers)]
    rule = [e.size for e in pool.map(lambda n: play(n, pseudocosts, explore=False), numbers)]
    ratio = np.log(last) - np.log(first)
    error = 2 * ratio.std(ddof=1) / np.sqrt(tests)
    low, mid, high = np.exp([ratio.mean() - error, ratio.mean(), ratio.mean() + error])
    print(
        f"nodes on {tests} test auctions, geometric means: {geometric(first):.1f} before, "
        f"{geometric(last):.1f} after; ratio {mid:.2f} [{low:.2f}, {high:.2f}]; "
        f"{geometric(rule):.1f} by pseudocosts"
    )


def geometric(sizes: list[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(sizes))))


def main() -> None:
    """Learn and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tests", type=int, default=100)
    options = parser.parse_args()
    weights, adam = np.zeros(FEATURES), Adam(FEATURES)
    started = time.monotonic()
    with ThreadPoolExecutor(options.workers) as pool:
        for iteration in range(options.iterations):
            numbers = range(iteration * EPISODES, (iteration + 1) * EPISODES)
            policy = weights.copy()
            episodes = list(pool.map(lambda n, w=policy: play(n, w, True), numbers))
            weights += adam.step(gradient(episodes, weights))
            nodes = geometric([episode.size for episode in episodes])
            seconds = time.monotonic() - started
            print(f"iteration {iteration + 1:3}: {nodes:6.1f} nodes, {seconds:4.0f} s", flush=True)
        print("weights", np.array2string(weights, precision=2, separator=", "))
        compare(np.zeros(FEATURES), weights, options.tests, pool)


if __name__ == "__main__":
    main()
