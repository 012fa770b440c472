"""Load balancing ("workload apportionment"): the second problem set of the ML4CO competition.

Reserve capacity on workers for 60 workloads so that any one worker may fail, with as few of the
1,000 workers on as possible. The draws are in ``load_balancing_seeds.py``, with the seeds that
were skipped. Test files are confirmed (99 of 100 published primal bounds), and so is valid file
9900; the further valid files follow by analogy; where the official training numbers start is not
known, so train takes the feasible seeds from 42 on: the same distribution, disjoint from both.

The size ``small``, which the competition did not have, is for training: three tenths of the workers
and workloads, with as many allowed workers for each workload and workloads for each worker as in
the official set. Its LPs take a small part of the time, and its trees are large all the same.
"""

import dataclasses

import numpy as np

from kida.instances.competition import CompetitionFamily, file_number, published_bounds
from kida.instances.family import Bounds, Instance
from kida.instances.load_balancing_seeds import SMALL, Draw, draw, feasible_seeds, first_feasible
from kida.instances.program import Program, round_to_file

_FIRST_SEED = {"train": 42, "valid": 18102, "test": 20200}


def seed(split: str, index: int) -> int:
    """Return the random seed of instance ``index`` of ``split`` of the official set."""
    seeds = feasible_seeds()
    return int(seeds[np.searchsorted(seeds, _FIRST_SEED[split]) + index])


def problem_of(instance: Instance) -> Draw:
    """Return what is drawn for an instance."""
    if instance.size == "small":
        return first_feasible(instance.name, SMALL)
    return draw(seed(instance.split, instance.index))


class LoadBalancing(CompetitionFamily):
    """The family ``load_balancing``; see the module's docstring."""

    name = "load_balancing"
    description = "ML4CO's load balancing: 60 workloads on few of 1,000 workers, one may fail"
    sizes = ("official", "small")

    def instance(self, size: str, split: str, index: int) -> Instance:
        """Return an instance; of the official size, the competition's file of that place."""
        instance = super().instance(size, split, index)
        if size == "official":
            return instance
        return dataclasses.replace(instance, name=f"{self.name}_{size}_{split}_{index}")

    def bounds(self, instance: Instance) -> Bounds:
        """Return the published bounds, or the primal one.

        The first solution found switches on every worker that may serve at all: so it was for
        99 of the 100 published bounds.
        """
        if instance.size == "official":
            published = published_bounds(self.name, file_number(instance))
            if published is not None:
                return published
        return Bounds(None, float(useful_workers(problem_of(instance))))

    def program(self, instance: Instance) -> Program:
        """Draw the instance."""
        problem = problem_of(instance)
        workers, workloads = len(problem.capacities), len(problem.loads)
        capacities = np.array([round_to_file(c) for c in problem.capacities])
        loads = np.array([round_to_file(load) for load in problem.loads])
        pairs = workloads * workers
        # reserved[s, t] is the column of workload s on worker t; worker_used come first.
        reserved = workers + np.arange(pairs).reshape(workloads, workers)

        upper = np.zeros((workloads, workers))
        indices = [np.column_stack([np.tile(np.arange(workers), workloads), reserved.ravel()])]
        values = [
            np.column_stack(
                [
                    np.maximum(capacities[np.newaxis, :], loads[:, np.newaxis]).ravel(),
                    -np.ones(pairs),
                ]
            )
        ]
        indices.append(reserved.T)
        values.append(np.ones((workers, workloads)))
        lengths = [2] * pairs + [workloads] * workers
        rows = [f"worker_used_ct_{s}_{t}" for s in range(workloads) for t in range(workers)]
        rows += [f"worker_capacity_ct_{t}" for t in range(workers)]
        for s, allowed in enumerate(problem.allowed):
            upper[s, allowed] = capacities[allowed]
            count = len(allowed)
            others = ~np.eye(count, dtype=bool)
            indices.append(np.broadcast_to(reserved[s, allowed], (count, count))[others])
            values.append(np.ones(count * (count - 1)))
            lengths += [count - 1] * count
            rows += [f"workload_ct_{s}_failure_{t}" for t in allowed]

        columns = [f"worker_used_{t}" for t in range(workers)]
        columns += [f"reserved_capacity_{s}_{t}" for s in range(workloads) for t in range(workers)]
        demands = np.repeat(loads, [len(allowed) for allowed in problem.allowed])
        return Program(
            name=instance.name,
            columns=columns,
            rows=rows,
            binaries=workers,
            objective=np.concatenate([np.ones(workers), np.zeros(pairs)]),
            lower=np.zeros(workers + pairs),
            upper=np.concatenate([np.ones(workers), upper.ravel()]),
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            indices=np.concatenate([block.ravel() for block in indices]),
            values=np.concatenate([block.ravel() for block in values]),
            left=np.concatenate([np.zeros(pairs), np.full(workers, -np.inf), demands]),
            right=np.concatenate(
                [np.full(pairs, np.inf), capacities, np.full(len(demands), np.inf)]
            ),
        )


def useful_workers(problem: Draw) -> int:
    """Return the number of workers that appear in at least one list of allowed workers."""
    return len({t for allowed in problem.allowed for t in allowed})


FAMILY = LoadBalancing()
