"""Rewards of all points of a population, on the same instances, whatever happens to some solves."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kida.evaluation.records import Failed, Protocol, Record
from kida.jobs.run import Workers
from kida.lab.sections import root_bound
from kida.lab.space import Vector
from kida.learning.judge import mean_reward, solve_all
from kida.learning.plan import Draw
from kida.network.policy import Policy


@dataclass(frozen=True, eq=False)
class Solves:
    """What solving every draw with every policy gave.

    Attributes
    ----------
    rewards, roots
        Shape ``(policies, draws)``: the mean bound over the time limit, and the bound at the end
        of the root node; NaN where a solve failed or found none.
    errors
        The solves that failed: number of the policy (``point``), ``instance``, ``seed`` and
        ``error``.
    """

    rewards: Vector
    roots: Vector
    errors: list[dict[str, Any]]


def measure_all(
    policies: Sequence[Policy],
    draws: Sequence[Draw],
    settings: str,
    seconds: float,
    folder: Path,
    workers: Workers,
    done: Callable[[int, int], None],
) -> Solves:
    """Solve every draw with every policy; what is in ``folder`` is not solved again.

    Parameters
    ----------
    policies, draws
        What to solve with, and what. Policies take turns on every draw: what disturbs the machine
        disturbs them alike.
    settings, seconds
        The named SCIP settings, and the time limit as they count it.
    folder
        Where policies and rewards are kept.
    workers
        Do the solves.
    done
        Told after every solve how many are done, of how many.
    """
    protocol = Protocol(settings, seconds)
    table = solve_all(policies, draws, protocol, folder, workers, done, retry_failed=False)
    errors = [
        {
            "point": point,
            "instance": record.job.instance.name,
            "seed": record.job.seed,
            "error": record.error,
        }
        for row in table
        for point, record in enumerate(row)
        if isinstance(record, Failed)
    ]
    rewards, roots = (
        np.array([[measure(record) for record in row] for row in table], np.float64).T
        for measure in (_reward, _root)
    )
    return Solves(rewards, roots, errors)


def _reward(record: Record) -> float:
    return math.nan if isinstance(record, Failed) else _finite(mean_reward(record))


def _root(record: Record) -> float:
    if isinstance(record, Failed):
        return math.nan
    return _finite(root_bound(record))


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def plain_rows(values: Vector) -> list[list[float | None]]:
    """Return nested lists for JSON, NaN as null."""
    return [[value if math.isfinite(value) else None for value in row] for row in values.tolist()]


def known_mean(values: Vector) -> float | None:
    """Return the mean of the finite values, or None if there are none: JSON has no NaN."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
