"""Maritime inventory routing: the core model of MIRPLib, on random data in its ranges.

One product is made at loading ports, used up at discharging ports an ocean away, and carried by a
fleet of ships that also decides how much; no port may overflow or run dry. The time-expanded
arc-flow model is that of Papageorgiou, Nemhauser, Sokol, Cheon and Keha, "MIRPLib - A library of
maritime inventory routing problem instances: survey, core model, and benchmark results", European
Journal of Operational Research 235 (2014), 350-366; the ranges are read off its Group 1 data
(distances, fees, rates, capacity-to-rate ratios, classes of ships). Two things differ, so that
every draw is feasible: the spot market may make up for a whole period's rate at any time, and a
ship may leave the system with any load.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic

KM_PER_DAY = 14.0 * 1.852 * 24.0  # at 14 knots; a period is a day
SPOT_PRICE, SPOT_DISCOUNT = 10.0, 0.999  # per unit, and its factor per period: late is cheaper
ATTEMPT_COST = 0.01  # of calling at a port, per period elapsed
EARLY_REWARD = 0.01  # for every period a ship is done before the end


@dataclass(frozen=True)
class _World:
    """Ports (loading ones first) and ships of one instance; units of product, km, days, money."""

    loading: int
    distance: NDArray[np.float64]  # (ports, ports)
    fee: NDArray[np.float64]  # (ports,), paid on arrival
    rate: NDArray[np.float64]  # (ports,), made or used per day
    tank: NDArray[np.float64]  # (ports,), capacity
    stock: NDArray[np.float64]  # (ports,), at the start
    least: NDArray[np.float64]  # (ports,), smallest amount per call
    price: NDArray[np.float64]  # (ports,), revenue per unit discharged
    hold: NDArray[np.float64]  # (ships,), capacity
    cost: NDArray[np.float64]  # (ships,), per km
    start_port: NDArray[np.int64]  # (ships,)
    start_day: NDArray[np.int64]  # (ships,); laden if at a discharging port


def _draw(source: Source, loading: int, discharging: int, ships: int) -> _World:
    ports = loading + discharging
    load = np.arange(ports) < loading
    # A region is some hundred km across; the regions are an ocean apart.
    place = source.uniform(-300.0, 300.0, ports, 2)
    place[~load, 0] += float(source.uniform(4000.0, 8000.0))
    distance = np.sqrt(((place[:, np.newaxis] - place[np.newaxis]) ** 2).sum(axis=2))

    classes = np.array([300.0, 250.0, 200.0])
    hold = classes[np.sort(source.integers(0, 2, ships))]
    round_trip = 2.0 * np.ceil(distance[:loading, loading:].mean() / KM_PER_DAY) + 4.0
    # The fleet can carry about what is made and used: then routes and amounts matter.
    throughput = hold.sum() / round_trip * float(source.uniform(0.9, 1.1))
    rate = np.empty(ports)
    for side in (load, ~load):
        weight = source.uniform(0.7, 1.3, ports)[side]
        rate[side] = np.maximum(1.0, np.round(throughput * weight / weight.sum()))
    tank = rate * source.integers(6, 13, ports)
    start_port = np.where(
        source.random(ships) < 0.5,
        source.integers(0, loading - 1, ships),
        source.integers(loading, ports - 1, ships),
    )
    return _World(
        loading=loading,
        distance=distance,
        fee=source.integers(10, 100, ports).astype(float),
        rate=rate,
        tank=tank,
        stock=np.round(tank * source.uniform(0.35, 0.65, ports)),
        least=source.integers(40, 100, ports).astype(float),
        price=np.where(load, 0.0, np.round(source.uniform(4.5, 5.5, ports), 2)),
        hold=hold,
        cost=np.round(source.uniform(0.06, 0.09, ships), 4),
        start_port=start_port,
        start_day=source.integers(0, 9, ships),
    )


class _Columns:
    """Numbers the columns: binary ones first, whatever the order in which they are asked for."""

    def __init__(self) -> None:
        self.binary: dict[str, float] = {}
        self.continuous: dict[str, tuple[float, float]] = {}

    def place(self) -> dict[str, int]:
        return {name: j for j, name in enumerate([*self.binary, *self.continuous])}


def maritime_inventory_routing(
    name: str, source: Source, loading: int, discharging: int, ships: int, periods: int
) -> Program:
    """Draw a problem: route ships and choose amounts for the least cost less revenue.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    loading, discharging
        Numbers of ports on either side of the ocean.
    ships
        Number of ships, of up to three classes.
    periods
        Length of the horizon in days, 15 or more (ships come up to day 9).

    Raises
    ------
    UserError
        If a number is too small.
    """
    if min(loading, discharging, ships) < 1 or periods < 15:
        raise UserError(
            f"maritime inventory routing with {loading} loading and {discharging} discharging "
            f"ports, {ships} ships and {periods} periods does not exist; it needs 1 port on each "
            "side, 1 ship and 15 periods"
        )
    world = _draw(source, loading, discharging, ships)
    ports = loading + discharging
    days = np.maximum(1, np.ceil(world.distance / KM_PER_DAY)).astype(int)  # waiting: 1
    columns = _Columns()
    leave: dict[tuple[int, int, int], list[tuple[str, int]]] = defaultdict(list)
    reach: dict[tuple[int, int, int], list[str]] = defaultdict(list)
    nodes: list[tuple[int, int, int]] = []  # (ship, port, day) that the ship can be at

    for v in range(ships):
        first = (int(world.start_port[v]), int(world.start_day[v]))
        reachable = {first}
        for t in range(periods):
            for j in range(ports):
                if (j, t) not in reachable:
                    continue
                nodes.append((v, j, t))
                columns.binary[f"call_{v}_{j}_{t}"] = ATTEMPT_COST * t
                columns.continuous[f"amount_{v}_{j}_{t}"] = (-world.price[j], world.hold[v])
                done = f"sail_{v}_{j}_{t}_end"
                columns.binary[done] = -EARLY_REWARD * (periods - 1 - t)
                leave[v, j, t].append((done, -1))
                for k in range(ports):
                    arrival = t + int(days[j, k])
                    if arrival >= periods:
                        continue
                    arc = f"sail_{v}_{j}_{t}_{k}"
                    sailing = 0.0 if k == j else world.cost[v] * world.distance[j, k]
                    columns.binary[arc] = sailing + (0.0 if k == j else world.fee[k])
                    leave[v, j, t].append((arc, k))
                    reach[v, k, arrival].append(arc)
                    reachable.add((k, arrival))
        for t in range(periods + 1):
            columns.continuous[f"load_{v}_{t}"] = (0.0, world.hold[v])
    for j in range(ports):
        for t in range(periods):
            columns.continuous[f"stock_{j}_{t}"] = (0.0, world.tank[j])
            columns.continuous[f"spot_{j}_{t}"] = (SPOT_PRICE * SPOT_DISCOUNT**t, world.rate[j])

    rows = Rows()
    place = columns.place()

    def add(row: str, terms: dict[str, float], left: float, right: float) -> None:
        rows.add(row, [place[name] for name in terms], list(terms.values()), left, right)

    for v, j, t in nodes:
        starts = (j, t) == (world.start_port[v], world.start_day[v])
        terms = dict.fromkeys(reach[v, j, t], -1.0) | {arc: 1.0 for arc, _ in leave[v, j, t]}
        add(f"route_{v}_{j}_{t}", terms, float(starts), float(starts))
        call, amount = f"call_{v}_{j}_{t}", f"amount_{v}_{j}_{t}"
        if not starts:
            add(f"there_{v}_{j}_{t}", {call: 1.0} | dict.fromkeys(reach[v, j, t], -1.0), -np.inf, 0)
        hold = float(world.hold[v])
        add(f"most_{v}_{j}_{t}", {amount: 1.0, call: -hold}, -np.inf, 0.0)
        add(f"least_{v}_{j}_{t}", {amount: 1.0, call: -float(world.least[j])}, 0.0, np.inf)
        for arc, k in leave[v, j, t]:
            if k >= 0 and j < loading <= k:  # cross the ocean full ...
                add(f"full_{arc}", {f"load_{v}_{t + 1}": 1.0, arc: -hold}, 0.0, np.inf)
            if 0 <= k < loading <= j:  # ... and come back empty
                add(f"empty_{arc}", {f"load_{v}_{t + 1}": 1.0, arc: hold}, -np.inf, hold)
    visits: dict[tuple[int, int], list[int]] = defaultdict(list)  # (port, day) to ships
    stops: dict[tuple[int, int], list[int]] = defaultdict(list)  # (ship, day) to ports
    for v, j, t in nodes:
        visits[j, t].append(v)
        stops[v, t].append(j)
    for v in range(ships):
        laden = world.start_port[v] >= loading
        start = float(world.hold[v]) if laden else 0.0
        add(f"load_start_{v}", {f"load_{v}_0": 1.0}, start, start)
        for t in range(periods):
            terms = {f"load_{v}_{t + 1}": 1.0, f"load_{v}_{t}": -1.0}
            terms |= {f"amount_{v}_{j}_{t}": -1.0 if j < loading else 1.0 for j in stops[v, t]}
            add(f"load_balance_{v}_{t}", terms, 0.0, 0.0)
    for j in range(ports):
        sign = 1.0 if j < loading else -1.0  # loading ports fill up, the others run down
        for t in range(periods):
            terms = {f"stock_{j}_{t}": 1.0, f"spot_{j}_{t}": sign}
            terms |= {f"amount_{v}_{j}_{t}": sign for v in visits[j, t]}
            change = sign * float(world.rate[j])
            if t == 0:
                change += float(world.stock[j])
            else:
                terms[f"stock_{j}_{t - 1}"] = -1.0
            add(f"stock_balance_{j}_{t}", terms, change, change)
            if len(visits[j, t]) > 1:
                calls = dict.fromkeys((f"call_{v}_{j}_{t}" for v in visits[j, t]), 1.0)
                add(f"berth_{j}_{t}", calls, -np.inf, 1.0)
    costs = [*columns.binary.values(), *(cost for cost, _ in columns.continuous.values())]
    upper = [1.0] * len(columns.binary) + [most for _, most in columns.continuous.values()]
    return rows.program(name, list(place), costs, len(columns.binary), upper=upper)


FAMILY = Synthetic(
    name="maritime_inventory_routing",
    description="MIRPLib's core model: 3 to 7 ships supply ports across an ocean for 25 to 45 days",
    draw=maritime_inventory_routing,
    parameters={
        "easy": {"loading": 1, "discharging": 2, "ships": 3, "periods": 25},
        "medium": {"loading": 1, "discharging": 2, "ships": 4, "periods": 30},
        "hard": {"loading": 1, "discharging": 3, "ships": 7, "periods": 45},
    },
)
