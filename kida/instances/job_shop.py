"""Job shop scheduling, in the disjunctive model of Manne (1960), with the laws of Taillard (1993).

Every job visits every machine in an order of its own, for 1 to 99 time units each; the last end is
to be as early as possible. Easy has 8 jobs and 4 machines, medium 8 and 6.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def job_shop(name: str, source: Source, jobs: int, machines: int) -> Program:
    """Draw a problem: order the jobs on every machine so that all is done soonest.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    jobs, machines
        Their numbers.

    Raises
    ------
    UserError
        If there are not two jobs and a machine.
    """
    if jobs < 2 or machines < 1:
        raise UserError(
            f"a shop of {jobs} jobs and {machines} machines does not exist; it needs two jobs and "
            "a machine"
        )
    duration = source.integers(1, 99, jobs, machines).astype(float)  # on machine m
    route = np.array([source.permutation(machines) for _ in range(jobs)])
    horizon = float(duration.sum())
    pairs = [(m, i, j) for m in range(machines) for i in range(jobs) for j in range(i + 1, jobs)]
    start = len(pairs) + np.arange(jobs * machines).reshape(jobs, machines)
    end = len(pairs) + jobs * machines
    matrix = Rows()
    for place, (m, i, j) in enumerate(pairs):
        # The binary says that i comes before j.
        matrix.add(
            f"before_{m}_{i}_{j}",
            [place, start[i, m], start[j, m]],
            [-horizon, -1.0, 1.0],
            left=duration[i, m] - horizon,
        )
        matrix.add(
            f"after_{m}_{i}_{j}",
            [place, start[i, m], start[j, m]],
            [horizon, 1.0, -1.0],
            left=duration[j, m],
        )
    for i in range(jobs):
        for first, then in zip(route[i], route[i, 1:], strict=False):
            matrix.add(
                f"route_{i}_{first}_{then}",
                [start[i, first], start[i, then]],
                [-1.0, 1.0],
                left=duration[i, first],
            )
        last = route[i, -1]
        matrix.add(f"end_{i}", [start[i, last], end], [-1.0, 1.0], left=duration[i, last])
    columns = [f"order_{m}_{i}_{j}" for m, i, j in pairs]
    columns += [f"start_{i}_{m}" for i in range(jobs) for m in range(machines)] + ["end"]
    objective = np.zeros(len(columns))
    objective[end] = 1.0
    upper = np.where(np.arange(len(columns)) < len(pairs), 1.0, horizon)
    return matrix.program(name, columns, objective, binaries=len(pairs), upper=upper)


FAMILY = Synthetic(
    name="job_shop",
    description="job shop scheduling: 8 jobs on 4 or 6 machines",
    draw=job_shop,
    parameters={
        "easy": {"jobs": 8, "machines": 4},
        "medium": {"jobs": 8, "machines": 6},
    },
)
