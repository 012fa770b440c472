"""Unit commitment with minimum up and down times.

By the laws of MIPLearn (Santos Xavier and Qiu 2020) and the model of Bendotti, Fouilhoux and
Rottner (2018). Generators are switched on and off so that hourly demands are met. Easy has 15
generators and 24 hours, medium 30 and 36.
"""

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def unit_commitment(name: str, source: Source, generators: int, hours: int) -> Program:
    """Draw a problem: run generators for all demands, at the least cost.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    generators, hours
        Their numbers.

    Raises
    ------
    UserError
        If there is no generator, or fewer than two hours.
    """
    if generators < 1 or hours < 2:
        raise UserError(
            f"{generators} generators in {hours} hours make no problem; it needs a generator and "
            "two hours"
        )
    most = source.uniform(50.0, 500.0, generators)
    least = most * source.uniform(0.5, 0.75, generators)
    startup_cost = source.uniform(0.0, 10000.0, generators)
    unit_cost = source.uniform(0.0, 50.0, generators)
    fixed_cost = source.uniform(0.0, 1000.0, generators)
    up, down = source.integers(2, 7, generators), source.integers(2, 7, generators)
    demand = most.sum() * _profile(source, hours)

    grid = np.arange(generators * hours).reshape(generators, hours)
    on, start, produce = grid, grid + grid.size, grid + 2 * grid.size
    matrix = Rows()
    for g in range(generators):
        for t in range(1, hours):
            matrix.add(
                f"start_{g}_{t}", [on[g, t - 1], on[g, t], start[g, t]], [1.0, -1.0, 1.0], left=0.0
            )
        for t in range(hours):
            begun = start[g, max(t - int(up[g]) + 1, 0) : t + 1]
            matrix.add(
                f"up_{g}_{t}", np.append(begun, on[g, t]), _signs(len(begun), -1.0), right=0.0
            )
            if t >= down[g]:
                begun = start[g, t - int(down[g]) + 1 : t + 1]
                places = np.append(begun, on[g, t - int(down[g])])
                matrix.add(f"down_{g}_{t}", places, _signs(len(begun), 1.0), right=1.0)
            matrix.add(f"most_{g}_{t}", [on[g, t], produce[g, t]], [-most[g], 1.0], right=0.0)
            matrix.add(f"least_{g}_{t}", [on[g, t], produce[g, t]], [-least[g], 1.0], left=0.0)
    for t in range(hours):
        matrix.add(f"demand_{t}", produce[:, t], 1.0, left=demand[t], right=demand[t])
    columns = [
        f"{what}_{g}_{t}"
        for what in ("on", "start", "produce")
        for g in range(generators)
        for t in range(hours)
    ]
    costs = [np.repeat(cost, hours) for cost in (fixed_cost, startup_cost, unit_cost)]
    upper = np.where(np.arange(3 * grid.size) < 2 * grid.size, 1.0, np.inf)
    return matrix.program(name, columns, np.concatenate(costs), binaries=2 * grid.size, upper=upper)


def _signs(begun: int, of_state: float) -> list[float]:
    return [1.0] * begun + [of_state]


def _profile(source: Source, hours: int) -> NDArray[np.float64]:
    """Return the demand of each hour as a share of all capacity: two peaks a day, 0.4 to 0.8."""
    wave = np.sin(np.pi * np.arange(hours) / 6.0) * source.random(hours)
    wave -= wave.min()
    shares: NDArray[np.float64] = 0.4 * wave / max(float(wave.max()), 1e-9) + 0.4
    return shares


FAMILY = Synthetic(
    name="unit_commitment",
    description="unit commitment: 15 generators and 24 hours, or 30 and 36",
    draw=unit_commitment,
    parameters={
        "easy": {"generators": 15, "hours": 24},
        "medium": {"generators": 30, "hours": 36},
    },
)
