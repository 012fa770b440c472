"""Instances x seeds x policies: every run once, whatever interrupts the evaluation.

A results folder holds ``protocol.json`` (what all its runs have in common) and ``runs/``, one
JSON file per run, written when the run has ended. Runs whose file is there are not done again, so
an evaluation is resumed by the command that began it, and extended by naming more instances,
seeds or policies. Reading results is ``results.py``; what happens in a run is ``single.py``.
"""

import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from kida.boundary import replaced, write_json
from kida.errors import UserError
from kida.evaluation.records import (
    PROTOCOL_FILE,
    RUNS_FOLDER,
    Failed,
    Job,
    Protocol,
    Record,
    read_protocol,
    read_record,
)
from kida.evaluation.single import run_isolated
from kida.evaluation.trials import Trial
from kida.instances.registry import digest_of
from kida.jobs.executor import available_cores, open_executor
from kida.solver.policies import policy_identity
from kida.solver.versions import versions


def evaluate(
    runs: Sequence[Trial],
    protocol: Protocol,
    folder: Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    retry_failed: bool = False,
    on_begin: Callable[[int], None] | None = None,
    on_record: Callable[[Record], None] | None = None,
) -> None:
    """Do all runs that the folder does not hold yet.

    Parameters
    ----------
    runs
        From :func:`plan`, in this order.
    protocol
        What they have in common.
    folder
        Where to keep the records; made if need be.
    jobs
        Runs at a time, each pinned to a core of its own.
    scheduler
        Address of a Dask scheduler; ``jobs`` is then ignored, and pinning left to its workers
        (start them with one thread per core that may be busy).
    retry_failed
        Whether runs recorded as failed are done again.
    on_begin
        Called once with the number of runs that are missing, before the first.
    on_record
        Called in this process with each new record, once it is on disk.

    Raises
    ------
    UserError
        If a policy does not exist, or the folder belongs to another protocol, or holds runs of
        another policy under the same name.
    KeyboardInterrupt
        On Ctrl-C: runs under way are lost, finished ones are kept.
    """
    if jobs < 1:
        raise UserError(f"the number of jobs is {jobs}; it must be at least 1")
    if scheduler is None and jobs > available_cores():
        raise UserError(
            f"{jobs} jobs on {available_cores()} cores would disturb each other; "
            f"use --jobs {available_cores()} or fewer"
        )
    identities = {policy: policy_identity(policy) for policy in {run.policy for run in runs}}
    _claim(folder, protocol)
    waiting = [run for run in runs if not _done(folder, run, identities, retry_failed)]
    if on_begin is not None:
        on_begin(len(waiting))
    # Cores are handed out one per job: a run keeps its core to itself.
    pinning = scheduler is None and hasattr(os, "sched_getaffinity")
    cores: list[int | None] = [*sorted(os.sched_getaffinity(0))] if pinning else [None] * jobs
    # A Dask scheduler knows its workers: it gets everything, and starts what fits.
    cores = cores[:jobs] if scheduler is None else [None] * len(waiting)
    if not waiting:
        return
    waiting.reverse()
    running: dict[Future[Record], tuple[Trial, int | None]] = {}
    with open_executor(jobs, scheduler) as executor:
        while waiting or running:
            while waiting and cores:
                run, core = waiting.pop(), cores.pop()
                future = executor.submit(
                    run_isolated, _job(run, protocol, core, jobs if scheduler is None else None)
                )
                running[future] = (run, core)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                run, core = running.pop(future)
                cores.append(core)
                record = future.result()
                write_json(folder / RUNS_FOLDER / run.file_name, record)
                if on_record is not None:
                    on_record(record)


def _job(run: Trial, protocol: Protocol, core: int | None, jobs: int | None) -> Job:
    return Job(
        instance=run.instance,
        digest=digest_of(run.instance),
        seed=run.seed,
        # 0 would mean no permutation.
        permutation_seed=run.seed + 1 if protocol.permute else 0,
        policy=run.policy,
        settings=protocol.settings,
        time_limit=protocol.seconds,
        node_limit=protocol.node_limit,
        memory_limit=protocol.memory_limit,
        core=core,
        jobs=jobs,
        # Long roots come on top of the limit, and SCIP cannot stop in the middle of an LP.
        patience=2 * protocol.seconds + 3600,
        command=("kida", *sys.argv[1:]),
    )


def _claim(folder: Path, protocol: Protocol) -> None:
    """Write the folder's protocol, or check that it is the one that is there."""
    wanted = replaced(protocol, scip=versions()["scip"])
    found = read_protocol(folder)
    if found is None:
        if folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty and holds no results; name another folder")
        write_json(folder / PROTOCOL_FILE, wanted)
        return
    if (difference := wanted.difference(found)) is not None:
        name, mine, theirs = difference
        raise UserError(
            f"{folder} holds runs with {name} {theirs!r}, not {mine!r}; "
            "name another folder, or the same configuration"
        )


def _done(folder: Path, run: Trial, identities: dict[str, str], retry_failed: bool) -> bool:
    path = folder / RUNS_FOLDER / run.file_name
    if not path.exists():
        if (
            run.old_file_name != run.file_name
            and (folder / RUNS_FOLDER / run.old_file_name).exists()
        ):
            raise UserError(
                f"{folder} holds runs that do not say which content of {run.instance.name} they "
                "solved, as older versions wrote them; name another folder"
            )
        return False
    record = read_record(path)
    if isinstance(record, Failed):
        return not retry_failed
    if record.policy_identity != identities[run.policy]:
        raise UserError(
            f"{folder} holds runs of another policy by the name {run.policy!r} "
            "(it has been changed or trained anew); name another folder"
        )
    return True
