"""The same on the workers of a Dask cluster: each runs its jobs in processes of their own, as here.

What running jobs tell stays there; only their end is heard of.
"""

import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kida.errors import UserError, missing_extra
from kida.jobs.job import Failure, Job

#: Told the job, and why it has no record if it failed twice.
Ended = Callable[[Job, Failure | None], None]
# Seconds between two looks of a worker whether the job is still wanted.
_LOOK = 1.0
# Seconds after which a shared folder shows everywhere what one machine has written.
_LATE = 60.0


def run_on_cluster(address: str, jobs: Sequence[Job], ended: Ended) -> None:
    """Run jobs on the workers of the scheduler at ``address``; see :meth:`Workers.run`.

    A job whose Dask worker dies is started again on another one by Dask itself.
    """
    from distributed import Event, as_completed

    with _client(address) as client:
        stop = f"kida-stop-{secrets.token_hex(8)}"

        def submit(job: Job) -> Any:
            return client.submit(_on_worker, job, stop, pure=False)

        futures = {submit(job): job for job in jobs}
        tried_again: set[Any] = set()
        finished = as_completed(futures)
        try:
            for future in finished:
                job = futures.pop(future)
                failure = _failure_of(future) or _unseen(job)
                if failure is not None and failure.may_pass and future not in tried_again:
                    again = submit(job)
                    futures[again] = job
                    tried_again.add(again)
                    finished.add(again)
                else:
                    ended(job, failure)
        except BaseException:
            # What runs already is told to stop; what waits is forgotten.
            Event(stop, client=client).set()
            client.cancel(list(futures))
            raise


def check_library() -> None:
    """Refuse, with the remedy, if Dask is not there."""
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise missing_extra("--scheduler", "distributed (Dask)", "cluster") from error


@contextlib.contextmanager
def _client(address: str) -> Any:
    from distributed import Client

    try:
        client = Client(address)
    except (OSError, ValueError) as error:
        raise UserError(
            f"no Dask scheduler answers at {address} ({error}): "
            "start one with 'dask scheduler', and workers with 'dask worker'"
        ) from error
    with client:
        yield client


def _failure_of(future: Any) -> Failure | None:
    """Return why a job failed, also if it is Dask that failed it."""
    error = future.exception()
    if error is not None:
        return Failure(f"{type(error).__name__}: {error}")
    found: Failure | None = future.result()
    return found


def _unseen(job: Job) -> Failure | None:
    """Return what is wrong if a worker's record is not here."""
    record, until = Path(job.record), time.monotonic() + _LATE
    while not record.exists():
        if time.monotonic() > until:
            return Failure(
                f"{record}, which a worker has written, is not to be seen here: the folder of "
                "results must be one that all machines see",
                by_user=True,
                unfit=True,
            )
        time.sleep(0.1)
    return None


def _on_worker(job: Job, stop: str) -> Failure | None:
    """Run a job on this Dask worker, until it ends or nobody wants it any more."""
    from distributed import Event

    from kida.jobs.cores import Lease
    from kida.jobs.process import JobProcess, wait_for_any

    stopped = Event(stop)
    while (lease := Lease.take()) is None and not stopped.is_set():
        time.sleep(_LOOK)
    if lease is None:
        return Failure("interrupted", by_user=True)
    child = JobProcess(job, lease, lambda news: None)
    try:
        while not stopped.is_set():
            if wait_for_any([child], _LOOK):
                return child.outcome()
        logging.getLogger(__name__).info("%s is not wanted any more", job.label)
        return Failure("interrupted", by_user=True)
    finally:
        child.kill()
