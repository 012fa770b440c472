"""Generalized assignment of type D, whose costs are inversely correlated with the resources.

From Chu and Beasley (1997, "A genetic algorithm for the generalised assignment problem"). Easy has
5 agents and 50 jobs, medium 10 and 60.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def generalized_assignment(name: str, source: Source, agents: int, jobs: int) -> Program:
    """Draw a problem: give every job to an agent who has room for it, at the least cost.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    agents, jobs
        Their numbers. An agent's capacity is four fifths of an even share of all that he would
        need for every job; for that to suffice there must be five jobs for each agent.

    Raises
    ------
    UserError
        If there are too few jobs or agents.
    """
    if agents < 2 or jobs < 5 * agents:
        raise UserError(
            f"an assignment of {jobs} jobs to {agents} agents does not exist; it needs two agents "
            "and five jobs for each"
        )
    resource = source.integers(1, 100, agents, jobs)
    cost = 111 - resource + source.integers(-10, 10, agents, jobs)
    capacity = np.floor(0.8 * resource.sum(axis=1) / agents)
    give = np.arange(agents * jobs).reshape(agents, jobs)
    matrix = Rows()
    for i in range(agents):
        matrix.add(f"capacity_{i}", give[i], resource[i], right=float(capacity[i]))
    for j in range(jobs):
        matrix.add(f"given_{j}", give[:, j], 1.0, left=1.0, right=1.0)
    columns = [f"give_{i}_{j}" for i in range(agents) for j in range(jobs)]
    return matrix.program(name, columns, cost.ravel())


FAMILY = Synthetic(
    name="generalized_assignment",
    description="generalized assignment of type D: 5 agents and 50 jobs, or 10 and 60",
    draw=generalized_assignment,
    parameters={
        "easy": {"agents": 5, "jobs": 50},
        "medium": {"agents": 10, "jobs": 60},
    },
)
