"""One run of an evaluation as a job: what is solved, under what, and the record that it leaves."""

import contextlib
import math
import os
import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from kida.boundary import checked, convert, plain, replaced
from kida.evaluation.outcome import Branching, Outcome, Trajectory
from kida.evaluation.records import Assignment, Finished, Machine
from kida.instances.registry import initial_bounds
from kida.jobs.job import Job, Stage, enter
from kida.settings import Limits, named_settings
from kida.solver.policies import policy_identity
from kida.solver.solve import SolveResult, solve
from kida.solver.versions import versions
from kida.trajectory import without_infinities

T = TypeVar("T")

#: A run that used less of its core than this was held up by something else.
LEAST_CPU_SHARE = 0.95
#: Variables of which a record may say something.
MOST_VARIABLES = 100_000
#: Processes that may be busy beside the jobs before a run counts as disturbed.
SPARE_LOAD = 0.75


class Solve(Job, frozen=True, kw_only=True):
    """A job: one run of an evaluation.

    Attributes
    ----------
    assignment
        What to solve, and under what; the policy's name may be relative to ``folder``.
    folder
        Absolute path of the working folder, in which functions are looked for.
    """

    assignment: Assignment
    folder: str

    @property
    def label(self) -> str:
        """What the job is, for messages."""
        assigned = self.assignment
        return f"{assigned.instance.name}, seed {assigned.seed}, {assigned.policy}"

    def run(self, stage: Stage) -> Finished:
        """Solve; return the run's record."""
        enter(self.folder)
        assigned = replaced(self.assignment, core=stage.core)
        machine, started_at = _machine(), _now()
        before = _load()
        limits = Limits(assigned.time_limit, assigned.node_limit, assigned.memory_limit)
        started, cpu = time.perf_counter(), time.process_time()
        result = solve(
            assigned.instance,
            assigned.policy,
            settings=named_settings(assigned.settings).under(assigned.user_parameters),
            limits=limits,
            seed=assigned.seed,
            permutation_seed=assigned.permutation_seed,
            raise_interrupt=True,
        )
        share = (time.process_time() - cpu) / (time.perf_counter() - started)
        after = _load()
        known = initial_bounds(assigned.instance)
        return checked(
            Finished(
                job=assigned,
                policy_identity=policy_identity(assigned.policy),
                initial_primal_bound=known.primal,
                initial_dual_bound=known.dual,
                machine=machine,
                versions=versions(),
                started=started_at,
                load=(before, after),
                cpu_share=share,
                disturbed=tuple(_disturbances(before, after, share, assigned.jobs)),
                result=outcome(result),
                integers=_some(result.integers) if "integers" in assigned.keep else {},
                pseudocosts=_some(result.pseudocosts) if "pseudocosts" in assigned.keep else {},
            )
        )


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


def outcome(result: SolveResult) -> Outcome:
    """Return what is recorded of a solve."""
    termination, rule = result.termination, result.branching
    return Outcome(
        reason=termination.reason.value,
        limit=None if termination.limit is None else termination.limit.value,
        status=termination.status,
        sense=result.sense,
        dual_bound=float(without_infinities(result.dual_bound)),
        primal_bound=float(without_infinities(result.primal_bound)),
        gap=result.gap if math.isfinite(result.gap) else None,
        has_solution=result.solution is not None,
        wall_time=result.wall_time,
        cpu_time=result.cpu_time,
        nodes=result.nodes,
        fair_nodes=result.fair_nodes,
        lp_iterations=result.lp_iterations,
        lp_time=result.lp_time,
        strong_branching_time=result.strong_branching_time,
        branching=None if rule is None else convert(plain(rule), Branching, "the rule's counts"),
        trajectory=Trajectory.of(result.trajectory),
        time_split=dict(result.time_split),
    )


def _some(by_name: Mapping[str, T]) -> dict[str, T]:
    """Return what is known of variables, unless there are too many for a record."""
    return dict(by_name) if len(by_name) <= MOST_VARIABLES else {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _machine() -> Machine:
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return Machine(processor=name, cores=os.cpu_count())
