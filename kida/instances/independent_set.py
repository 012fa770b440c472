"""Maximum independent set on scale-free graphs, as in learn2branch (Gasse et al. 2019).

Graphs follow Barabasi and Albert (1999) with affinity 4 and 500, 1000 or 1500 nodes (easy,
medium, hard); a greedy partition into cliques gives stronger rows than single edges.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def barabasi_albert(source: Source, nodes: int, affinity: int) -> list[set[int]]:
    """Return the neighbours of every node of a random graph.

    Node ``affinity`` is joined to all before it; each later node to ``affinity`` different ones,
    chosen with probability proportional to their degrees.
    """
    neighbours: list[set[int]] = [set() for _ in range(nodes)]
    degrees = np.zeros(nodes)
    for new in range(affinity, nodes):
        if new == affinity:
            chosen = list(range(affinity))
        else:
            # The largest of u ** (1 / weight) are a weighted sample without replacement
            # (Efraimidis and Spirakis 2006); logarithms keep small numbers apart.
            keys = np.log1p(-source.random(new)) / degrees[:new]
            chosen = np.argsort(-keys, kind="stable")[:affinity].tolist()
        for old in chosen:
            neighbours[old].add(new)
            neighbours[new].add(old)
            degrees[[old, new]] += 1.0
    return neighbours


def greedy_cliques(neighbours: list[set[int]]) -> list[list[int]]:
    """Partition the nodes into cliques, starting each from the free node of highest degree."""
    order = sorted(range(len(neighbours)), key=lambda node: -len(neighbours[node]))
    rank = {node: place for place, node in enumerate(order)}
    free = set(order)
    cliques = []
    for node in order:
        if node not in free:
            continue
        clique = [node]
        for other in sorted(neighbours[node] & free, key=rank.__getitem__):
            if all(other in neighbours[member] for member in clique):
                clique.append(other)
        free.difference_update(clique)
        cliques.append(sorted(clique))
    return cliques


def independent_set(name: str, source: Source, nodes: int, affinity: int = 4) -> Program:
    """Draw a problem: choose as many nodes as possible, no two of them adjacent.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    nodes
        Number of nodes, more than ``affinity``.
    affinity
        Number of edges each new node brings, at least 1.

    Raises
    ------
    UserError
        If the parameters admit no such graph.
    """
    if affinity < 1 or nodes <= affinity:
        raise UserError(
            f"a graph of {nodes} nodes with affinity {affinity} does not exist; "
            "it needs an affinity of 1 or more, and more nodes than that"
        )
    neighbours = barabasi_albert(source, nodes, affinity)
    cliques = greedy_cliques(neighbours)
    clique_of = {node: place for place, clique in enumerate(cliques) for node in clique}
    matrix = Rows()
    for place, clique in enumerate(cliques):
        if len(clique) > 1:
            matrix.add(f"clique_{place}", clique, 1.0, right=1.0)
    for node in range(nodes):
        for other in sorted(neighbours[node]):
            if node < other and clique_of[node] != clique_of[other]:
                matrix.add(f"edge_{node}_{other}", [node, other], 1.0, right=1.0)
    columns = [f"node_{node}" for node in range(nodes)]
    return matrix.program(name, columns, np.ones(nodes), sense="maximize")


FAMILY = Synthetic(
    name="independent_set",
    description="maximum independent set on scale-free graphs of 500, 1000 or 1500 nodes",
    draw=independent_set,
    parameters={
        "easy": {"nodes": 500},
        "medium": {"nodes": 1000},
        "hard": {"nodes": 1500},
    },
    direction="maximize",
)
