"""What the examples learn on: small combinatorial auctions, solved without cuts and heuristics.

Bids on bundles of items are accepted so that no item is sold twice and the revenue is highest. Such
an auction takes SCIP a twentieth of a second and random branching about a hundred nodes.
"""

import numpy as np
from numpy.typing import NDArray
from pyscipopt import Model, quicksum

from kida.env import Branching
from kida.env.rewards import Nodes
from kida.observation import VariableFeature
from kida.settings import Settings
from kida.solver.branching import branching_candidates, observe, observe_candidates

#: Nothing but branching decides how many nodes a solve takes: no cuts, heuristics or restarts.
SETTINGS = Settings(
    "branching alone",
    "cuts, heuristics and restarts off, the deepest node first",
    {
        "separating/maxrounds": 0,
        "separating/maxroundsroot": 0,
        "presolving/maxrestarts": 0,
        "estimation/restarts/restartpolicy": "n",
        "nodeselection/dfs/stdpriority": 1_000_000,
    },
    heuristics=False,
)


def auction(number: int, items: int = 50, bids: int = 150) -> Model:
    """Return auction ``number``: those from a million on are for testing."""
    generator = np.random.default_rng(number)
    model = Model(f"auction_{number}")
    model.hideOutput()
    model.setMaximize()
    wanted: list[list[object]] = [[] for _ in range(items)]
    for bid in range(bids):
        bundle = generator.choice(items, int(generator.integers(2, 6)), replace=False)
        price = len(bundle) * generator.uniform(50, 150)
        accepted = model.addVar(f"bid_{bid}", "B", obj=float(price))
        for item in bundle:
            wanted[item].append(accepted)
    for bidders in wanted:
        if bidders:
            model.addCons(quicksum(bidders) <= 1)
    return model


class CandidateTable:
    """An observation of one's own: a row of numbers for every candidate, and where the node is.

    ``extract`` gives (features, shape ``(k, 12)`` float64; the node's number; its parent's).
    """

    def before_reset(self, model: Model) -> None:
        """Nothing is remembered from episode to episode."""

    def extract(self, model: Model, done: bool) -> tuple[NDArray[np.float64], int, int] | None:
        """Return the table; ``None`` when the episode is over."""
        if done:
            return None
        candidates = branching_candidates(model)
        variables = observe(model).variable_features[candidates]
        fraction = variables[:, VariableFeature.SOLUTION_FRAC]
        objective = variables[:, VariableFeature.OBJECTIVE]
        table = np.column_stack(
            [
                observe_candidates(model, candidates),  # kida.observation.CandidateFeature
                1 - 2 * np.abs(fraction - 0.5),
                fraction,
                np.abs(objective) / np.abs(objective).max(),
            ]
        )
        node = model.getCurrentNode()
        parent = node.getParent()
        return table.astype(np.float64), node.getNumber(), parent.getNumber() if parent else 0


def environment() -> Branching:
    """Return an environment of such auctions; every thread needs one of its own."""
    return Branching(observation=CandidateTable(), reward=-Nodes(), settings=SETTINGS)


#: Columns of the table.
FEATURES = 12
