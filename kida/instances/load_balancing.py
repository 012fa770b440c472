"""Load balancing ("workload apportionment"): the second problem set of the ML4CO competition.

Reserve capacity on workers for 60 workloads so that any one worker may fail, with as few of the
1,000 workers on as possible. The draws are in ``load_balancing_seeds.py``, with the seeds that
were skipped. Test files are confirmed (99 of 100 published primal bounds), and so is valid file
9900; the further valid files follow by analogy; where the official training numbers start is not
known, so train takes the feasible seeds from 42 on: the same distribution, disjoint from both.
"""

import numpy as np

from kida.instances.family import Bounds, Instance
from kida.instances.load_balancing_seeds import WORKERS, WORKLOADS, Draw, draw, feasible_seeds
from kida.instances.official import OfficialFamily, file_number, published_bounds
from kida.instances.program import Program, round_to_file

_FIRST_SEED = {"train": 42, "valid": 18102, "test": 20200}


def seed(split: str, index: int) -> int:
    """Return the random seed of instance ``index`` of ``split``."""
    seeds = feasible_seeds()
    return int(seeds[np.searchsorted(seeds, _FIRST_SEED[split]) + index])


class LoadBalancing(OfficialFamily):
    """The family ``load_balancing``; see the module's docstring."""

    name = "load_balancing"
    description = "ML4CO's load balancing: 60 workloads on few of 1,000 workers, one may fail"

    def bounds(self, instance: Instance) -> Bounds:
        """Return the published bounds, or the primal one.

        The first solution found switches on every worker that may serve at all: so it was for
        99 of the 100 published bounds.
        """
        published = published_bounds(self.name, file_number(instance))
        if published is not None:
            return published
        problem = draw(seed(instance.split, instance.index))
        return Bounds(None, float(useful_workers(problem)))

    def program(self, instance: Instance) -> Program:
        """Draw the instance."""
        problem = draw(seed(instance.split, instance.index))
        capacities = np.array([round_to_file(c) for c in problem.capacities])
        loads = np.array([round_to_file(load) for load in problem.loads])
        pairs = WORKLOADS * WORKERS
        # reserved[s, t] is the column of workload s on worker t; worker_used come first.
        reserved = WORKERS + np.arange(pairs).reshape(WORKLOADS, WORKERS)

        upper = np.zeros((WORKLOADS, WORKERS))
        indices = [np.column_stack([np.tile(np.arange(WORKERS), WORKLOADS), reserved.ravel()])]
        values = [
            np.column_stack(
                [
                    np.maximum(capacities[np.newaxis, :], loads[:, np.newaxis]).ravel(),
                    -np.ones(pairs),
                ]
            )
        ]
        indices.append(reserved.T)
        values.append(np.ones((WORKERS, WORKLOADS)))
        lengths = [2] * pairs + [WORKLOADS] * WORKERS
        rows = [f"worker_used_ct_{s}_{t}" for s in range(WORKLOADS) for t in range(WORKERS)]
        rows += [f"worker_capacity_ct_{t}" for t in range(WORKERS)]
        for s, allowed in enumerate(problem.allowed):
            upper[s, allowed] = capacities[allowed]
            count = len(allowed)
            others = ~np.eye(count, dtype=bool)
            indices.append(np.broadcast_to(reserved[s, allowed], (count, count))[others])
            values.append(np.ones(count * (count - 1)))
            lengths += [count - 1] * count
            rows += [f"workload_ct_{s}_failure_{t}" for t in allowed]

        columns = [f"worker_used_{t}" for t in range(WORKERS)]
        columns += [f"reserved_capacity_{s}_{t}" for s in range(WORKLOADS) for t in range(WORKERS)]
        demands = np.repeat(loads, [len(allowed) for allowed in problem.allowed])
        return Program(
            name=instance.name,
            columns=columns,
            rows=rows,
            binaries=WORKERS,
            objective=np.concatenate([np.ones(WORKERS), np.zeros(pairs)]),
            lower=np.zeros(WORKERS + pairs),
            upper=np.concatenate([np.ones(WORKERS), upper.ravel()]),
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            indices=np.concatenate([block.ravel() for block in indices]),
            values=np.concatenate([block.ravel() for block in values]),
            left=np.concatenate([np.zeros(pairs), np.full(WORKERS, -np.inf), demands]),
            right=np.concatenate(
                [np.full(pairs, np.inf), capacities, np.full(len(demands), np.inf)]
            ),
        )


def useful_workers(problem: Draw) -> int:
    """Return the number of workers that appear in at least one list of allowed workers."""
    return len({t for allowed in problem.allowed for t in allowed})


FAMILY = LoadBalancing()
