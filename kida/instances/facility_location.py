"""Capacitated facility location, by the scheme of Cornuejols, Sridharan and Thizy (1991).

With the parameters of learn2branch (Gasse et al. 2019): 100 facilities and 100, 200 or 400
customers (easy, medium, hard), total capacity five times the total demand. The size ``small``, with
50 customers, is kida's own, for training: strong branching takes a fifth of the time there. Of as
many customers and facilities, and demands that cannot be split, ``35x35`` is the size of Scavuzzo
et al. (2022), to compare with their networks.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def facility_location(
    name: str,
    source: Source,
    customers: int,
    facilities: int = 100,
    ratio: float = 5.0,
    unsplittable: bool = False,
) -> Program:
    """Draw a problem: open facilities (binary) and ship fractions of demands (continuous).

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    customers, facilities
        Their numbers; places are uniform in the unit square.
    ratio
        Total capacity over total demand, more than 1 (capacities are rounded down).
    unsplittable
        Whether each customer is served by one facility alone: fractions are then binary.

    Raises
    ------
    UserError
        If there is no customer or facility, or the capacity does not suffice.
    """
    if customers < 1 or facilities < 1 or not ratio > 1.0:
        raise UserError(
            f"facility location with {customers} customers, {facilities} facilities and ratio "
            f"{ratio} does not exist; it needs 1 of each and a ratio above 1"
        )
    customer = source.random(customers, 2)
    facility = source.random(facilities, 2)
    demand = source.integers(5, 35, customers).astype(float)
    size = source.integers(10, 160, facilities).astype(float)
    fixed = np.floor(
        source.integers(100, 110, facilities) * np.sqrt(size) + source.integers(0, 90, facilities)
    )
    capacity = np.floor(size * ratio * demand.sum() / size.sum())
    if capacity.sum() < demand.sum():
        raise UserError(
            f"with ratio {ratio} and capacities rounded down, {facilities} facilities cannot serve "
            f"{customers} customers; choose a larger ratio"
        )
    distance = np.sqrt(((customer[:, np.newaxis] - facility[np.newaxis]) ** 2).sum(axis=2))
    transport = 10.0 * demand[:, np.newaxis] * distance

    ship = facilities + np.arange(customers * facilities).reshape(customers, facilities)
    matrix = Rows()
    for i in range(customers):
        matrix.add(f"demand_{i}", ship[i], 1.0, left=1.0)
    for j in range(facilities):
        matrix.add(
            f"capacity_{j}",
            np.append(ship[:, j], j),
            np.append(demand, -capacity[j]),
            right=0.0,
        )
    # Implied by the rows above; they make the relaxation tighter, as in the published sets.
    matrix.add("total_capacity", np.arange(facilities), capacity, left=demand.sum())
    for i in range(customers):
        for j in range(facilities):
            matrix.add(f"open_{i}_{j}", [j, ship[i, j]], [-1.0, 1.0], right=0.0)
    columns = [f"open_{j}" for j in range(facilities)]
    columns += [f"ship_{i}_{j}" for i in range(customers) for j in range(facilities)]
    binaries = len(columns) if unsplittable else facilities
    return matrix.program(
        name, columns, np.concatenate([fixed, transport.ravel()]), binaries=binaries
    )


FAMILY = Synthetic(
    name="facility_location",
    description="capacitated facility location: 100 facilities, 100, 200 or 400 customers",
    draw=facility_location,
    parameters={
        "easy": {"customers": 100},
        "medium": {"customers": 200},
        "hard": {"customers": 400},
        "small": {"customers": 50},
        "35x35": {"customers": 35, "facilities": 35, "unsplittable": True},
    },
)
