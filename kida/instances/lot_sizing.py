"""Capacitated lot sizing with setup times, by the laws of Trigeiro, Thomas and McClain (1989).

Several items share a machine; producing one in a period takes a setup. Easy has 8 items and 20
periods, medium 12 and 25.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def lot_sizing(
    name: str, source: Source, items: int, periods: int, utilization: float = 1.0
) -> Program:
    """Draw a problem: produce for all demands at the least cost of setups, stock and overtime.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    items, periods
        Their numbers.
    utilization
        The share of the machine's time that setting up and producing in every period would take.

    Raises
    ------
    UserError
        If there is no item or period, or the share is none.
    """
    if items < 1 or periods < 1 or not 0.0 < utilization <= 1.0:
        raise UserError(
            f"lot sizing of {items} items in {periods} periods at utilization {utilization} does "
            "not exist; it needs 1 of each and a utilization of more than 0 and at most 1"
        )
    demand = source.integers(50, 150, items, periods).astype(float)
    demand[:, : min(4, periods - 1)] *= source.random(items, min(4, periods - 1)) >= 0.25
    setup_cost = source.integers(200, 1000, items).astype(float)
    setup_time = source.integers(10, 50, items).astype(float)
    holding = source.uniform(1.0, 5.0, items)
    capacity = np.ceil((demand.mean(axis=1) + setup_time).sum() / utilization)
    overtime_cost = 50.0

    grid = np.arange(items * periods).reshape(items, periods)
    setup, produce, stock = grid, grid + items * periods, grid + 2 * items * periods
    overtime = 3 * items * periods + np.arange(periods)
    left = np.flip(np.cumsum(np.flip(demand, axis=1), axis=1), axis=1)  # demand from then on
    matrix = Rows()
    for i in range(items):
        for t in range(periods):
            before = [(int(stock[i, t - 1]), 1.0)] if t else []
            terms = [*before, (int(produce[i, t]), 1.0), (int(stock[i, t]), -1.0)]
            places, values = zip(*terms, strict=True)
            matrix.add(f"demand_{i}_{t}", places, values, demand[i, t], demand[i, t])
            matrix.add(
                f"setup_{i}_{t}", [setup[i, t], produce[i, t]], [-left[i, t], 1.0], right=0.0
            )
    for t in range(periods):
        used = np.concatenate([setup[:, t], produce[:, t], overtime[t : t + 1]])
        times = np.concatenate([setup_time, np.ones(items), [-1.0]])
        matrix.add(f"capacity_{t}", used, times, right=float(capacity))
    columns = [
        f"{what}_{i}_{t}"
        for what in ("set_up", "produce", "stock")
        for i in range(items)
        for t in range(periods)
    ]
    columns += [f"overtime_{t}" for t in range(periods)]
    objective = np.concatenate(
        [
            np.repeat(setup_cost, periods),
            np.zeros(items * periods),
            np.repeat(holding, periods),
            np.full(periods, overtime_cost),
        ]
    )
    upper = np.where(np.arange(len(columns)) < items * periods, 1.0, np.inf)
    return matrix.program(name, columns, objective, binaries=items * periods, upper=upper)


FAMILY = Synthetic(
    name="lot_sizing",
    description="capacitated lot sizing with setup times: 8 items and 20 periods, or 12 and 25",
    draw=lot_sizing,
    parameters={
        "easy": {"items": 8, "periods": 20},
        "medium": {"items": 12, "periods": 25},
    },
)
