"""Rewards of all points of a population, on the same instances, whatever happens to some solves."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kida.boundary import write_json
from kida.jobs.executor import Workers
from kida.lab.space import Vector
from kida.learning.judge import measure, reward_file
from kida.learning.plan import Draw
from kida.network.weights import Policy


@dataclass(frozen=True, eq=False)
class Solves:
    """What solving every draw with every policy gave.

    Attributes
    ----------
    rewards, roots
        Shape ``(policies, draws)``: the mean bound over the time limit, and the bound at the end
        of the root node; NaN where a solve failed or found none.
    errors
        The solves that failed twice: number of the policy (``point``), ``instance``, ``seed`` and
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
    homes = [folder / policy.identity()[:16] for policy in policies]
    for home, policy in zip(homes, policies, strict=True):
        if not (home / "card.json").exists():
            policy.save(home)
    files = [reward_file(home, draw) for draw in draws for home in homes]
    waiting = [
        (draws[position // len(homes)], homes[position % len(homes)], file)
        for position, file in enumerate(files)
        if not file.exists()
    ]
    ended = 0

    def finished(*_: Any) -> None:
        nonlocal ended
        ended += 1
        done(ended, len(waiting))

    failed = workers.run(
        measure,
        [
            (draw.instance, draw.seed, str(home), settings, seconds, file)
            for draw, home, file in waiting
        ],
        finished,
    )
    for position, error in failed.items():
        draw, home, file = waiting[position]
        _write_failure(file, homes.index(home), draw, error)
    return _read(files, (len(draws), len(policies)))


def _write_failure(file: Path, point: int, draw: Draw, error: Exception) -> None:
    """Write a failure down like a result, so that it is not tried for ever."""
    failure = {"point": point, "instance": draw.instance.name, "seed": draw.seed}
    nothing = {"reward": None, "root_bound": None}
    write_json(file, {**failure, "error": repr(error), **nothing})


def _read(files: Sequence[Path], shape: tuple[int, int]) -> Solves:
    """Return what is in the files, draw by draw; ``shape`` is the number of draws and policies."""
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    rewards, roots = (
        np.array([record[key] for record in records], np.float64).reshape(shape).T
        for key in ("reward", "root_bound")
    )
    return Solves(rewards, roots, [record for record in records if "error" in record])


def plain_rows(values: Vector) -> list[list[float | None]]:
    """Return nested lists for JSON, NaN as null."""
    return [[value if math.isfinite(value) else None for value in row] for row in values.tolist()]


def known_mean(values: Vector) -> float | None:
    """Return the mean of the finite values, or None if there are none: JSON has no NaN."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
