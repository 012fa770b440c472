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
import itertools
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

from kida.boundary import write_json

FIRST_SEED, LAST_SEED = 42, 20450
_FILE = "load_balancing_seeds.json"
_UNIT = 1e-6  # of capacity, in the integer flow: all capacities together stay below 2**31
_CAPACITIES = ((0.3, 0.5), (0.1, 0.3))  # (lowest, highest) of each class of workers
_LOADS = ((1.0, 5.0), (5.0, 10.0))  # and of workloads


class Scale(NamedTuple):
    """How large the problems are."""

    workers: int  #: of either class
    workloads: tuple[int, int]  #: of each class
    #: Probability that a worker is allowed for a workload, of the same class and of the other.
    allowed: tuple[float, float]


OFFICIAL = Scale(500, (50, 10), (0.1, 0.01))
#: As many allowed workers for each workload as in the official set, and workloads for each worker.
SMALL = Scale(150, (15, 3), (1 / 3, 1 / 30))


class Draw(NamedTuple):
    """What the random seed decides: capacities, loads, allowed workers of each load."""

    capacities: list[float]
    loads: list[float]
    allowed: list[list[int]]


def draw(seed: int | str, scale: Scale = OFFICIAL) -> Draw:
    """Draw a problem as the competition's generator did; the order of draws must not change."""
    source = random.Random(seed)
    capacities: list[float] = []
    for low, high in _CAPACITIES:
        number = source.randint(scale.workers, scale.workers)
        capacities += [source.uniform(low, high) for _ in range(number)]
    loads, allowed = [], []
    for number, (low, high), chances in zip(
        scale.workloads, _LOADS, (scale.allowed, scale.allowed[::-1]), strict=True
    ):
        chance = [p for p in chances for _ in range(scale.workers)]
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
    if lacking <= 0.0 and len(tight) < len(problem.loads):
        lacking = shortfall(problem, range(len(problem.loads)))
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
    workers, workloads = len(problem.capacities), len(problem.loads)
    workload, worker = _pairs(problem, range(workloads))
    largest = np.array([np.sort(capacities[allowed])[-2:][0] for allowed in problem.allowed])
    demand = np.ceil((np.array(problem.loads) + largest) / _UNIT)
    arcs = np.floor(np.minimum(capacities[worker], largest[workload]) / _UNIT)
    # Nodes: workloads, workers, source, sink.
    source, sink = workloads + workers, workloads + workers + 1
    tails = np.concatenate([np.full(workloads, source), workload, np.arange(workers) + workloads])
    heads = np.concatenate([np.arange(workloads), worker + workloads, np.full(workers, sink)])
    amounts = np.concatenate([demand, arcs, np.floor(capacities / _UNIT)]).astype(np.int32)
    graph = csr_array((amounts, (tails, heads)), shape=(sink + 1, sink + 1))
    result = maximum_flow(graph, source, sink)
    if result.flow_value == int(demand.sum()):
        return []
    residual = graph - result.flow
    residual.eliminate_zeros()
    reached = breadth_first_order(residual, source, return_predecessors=False)
    return sorted(int(node) for node in reached if node < workloads)


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
    capacity = csr_array((ones, (worker, x)), shape=(len(capacities), n))
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


def first_feasible(name: str, scale: Scale) -> Draw:
    """Return the first feasible draw of the seeds ``name/0``, ``name/1`` and so on."""
    return next(
        problem
        for attempt in itertools.count()
        if is_feasible(problem := draw(f"{name}/{attempt}", scale))
    )


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
