"""A graph network of one's own in PyTorch: imitation of strong branching, as Gasse et al. did it.

  python examples/imitate_torch.py [--episodes 30] [--out imitated.safetensors]

At some nodes of small auctions strong branching is asked, while SCIP's own rule goes on branching:
the bipartite graph and the expert's best candidate are kept. A network of two rounds of messages
learns to name it. Afterwards this file is a policy like any other, for whoever has the
weights beside it (needs the extra ``train``):

  cd examples && kida evaluate FOLDER --policies imitate_torch:choose,default --settings default \
      --time-limit 60

In Python it holds the interpreter at every node; kida's own networks (``kida train``) have the same
ideas in them and run natively.
"""

import argparse
import os
from functools import cache
from pathlib import Path

import numpy as np
import torch
from auctions import SETTINGS, auction
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kida.env import DEFAULT, Branching, Lazy
from kida.env.observation import NodeBipartite, StrongBranchingScores
from kida.env.rewards import Nodes
from kida.observation import Observation

Sample = tuple[Observation, NDArray[np.int32], int]

WEIGHTS = Path(os.environ.get("IMITATED", "imitated.safetensors"))
FIRST_TEST = 1_000_000
WIDTH = 32


class GraphNetwork(nn.Module):
    """Rows hear from their variables, variables from their rows; then a score for each variable."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Sequential(nn.Linear(5, WIDTH), nn.ReLU())
        self.variables = nn.Sequential(nn.Linear(19, WIDTH), nn.ReLU())
        self.to_rows = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.ReLU())
        self.to_variables = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.ReLU())
        self.score = nn.Linear(WIDTH, 1)

    def forward(self, seen: Observation, candidates: NDArray[np.int32]) -> Tensor:
        """Return the logits of the candidates, shape ``(k,)``."""
        # What is not known is NaN: the incumbent's columns while there is no solution.
        rows = self.rows(torch.from_numpy(np.nan_to_num(seen.row_features)))
        variables = self.variables(torch.from_numpy(np.nan_to_num(seen.variable_features)))
        row, variable = torch.from_numpy(seen.edge_indices)
        value = torch.from_numpy(seen.edge_values)[:, None]
        heard = torch.zeros_like(rows).index_add(0, row, value * variables[variable])
        rows = self.to_rows(torch.cat([rows, heard], dim=1))
        heard = torch.zeros_like(variables).index_add(0, variable, value * rows[row])
        variables = self.to_variables(torch.cat([variables, heard], dim=1))
        return self.score(variables[torch.from_numpy(candidates).long()])[:, 0]


def collect(number: int, share: float = 0.3) -> list[Sample]:
    """Solve an auction; return what was seen, and what the expert chose, at a share of nodes."""
    generator, samples = np.random.default_rng(number), []
    observation = {"graph": NodeBipartite(), "expert": Lazy(StrongBranchingScores())}
    with Branching(observation=observation, settings=SETTINGS) as env:
        seen, info = env.reset(auction(number), seed=number)
        while not env.done:
            if generator.random() < share:
                scores = seen["expert"]().scores
                if np.nanmax(scores) > np.nanmin(scores):
                    best = int(np.nanargmax(scores))
                    samples.append((seen["graph"], info["action_set"], best))
            seen, _, _, _, info = env.step(DEFAULT)
    return samples


def fit(samples: list[Sample], epochs: int) -> GraphNetwork:
    """Return a network that names the expert's choices."""
    network = GraphNetwork()
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    for epoch in range(epochs):
        total = hits = 0.0
        for k, index in enumerate(torch.randperm(len(samples)).tolist()):
            seen, candidates, best = samples[index]
            logits = network(seen, candidates)
            loss = nn.functional.cross_entropy(logits, torch.tensor(best))
            (loss / 8).backward()
            if k % 8 == 7 or k == len(samples) - 1:
                optimizer.step()
                optimizer.zero_grad()
            total, hits = total + loss.item(), hits + (logits.argmax().item() == best)
        print(
            f"epoch {epoch + 1}: loss {total / len(samples):.3f}, {hits / len(samples):.0%} named"
        )
    return network


def nodes(network: GraphNetwork | None, number: int) -> float:
    """Return how many nodes a test auction takes; without a network choices are random."""
    generator = np.random.default_rng(number)
    with Branching(observation=NodeBipartite(), reward=Nodes(), settings=SETTINGS) as env:
        seen, info = env.reset(auction(number), seed=number % FIRST_TEST)
        total = env.first_reward
        while not env.done:
            action: object = int(generator.integers(len(info["action_set"])))
            if network is not None:
                with torch.no_grad():
                    action = network(seen, info["action_set"]).numpy()  # scores: the highest wins
            seen, reward, _, _, info = env.step(action)
            total += reward
    return total


@cache
def _imitated() -> GraphNetwork:
    network = GraphNetwork()
    network.load_state_dict(load_file(WEIGHTS))
    return network


def choose(seen: Observation, candidates: NDArray[np.int32]) -> int:
    """Return the position of the candidate to branch on: the policy ``imitate_torch:choose``."""
    with torch.no_grad():
        return int(_imitated()(seen, candidates).argmax())


def main() -> None:
    """Collect, fit, compare, and keep the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--episodes", type=int, default=30)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--tests", type=int, default=40)
    parser.add_argument("--out", type=Path, default=WEIGHTS, metavar="FILE")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    samples = [sample for number in range(options.episodes) for sample in collect(number)]
    print(f"{len(samples)} decisions of the expert")
    if not samples:
        raise SystemExit("nothing to learn from: give more --episodes")
    network = fit(samples, options.epochs)
    save_file(network.state_dict(), options.out)
    numbers = range(FIRST_TEST, FIRST_TEST + options.tests)
    before, after = (
        np.exp(np.mean([np.log(nodes(each, number)) for number in numbers]))
        for each in (None, network)
    )
    print(f"nodes: {before:.1f} before, {after:.1f} after; ratio {after / before:.2f}")


if __name__ == "__main__":
    main()
