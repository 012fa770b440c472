"""Which random seeds give a feasible load-balancing problem: the test, and the list made by it.

The makers of the competition's set skipped seeds whose problem is infeasible, so the k-th instance
cannot be found without deciding every seed before it. ``load_balancing_seeds.json`` holds the
decisions; ``python -m kida.instances.load_balancing_seeds`` made it and makes it again.

The test is exact. A problem is feasible when it is with every worker on, that is, when there are
reservations x and largest reservations z with::

    0 <= x_st <= min(capacity_t, z_s)  for t allowed for s,
    sum_s x_st <= capacity_t,          sum_t x_st - z_s >= load_s.

1. *Necessary.* For every s, the allowed capacities without the largest must reach load_s: putting
   x up to its capacities is the best a single workload can do, and its worst failure is that of
   the largest worker.
2. *Sufficient.* With z fixed, the system is a transport problem: demands load_s + z_s, arcs
   min(capacity_t, z_s). One maximum flow decides it; z_s is set to the second largest allowed
   capacity. (Larger never helps: a reservation above the second largest capacity can be cut down
   to it, which lowers the sum by no more than it lowers z_s.) Amounts are integers, rounded
   against the claim, so that a saturated flow proves feasibility.
3. *The rest*, about one seed in six, is decided by linear programs, with the smallest common
   shortfall y as objective (``sum_t x_st - z_s + y >= load_s``): feasible if y <= 0. The first
   one has only the workloads on the source's side of the minimum cut; if these alone cannot be
   served, neither can all. Otherwise the second one has all. Over the range shipped |y| was
   never near the tolerance of the LP solver (1e-7): ``closest_call`` in the list.
"""

import base64
import json
import random
import sys
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kida.files import write_json

FIRST_SEED, LAST_SEED = 42, 20450
WORKERS, WORKLOADS = 1000, 60
_FILE = "load_balancing_seeds.json"
_UNIT = 1e-6  # of capacity, in the integer flow: all capacities together stay below 2**31
# (number, lowest, highest) of each class; workloads also P(allowed) for the two worker classes.
_WORKERS = ((500, 0.3, 0.5), (500, 0.1, 0.3))
_WORKLOADS = ((50, 1.0, 5.0, (0.1, 0.01)), (10, 5.0, 10.0, (0.01, 0.1)))


class Draw(NamedTuple):
    """What the random seed decides: capacities (1000), loads (60), allowed workers of each load."""

    capacities: list[float]
    loads: list[float]
    allowed: list[list[int]]


def draw(seed: int) -> Draw:
    """Draw a problem as the competition's generator did; the order of draws must not change."""
    source = random.Random(seed)
    capacities: list[float] = []
    for number, low, high in _WORKERS:
        capacities += [source.uniform(low, high) for _ in range(source.randint(number, number))]
    loads, allowed = [], []
    for number, low, high, (first, second) in _WORKLOADS:
        chance = [first] * 500 + [second] * 500
        for _ in range(source.randint(number, number)):
            loads.append(source.uniform(low, high))
            allowed.append([t for t, p in enumerate(chance) if source.random() < p])
    return Draw(capacities, loads, allowed)


def is_feasible(problem: Draw) -> bool:
    """Decide exactly whether ``problem`` is feasible (3 to 10 ms, rarely up to a second)."""
    return _decide(problem)[0]


def _decide(problem: Draw) -> tuple[bool, float]:
    """Return the decision and how far it is from being the other (infinity: proved outright)."""
    if not _each_load_fits(problem):
        return False, np.inf
    tight = _unserved(problem)
    if not tight:
        return True, np.inf
    lacking = shortfall(problem, tight)
    if lacking <= 0.0 and len(tight) < WORKLOADS:
        lacking = shortfall(problem, range(WORKLOADS))
    return lacking <= 0.0, abs(lacking)


def _each_load_fits(problem: Draw) -> bool:
    for load, allowed in zip(problem.loads, problem.allowed, strict=True):
        capacities = [problem.capacities[t] for t in allowed]
        if not capacities or sum(capacities) - max(capacities) < load:
            return False
    return True


def _pairs(problem: Draw, workloads: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return place in ``workloads`` and worker of every allowed pair, int64 (e,) each."""
    lists = [np.array(problem.allowed[s], dtype=np.int64) for s in workloads]
    return np.repeat(np.arange(len(lists)), [len(one) for one in lists]), np.concatenate(lists)


def _unserved(problem: Draw) -> list[int]:
    """Return the workloads on the source's side of a minimum cut; none if all are served."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    capacities = np.array(problem.capacities)
    workload, worker = _pairs(problem, range(WORKLOADS))
    largest = np.array([np.sort(capacities[allowed])[-2:][0] for allowed in problem.allowed])
    demand = np.ceil((np.array(problem.loads) + largest) / _UNIT)
    arcs = np.floor(np.minimum(capacities[worker], largest[workload]) / _UNIT)
    # Nodes: workloads, workers, source, sink.
    source, sink = WORKLOADS + WORKERS, WORKLOADS + WORKERS + 1
    tails = np.concatenate([np.full(WORKLOADS, source), workload, np.arange(WORKERS) + WORKLOADS])
    heads = np.concatenate([np.arange(WORKLOADS), worker + WORKLOADS, np.full(WORKERS, sink)])
    amounts = np.concatenate([demand, arcs, np.floor(capacities / _UNIT)]).astype(np.int32)
    graph = csr_array((amounts, (tails, heads)), shape=(sink + 1, sink + 1))
    result = maximum_flow(graph, source, sink)
    if result.flow_value == int(demand.sum()):
        return []
    residual = graph - result.flow
    residual.eliminate_zeros()
    reached = breadth_first_order(residual, source, return_predecessors=False)
    return sorted(int(node) for node in reached if node < WORKLOADS)


def shortfall(problem: Draw, workloads: Sequence[int]) -> float:
    """Return the smallest y such that each of ``workloads``, less y, can be served together.

    Negative: so much is to spare. The other workloads are left out.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, vstack

    capacities = np.array(problem.capacities)
    workload, worker = _pairs(problem, workloads)
    pairs, count = len(worker), len(workloads)
    x, z, y = np.arange(pairs), pairs + np.arange(count), pairs + count
    n = y + 1
    ones, loads = np.ones(pairs), np.arange(count)
    capacity = csr_array((ones, (worker, x)), shape=(WORKERS, n))
    largest = csr_array(
        (np.concatenate([ones, -ones]), (np.tile(x, 2), np.concatenate([x, z[workload]]))),
        shape=(pairs, n),
    )
    served = csr_array(
        (
            np.concatenate([-ones, np.ones(count), -np.ones(count)]),
            (
                np.concatenate([workload, loads, loads]),
                np.concatenate([x, z, np.full(count, y)]),
            ),
        ),
        shape=(count, n),
    )
    objective = np.zeros(n)
    objective[y] = 1.0
    result = linprog(
        objective,
        A_ub=vstack([capacity, largest, served], format="csr"),
        b_ub=np.concatenate([capacities, np.zeros(pairs), [-problem.loads[s] for s in workloads]]),
        bounds=np.column_stack(
            [
                np.concatenate([np.zeros(y), [-np.inf]]),
                np.concatenate([capacities[worker], np.full(count + 1, np.inf)]),
            ]
        ),
        method="highs",
    )
    if not result.success:  # always feasible and bounded: y large enough, loads positive
        raise RuntimeError(f"the feasibility LP was not solved: {result.message}")
    return float(result.x[y])


@cache
def feasible_seeds() -> NDArray[np.int64]:
    """Return the feasible seeds of the range decided, ascending, int64."""
    content = json.loads(files("kida.instances").joinpath(_FILE).read_text(encoding="utf-8"))
    bits = np.unpackbits(np.frombuffer(base64.b64decode(content["feasible"]), np.uint8))
    return np.flatnonzero(bits[: content["count"]]) + int(content["first_seed"])


def main() -> None:
    """Decide the whole range and write the list beside this file (some minutes)."""
    decisions, closest = [], np.inf
    for seed in range(FIRST_SEED, LAST_SEED + 1):
        feasible, distance = _decide(draw(seed))
        decisions.append(feasible)
        closest = min(closest, distance)
        if seed % 500 == 0:
            print(f"{seed}: {sum(decisions)} feasible, closest call {closest:.2e}", flush=True)
    content = {
        "what": "one bit per seed, most significant first: 1 = the problem is feasible",
        "made_by": "python -m kida.instances.load_balancing_seeds",
        "closest_call": closest,
        "first_seed": FIRST_SEED,
        "count": len(decisions),
        "feasible": base64.b64encode(np.packbits(decisions).tobytes()).decode(),
    }
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name(_FILE)
    write_json(target, content)


if __name__ == "__main__":
    main()
