"""Multiple knapsack, by the scheme of Fukunaga (2011), as in Scavuzzo et al. (2022).

Profits are the weights (subset sum), which makes bounds equal and proofs hard. Items of weight 10
to 19 fill half of their total weight in knapsacks; easy and medium have 100 items and 6 or 12
knapsacks.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def multiple_knapsack(
    name: str, source: Source, items: int, knapsacks: int, correlated: bool = True
) -> Program:
    """Draw a problem: put items into knapsacks, each into one at most, for the highest profit.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    items, knapsacks
        Their numbers; at least four items for each knapsack.
    correlated
        Whether an item's profit is its weight (subset sum), or as random as that.

    Raises
    ------
    UserError
        If there are too few items, or no knapsack.
    """
    if knapsacks < 1 or items < 4 * knapsacks:
        raise UserError(
            f"a multiple knapsack of {items} items and {knapsacks} knapsacks does not exist; it "
            "needs a knapsack and four items for each"
        )
    weights = source.integers(10, 19, items)
    profits = weights if correlated else source.integers(10, 19, items)
    total = int(weights.sum())
    low, high = int(np.ceil(0.4 * total / knapsacks)), int(np.ceil(0.6 * total / knapsacks)) - 1
    capacities = source.integers(low, max(low, high), knapsacks)
    # The last one takes what is left of half the total; draws that leave too little are shortened.
    rest = total // 2 - int(capacities[:-1].sum())
    capacities[-1] = max(rest, int(weights.min()))

    place = np.arange(items * knapsacks).reshape(items, knapsacks)
    matrix = Rows()
    for k in range(knapsacks):
        matrix.add(f"capacity_{k}", place[:, k], weights, right=float(capacities[k]))
    for i in range(items):
        matrix.add(f"once_{i}", place[i], 1.0, right=1.0)
    columns = [f"put_{i}_{k}" for i in range(items) for k in range(knapsacks)]
    return matrix.program(name, columns, np.repeat(profits, knapsacks), sense="maximize")


FAMILY = Synthetic(
    name="multiple_knapsack",
    description="multiple knapsack, profits equal to weights: 100 items, 6 or 12 knapsacks",
    draw=multiple_knapsack,
    parameters={
        "easy": {"items": 100, "knapsacks": 6},
        "medium": {"items": 100, "knapsacks": 12},
    },
    direction="maximize",
)
