"""Weighted partial maximum satisfiability, as in Labassi, Chetelat and Lodi (2022).

The clauses say "cut this edge" of a bipartite random graph to which edges at random, three in ten
of its own number, have been added: without these all could be satisfied. Easy has 60 to 70 nodes,
medium 70 to 80.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def max_satisfiability(
    name: str, source: Source, fewest: int, most: int, probability: float = 0.6, extra: float = 0.3
) -> Program:
    """Draw a problem: divide the nodes so that as much weight as possible is cut.

    An edge is two clauses, "one of both" and "not both", each of which is worth the edge's weight.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    fewest, most
        The number of nodes is uniform between these.
    probability
        Of an edge between the two sides.
    extra
        Edges between any two nodes, as a share of those between the sides.

    Raises
    ------
    UserError
        If the parameters admit no such graph.
    """
    if not 2 <= fewest <= most or not 0.0 <= probability <= 1.0 or not 0.0 <= extra <= 1.0:
        raise UserError(
            f"a graph of {fewest} to {most} nodes with edge probability {probability} and {extra} "
            "further edges does not exist; it needs two nodes and shares from 0 to 1"
        )
    nodes = int(source.integers(fewest, most))
    left = nodes // 2
    between = np.argwhere(source.random(left, nodes - left) < probability) + np.array([0, left])
    edges = {(int(i), int(j)) for i, j in between}
    first, second = np.triu_indices(nodes, 1)
    chosen = source.sample(len(first), min(len(first), round(extra * len(edges))))
    edges |= {(int(first[k]), int(second[k])) for k in chosen}
    columns = [f"side_{node}" for node in range(nodes)]
    weights = source.integers(1, 10, len(edges))
    matrix = Rows()
    for i, j in sorted(edges):
        # One of the two nodes; and one of the two complements.
        matrix.add(f"one_{i}_{j}", [i, j, len(columns)], [1.0, 1.0, -1.0], left=0.0)
        matrix.add(f"other_{i}_{j}", [i, j, len(columns) + 1], 1.0, right=2.0)
        columns += [f"has_one_{i}_{j}", f"has_other_{i}_{j}"]
    objective = np.concatenate([np.zeros(nodes), np.repeat(weights, 2)])
    return matrix.program(name, columns, objective, sense="maximize")


FAMILY = Synthetic(
    name="max_satisfiability",
    description="weighted maximum satisfiability of cuts in graphs of 60-70 or 70-80 nodes",
    draw=max_satisfiability,
    parameters={
        "easy": {"fewest": 60, "most": 70},
        "medium": {"fewest": 70, "most": 80},
    },
    direction="maximize",
)
