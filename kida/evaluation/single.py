"""One run in a process of its own, so that whatever happens there harms no other run.

``python -m kida.evaluation.single OUTPUT`` reads its job as one line of JSON from the standard
input, solves, and writes the run's record to OUTPUT. It leaves at once when its standard input
closes, that is, when whoever started it is gone. The other side is ``run_isolated``.
"""

import contextlib
import json
import math
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from kida.boundary import checked, convert, decode_json, plain, write_json
from kida.evaluation.outcome import Branching, Outcome, Trajectory
from kida.evaluation.records import (
    Failed,
    Finished,
    Job,
    Machine,
    Record,
    read_record,
)
from kida.instances.registry import initial_bounds
from kida.settings import Limits
from kida.solver.policies import policy_identity
from kida.solver.solve import SolveResult, solve
from kida.solver.versions import versions
from kida.trajectory import SCIP_INFINITY

#: A run that used less of its core than this was held up by something else.
LEAST_CPU_SHARE = 0.95
#: Processes that may be busy beside the jobs before a run counts as disturbed.
SPARE_LOAD = 0.75


def run_isolated(job: Job) -> Record:
    """Do one job in a process of its own; return its record, also if that process crashes.

    Parameters
    ----------
    job
        What to do; it is part of the record.
    """
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "record.json", Path(folder) / "errors.txt"
        with errors.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "kida.evaluation.single", str(output)],
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=sink,
            )
        assert process.stdin is not None
        with process.stdin:
            # The process may be dead before it has read its job; its exit status tells.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(plain(job)).encode() + b"\n")
                process.stdin.flush()
            try:
                status = process.wait(job.patience)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                return Failed(
                    job=job, error=f"did not stop within {job.patience:.0f} s and was killed"
                )
        if output.exists():
            return read_record(output)
        said = errors.read_text(encoding="utf-8", errors="replace").strip()[-2000:]
    how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return Failed(job=job, error=f"the process crashed ({how}); it said: {said or 'nothing'}")


def _watch_parent() -> None:
    # Not through `sys.stdin`, whose lock would be held at interpreter shutdown.
    while os.read(0, 1):
        pass
    os._exit(1)


def _read_job() -> Job:
    line = b""
    while not line.endswith(b"\n"):
        received = os.read(0, 65536)
        if not received:
            raise EOFError("the job never arrived")
        line += received
    return decode_json(line, Job, "the job is none")


def _run(job: Job) -> Finished:
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    instance = job.instance
    machine, started_at = _machine(), _now()
    before = _load()
    limits = Limits(job.time_limit, job.node_limit, job.memory_limit)
    started, cpu = time.perf_counter(), time.process_time()
    result = solve(
        instance,
        job.policy,
        settings=job.settings,
        limits=limits,
        seed=job.seed,
        permutation_seed=job.permutation_seed,
    )
    share = (time.process_time() - cpu) / (time.perf_counter() - started)
    after = _load()
    return checked(
        Finished(
            job=job,
            policy_identity=policy_identity(job.policy),
            initial_primal_bound=initial_bounds(instance).primal,
            initial_dual_bound=initial_bounds(instance).dual,
            machine=machine,
            versions=versions(),
            started=started_at,
            load=(before, after),
            cpu_share=share,
            disturbed=tuple(_disturbances(before, after, share, job.jobs)),
            result=outcome(result),
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
        dual_bound=_clipped(result.dual_bound),
        primal_bound=_clipped(result.primal_bound),
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
    )


def _clipped(bound: float) -> float:
    return max(-SCIP_INFINITY, min(SCIP_INFINITY, bound))


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


def main() -> None:
    """Do the job on the standard input; an exception becomes part of the record."""
    job = _read_job()
    threading.Thread(target=_watch_parent, daemon=True).start()
    try:
        record: Record = _run(job)
    except Exception as error:
        record = Failed(job=job, error=f"{type(error).__name__}: {error}")
    write_json(Path(sys.argv[1]), record)


if __name__ == "__main__":
    main()
