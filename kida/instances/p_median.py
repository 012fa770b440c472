"""Capacitated p-median, after MIPLearn, with capacities of kida's own (Santos Xavier and Qiu 2020).

Points in a square; p of them become centres that serve the demands of all. Easy has 30 points and 5
centres, medium 50 and 7.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def p_median(name: str, source: Source, points: int, centres: int) -> Program:
    """Draw a problem: choose centres, and assign every point to one, at the least distance in all.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    points
        Their number; places are uniform in a square of side 100, demands in [0, 20).
    centres
        How many points become centres. Capacities are uniform between 0.5 and 1.2 times what a
        centre has to serve on average.

    Raises
    ------
    UserError
        If there are fewer points than centres, or no centre.
    """
    if not 1 <= centres <= points:
        raise UserError(
            f"a p-median of {points} points and {centres} centres does not exist; it needs a "
            "centre and as many points"
        )
    place = source.uniform(0.0, 100.0, points, 2)
    demand = source.uniform(0.0, 20.0, points)
    capacity = source.uniform(0.5, 1.2, points) * demand.sum() / centres
    distance = np.sqrt(((place[:, np.newaxis] - place[np.newaxis]) ** 2).sum(axis=2))
    serve = points + np.arange(points * points).reshape(points, points)
    matrix = Rows()
    for i in range(points):
        matrix.add(f"served_{i}", serve[i], 1.0, left=1.0, right=1.0)
    for j in range(points):
        matrix.add(
            f"capacity_{j}", np.append(serve[:, j], j), np.append(demand, -capacity[j]), right=0.0
        )
    matrix.add("centres", np.arange(points), 1.0, left=float(centres), right=float(centres))
    for i in range(points):
        for j in range(points):
            matrix.add(f"open_{i}_{j}", [j, serve[i, j]], [-1.0, 1.0], right=0.0)
    columns = [f"centre_{j}" for j in range(points)]
    columns += [f"serve_{i}_{j}" for i in range(points) for j in range(points)]
    return matrix.program(name, columns, np.append(np.zeros(points), distance.ravel()))


FAMILY = Synthetic(
    name="p_median",
    description="capacitated p-median: 30 or 50 points, 5 or 7 centres",
    draw=p_median,
    parameters={
        "easy": {"points": 30, "centres": 5},
        "medium": {"points": 50, "centres": 7},
    },
)
