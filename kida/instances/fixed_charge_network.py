"""Fixed-charge multicommodity network design: open arcs to route all commodities.

The random scheme is that of "Learning to compare nodes in branch and bound with graph neural
networks" (Labassi, Chetelat and Lodi, NeurIPS 2022): directed Erdos-Renyi graphs, fixed costs a
hundred times the flow costs, so that LP relaxations open arcs by tiny fractions. Easy has their
size; medium and hard are larger and have a seventh of the capacities, without which SCIP 10 closes
them at the root or soon after. A draw that cannot be served is drawn again.
"""

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic

ARC_PROBABILITY = 0.33
_ATTEMPTS = 200


def fixed_charge_network(
    name: str,
    source: Source,
    nodes: int,
    commodities: int,
    capacity_factor: float = 1.0,
    strong: bool = False,
) -> Program:
    """Draw a problem: pay for opening arcs and for flow; serve every commodity.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    nodes, commodities
        Numbers of nodes (4 or more, for paths to exist soon) and of commodities, each with its
        own pair of nodes.
    capacity_factor
        Multiplies the published capacities, which are ample.
    strong
        Whether to add the rows ``flow share <= open`` of every arc and commodity, which make
        the relaxation tight and large.

    Raises
    ------
    UserError
        If there are too few nodes, more commodities than half the pairs, or capacities so
        small that no draw can be served.
    """
    if nodes < 4 or not 1 <= commodities <= nodes * (nodes - 1) // 2:
        raise UserError(
            f"a network of {nodes} nodes and {commodities} commodities does not exist; it needs "
            "4 nodes, and between 1 commodity and one for every second pair of nodes"
        )
    for _ in range(_ATTEMPTS):
        program = _attempt(name, source, nodes, commodities, capacity_factor, strong)
        if program is not None and _can_be_served(program):
            return program
    raise UserError(
        f"none of {_ATTEMPTS} networks could serve its commodities; "
        f"the capacity factor {capacity_factor} is too small"
    )


def _attempt(
    name: str,
    source: Source,
    nodes: int,
    commodities: int,
    capacity_factor: float,
    strong: bool,
) -> Program | None:
    """Return a problem that may be infeasible, or None if too few pairs are connected."""
    linked = source.random(nodes, nodes) < ARC_PROBABILITY
    np.fill_diagonal(linked, False)
    tails, heads = np.nonzero(linked)
    arcs = len(tails)
    flow_cost = np.floor(source.uniform(11.0, 50.0, arcs))
    open_cost = np.floor(source.uniform(1100.0, 5000.0, arcs))
    capacity = np.floor(
        capacity_factor
        * source.uniform(1.0, commodities + 1.0, arcs)
        * source.uniform(10.0, 100.0, arcs)
    )
    pairs = np.argwhere(_connected(linked))
    if len(pairs) < commodities:
        return None
    pairs = pairs[source.sample(len(pairs), commodities)]
    demand = np.floor(source.uniform(10.0, 100.0, commodities))

    flow = arcs + np.arange(commodities * arcs).reshape(commodities, arcs)
    rows = Rows()
    for k, (origin, destination) in enumerate(pairs.tolist()):
        for node in range(nodes):
            out, into = flow[k, tails == node], flow[k, heads == node]
            if len(out) + len(into) == 0:
                continue
            side = float(node == origin) - float(node == destination)
            rows.add(
                f"flow_{k}_{node}",
                np.concatenate([out, into]),
                np.repeat([1.0, -1.0], [len(out), len(into)]),
                side,
                side,
            )
    for a in range(arcs):
        rows.add(
            f"capacity_{a}",
            np.append(flow[:, a], a),
            np.append(demand, -capacity[a]),
            right=0.0,
        )
    if strong:
        for k in range(commodities):
            for a in range(arcs):
                rows.add(f"link_{k}_{a}", [a, flow[k, a]], [-1.0, 1.0], right=0.0)
    columns = [f"open_{i}_{j}" for i, j in zip(tails.tolist(), heads.tolist(), strict=True)]
    columns += [
        f"flow_{k}_{i}_{j}"
        for k in range(commodities)
        for i, j in zip(tails.tolist(), heads.tolist(), strict=True)
    ]
    costs = np.concatenate([open_cost, np.outer(demand, flow_cost).ravel()])
    return rows.program(name, columns, costs, binaries=arcs)


def _connected(linked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which ordered pairs of different nodes have a path, bool (n, n)."""
    paths = linked.copy()
    for middle in range(len(linked)):
        paths |= np.outer(paths[:, middle], paths[middle])
    np.fill_diagonal(paths, False)
    return paths


def _can_be_served(program: Program) -> bool:
    """Say whether all flows have room when every arc is open, by the LP without costs."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    matrix = csr_array(
        (program.values, program.indices, program.starts),
        shape=(len(program.rows), len(program.columns)),
    )
    equations = program.left == program.right
    result = linprog(
        np.zeros(len(program.columns)),
        A_ub=matrix[~equations],
        b_ub=program.right[~equations],
        A_eq=matrix[equations],
        b_eq=program.right[equations],
        bounds=(0.0, 1.0),
        method="highs",
    )
    return bool(result.status == 0)


FAMILY = Synthetic(
    name="fixed_charge_network",
    description="fixed-charge multicommodity network design: 15 to 30 nodes, 22 to 35 commodities",
    draw=fixed_charge_network,
    parameters={
        "easy": {"nodes": 15, "commodities": 22},
        "medium": {"nodes": 25, "commodities": 30, "capacity_factor": 0.15},
        "hard": {"nodes": 30, "commodities": 35, "capacity_factor": 0.15},
    },
)
