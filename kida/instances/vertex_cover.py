"""Minimum weighted vertex cover on random graphs, as in D-MIPLIB (Huang et al. 2024) and before.

Graphs follow Erdos and Renyi; weights are uniform in [0, 1). Easy has 120 nodes and edge
probability 0.15, medium 200 and 0.15.
"""

from kida.errors import UserError
from kida.instances.generalized_independent_set import random_graph
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def vertex_cover(name: str, source: Source, nodes: int, probability: float = 0.15) -> Program:
    """Draw a problem: take nodes of least weight so that every edge has one of its two.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    nodes
        Their number.
    probability
        Of each edge.

    Raises
    ------
    UserError
        If the parameters admit no such graph.
    """
    if nodes < 2 or not 0.0 <= probability <= 1.0:
        raise UserError(
            f"a graph of {nodes} nodes with edge probability {probability} does not exist; it "
            "needs two nodes and a probability from 0 to 1"
        )
    matrix = Rows()
    for i, j in random_graph(source, nodes, probability):
        matrix.add(f"edge_{i}_{j}", [i, j], 1.0, left=1.0)
    return matrix.program(name, [f"node_{i}" for i in range(nodes)], source.random(nodes))


FAMILY = Synthetic(
    name="vertex_cover",
    description="weighted vertex cover on random graphs of 120 or 200 nodes",
    draw=vertex_cover,
    parameters={"easy": {"nodes": 120}, "medium": {"nodes": 200}},
)
