"""Multidimensional knapsack, by the scheme of Freville and Plateau (1994).

Weights up to 999 in every dimension, a quarter of their total as capacity, and profits that follow
the weights, which makes them hard. Easy has 30 items in 10 dimensions, medium 50 in 10; the
literature's 100 in 30 take hours.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def multidimensional_knapsack(
    name: str,
    source: Source,
    items: int,
    dimensions: int,
    tightness: float = 0.25,
    spread: float = 500.0,
) -> Program:
    """Draw a problem: choose items for the highest profit within every dimension's capacity.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    items, dimensions
        Their numbers.
    tightness
        Capacity over the total weight, between 0 and 1.
    spread
        How far a profit may be above the item's mean weight.

    Raises
    ------
    UserError
        If there is no item or dimension, or the capacities are none.
    """
    if items < 1 or dimensions < 1 or not 0.0 < tightness < 1.0:
        raise UserError(
            f"a knapsack of {items} items, {dimensions} dimensions and tightness {tightness} does "
            "not exist; it needs 1 of each and a tightness between 0 and 1"
        )
    weights = source.integers(0, 999, dimensions, items)
    capacities = np.floor(tightness * weights.sum(axis=1))
    profits = np.round(weights.mean(axis=0) + spread * source.random(items))
    matrix = Rows()
    for d in range(dimensions):
        positive = np.flatnonzero(weights[d])
        matrix.add(f"capacity_{d}", positive, weights[d, positive], right=float(capacities[d]))
    columns = [f"take_{i}" for i in range(items)]
    return matrix.program(name, columns, profits, sense="maximize")


FAMILY = Synthetic(
    name="multidimensional_knapsack",
    description="multidimensional knapsack: 30 or 50 items, 10 dimensions",
    draw=multidimensional_knapsack,
    parameters={
        "easy": {"items": 30, "dimensions": 10},
        "medium": {"items": 50, "dimensions": 10},
    },
    direction="maximize",
)
