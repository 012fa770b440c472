"""One run of an evaluation as a job: what is solved, under what, and the record that it leaves."""

import contextlib
import math
import os
import platform
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kida.boundary import SCIP_INFINITY, plain
from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds
from kida.jobs.job import Job, Stage
from kida.settings import Limits
from kida.solver.policies import policy_identity
from kida.solver.solve import SolveResult, solve
from kida.solver.versions import versions

#: A run that used less of its core than this was held up by something else.
LEAST_CPU_SHARE = 0.95
#: Processes that may be busy beside the jobs before a run counts as disturbed.
SPARE_LOAD = 0.75


class Solve(Job, frozen=True, kw_only=True):
    """A job: solve one instance with one policy.

    Attributes
    ----------
    instance, seed, policy
        What is solved; the policy's name may be relative to ``folder``.
    permutation_seed
        Of SCIP's permutation of variables and constraints; 0: none.
    settings, time_limit, node_limit, memory_limit
        See :class:`kida.evaluation.records.Protocol`.
    jobs
        How many run at once on the machine; None if that is unknown.
    folder
        The absolute path of the working folder, in which functions are looked for.
    command
        What the user typed.
    """

    instance: Instance
    seed: int
    policy: str
    permutation_seed: int
    settings: str
    time_limit: float
    node_limit: int | None
    memory_limit: float | None
    jobs: int | None
    folder: str
    command: tuple[str, ...]

    @property
    def label(self) -> str:
        """What the job is, for messages."""
        return f"{self.instance.name}, seed {self.seed}, {self.policy}"

    def run(self, stage: Stage) -> Any:
        """Solve; return the run's record."""
        try:
            os.chdir(self.folder)
        except OSError as error:
            raise UserError(f"the folder {self.folder} is not on this machine: {error}") from error
        limits = Limits(self.time_limit, self.node_limit, self.memory_limit)
        surroundings = {"machine": _machine(), "versions": versions(), "started": _now()}
        before = _load()
        started, cpu = time.perf_counter(), time.process_time()
        result = solve(
            self.instance,
            self.policy,
            settings=self.settings,
            limits=limits,
            seed=self.seed,
            permutation_seed=self.permutation_seed,
        )
        share = (time.process_time() - cpu) / (time.perf_counter() - started)
        after = _load()
        known = initial_bounds(self.instance)
        return {
            "job": {**plain(self), "core": stage.core},
            "error": None,
            "policy_identity": policy_identity(self.policy),
            "initial_primal_bound": known.primal,
            "initial_dual_bound": known.dual,
            **surroundings,
            "load": [before, after],
            "cpu_share": share,
            "disturbed": _disturbances(before, after, share, self.jobs),
            "result": _plain(result),
        }


def _disturbances(
    before: float | None, after: float | None, share: float, jobs: int | None
) -> list[str]:
    """Return why the machine may have falsified a run, in words; empty if it did not.

    Without knowing how many ``jobs`` are meant to run on it, only the processor share can tell.
    """
    found = []
    load = max((load for load in (before, after) if load is not None), default=0.0)
    if jobs is not None and load > jobs + SPARE_LOAD:
        found.append(f"load {load:.1f} with {jobs} job{'s' if jobs > 1 else ''}")
    if share < LEAST_CPU_SHARE:
        found.append(f"{share:.0%} of a core")
    return found


def _plain(result: SolveResult) -> dict[str, Any]:
    """Return the result as JSON content; infinite bounds are +-1e20, an infinite gap is None."""
    termination = result.termination
    return {
        "reason": termination.reason.value,
        "limit": None if termination.limit is None else termination.limit.value,
        "status": termination.status,
        "sense": result.sense,
        "dual_bound": _clipped(result.dual_bound),
        "primal_bound": _clipped(result.primal_bound),
        "gap": result.gap if math.isfinite(result.gap) else None,
        "has_solution": result.solution is not None,
        "wall_time": result.wall_time,
        "cpu_time": result.cpu_time,
        "nodes": result.nodes,
        "fair_nodes": result.fair_nodes,
        "lp_iterations": result.lp_iterations,
        "lp_time": result.lp_time,
        "strong_branching_time": result.strong_branching_time,
        "branching": None if result.branching is None else asdict(result.branching),
        "trajectory": result.trajectory.to_json(),
    }


def _clipped(bound: float) -> float:
    return max(-SCIP_INFINITY, min(SCIP_INFINITY, bound))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _machine() -> dict[str, Any]:
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return {"processor": name, "cores": os.cpu_count()}
