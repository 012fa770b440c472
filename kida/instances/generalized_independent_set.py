"""Generalized independent set, as in Labassi, Chetelat and Lodi (2022).

Random graphs (Erdos and Renyi) with edge probability 0.6. Each node brings 100; of two adjacent
ones both may be taken only where the edge is removable, as every other one is, for 1. Easy has 60
to 70 nodes, medium 80 to 100. The problem is Hochbaum and Pathria's (1997).
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def random_graph(source: Source, nodes: int, probability: float) -> list[tuple[int, int]]:
    """Return the edges of a random graph, each present with the same probability; ascending."""
    first, second = np.triu_indices(nodes, 1)
    present = source.random(len(first)) < probability
    return list(zip(first[present].tolist(), second[present].tolist(), strict=True))


def generalized_independent_set(
    name: str,
    source: Source,
    fewest: int,
    most: int,
    probability: float = 0.6,
    removable: float = 0.5,
    revenue: float = 100.0,
    cost: float = 1.0,
) -> Program:
    """Draw a problem: take nodes for revenue, and pay for the removal of edges between them.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    fewest, most
        The number of nodes is uniform between these.
    probability
        Of each edge.
    removable
        The probability that an edge can be removed.
    revenue, cost
        Of a node, and of the removal of an edge.

    Raises
    ------
    UserError
        If the parameters admit no such graph.
    """
    shares = 0.0 <= probability <= 1.0 and 0.0 <= removable <= 1.0
    if not 2 <= fewest <= most or not shares:
        raise UserError(
            f"a graph of {fewest} to {most} nodes, with probabilities {probability} of edges and "
            f"{removable} of removable ones, does not exist; it needs two nodes and probabilities "
            "from 0 to 1"
        )
    nodes = int(source.integers(fewest, most))
    edges = random_graph(source, nodes, probability)
    can_go = source.random(len(edges)) < removable
    columns = [f"node_{node}" for node in range(nodes)]
    matrix = Rows()
    for (i, j), free in zip(edges, can_go.tolist(), strict=True):
        if free:
            matrix.add(f"edge_{i}_{j}", [i, j, len(columns)], [1.0, 1.0, -1.0], right=1.0)
            columns.append(f"remove_{i}_{j}")
        else:
            matrix.add(f"edge_{i}_{j}", [i, j], 1.0, right=1.0)
    objective = np.full(len(columns), -cost)
    objective[:nodes] = revenue
    return matrix.program(name, columns, objective, sense="maximize")


FAMILY = Synthetic(
    name="generalized_independent_set",
    description="generalized independent set on random graphs of 60-70 or 80-100 nodes",
    draw=generalized_independent_set,
    parameters={
        "easy": {"fewest": 60, "most": 70},
        "medium": {"fewest": 80, "most": 100},
    },
    direction="maximize",
)
