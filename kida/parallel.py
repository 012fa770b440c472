"""The one way to run many jobs: a ``concurrent.futures.Executor``, local or on a Dask cluster.

Nothing here knows what the jobs are. Jobs are plain functions with picklable arguments; a SCIP
``Model`` is not picklable, so jobs receive paths, family names and indices and build their own.
"""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

from kida.errors import UserError


def available_cores() -> int:
    """Return the number of processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_worker() -> None:
    # Ctrl-C reaches the whole process group: the parent decides what happens to the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def open_executor(jobs: int = 1, scheduler: str | None = None) -> Iterator[Executor]:
    """Open an executor of local processes, or of the workers of a Dask cluster.

    Leaving the context normally waits for the jobs; leaving it by an exception (Ctrl-C included)
    cancels what has not begun and kills local workers at once, so that interrupts take effect
    within a second. Jobs must therefore write their results atomically.

    Parameters
    ----------
    jobs
        Number of local worker processes, each started afresh ("spawn": SCIP and torch do not
        survive a fork).
    scheduler
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``; ``jobs`` is then ignored.

    Raises
    ------
    UserError
        If ``jobs`` is not positive, or Dask is asked for but not installed or not answering.
    """
    if scheduler is not None:
        try:
            from distributed import Client
        except ImportError as error:
            raise UserError(
                "--scheduler needs Dask, which is not installed: pip install 'kida[cluster]'"
            ) from error
        try:
            client = Client(scheduler)
        except (OSError, ValueError) as error:
            raise UserError(
                f"no Dask scheduler answers at {scheduler} ({error}): "
                "start one with 'dask scheduler', and workers with 'dask worker'"
            ) from error
        with client:
            yield client.get_executor(pure=False)
        return
    if jobs < 1:
        raise UserError(f"the number of jobs is {jobs}; it must be at least 1")
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker)
    try:
        yield executor
    except BaseException:
        # `shutdown` alone would wait for the running jobs, which may take an hour.
        workers = list((executor._processes or {}).values())
        executor.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.terminate()
        raise
    executor.shutdown()
