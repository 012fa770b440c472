"""Imitation of strong branching: a linear policy, fitted to what the expert chose.

  python examples/imitate.py [--episodes 40] [--workers 2]

The expert is full strong branching, asked at every node while the solver waits; its choice is
taken, and what the policy of ``reinforce.py`` would have seen there is kept. The weights are those
of highest likelihood. At the end the policy meets random branching on auctions never seen.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from auctions import FEATURES, auction, environment
from reinforce import Adam, Vector, compare, probabilities

from kida.solver.strong_branching import strong_branching

Sample = tuple[Vector, int]


def collect(number: int) -> list[Sample]:
    """Let the expert solve one auction; return what was to be seen, and what it chose."""
    samples = []
    with environment() as env:
        seen, _ = env.reset(auction(number), seed=number)
        while not env.done:
            choice = strong_branching(env.model).chosen
            samples.append((seen[0], choice))
            seen, *_ = env.step(choice)
    return samples


def fit(samples: list[Sample], steps: int = 150) -> Vector:
    """Return the weights under which the expert's choices are likeliest."""
    weights, adam = np.zeros(FEATURES), Adam(FEATURES)
    for _ in range(steps):
        slope = sum(table[k] - probabilities(table @ weights) @ table for table, k in samples)
        weights += adam.step(slope / len(samples))
    return weights


def main() -> None:
    """Collect, fit and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--episodes", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tests", type=int, default=100)
    options = parser.parse_args()
    with ThreadPoolExecutor(options.workers) as pool:
        samples = [s for few in pool.map(collect, range(options.episodes)) for s in few]
        weights = fit(samples)
        agreed = np.mean([np.argmax(table @ weights) == choice for table, choice in samples])
        print(f"{len(samples)} decisions of the expert; on {agreed:.0%} of them they agree")
        print("weights", np.array2string(weights, precision=2, separator=", "))
        compare(np.zeros(FEATURES), weights, options.tests, pool)


if __name__ == "__main__":
    main()
