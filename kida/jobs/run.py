"""Running many jobs, whatever happens to some of them: on this machine's cores or a Dask cluster.

Each job has a process of its own, so that a crash costs that job alone; one that fails is tried
once more, after the others. An interrupt ends all processes; the records of finished jobs stay.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kida.errors import UserError
from kida.jobs.cluster import Ended, check_library, run_on_cluster
from kida.jobs.cores import Lease, available_cores
from kida.jobs.job import Failure, Job
from kida.jobs.process import JobProcess, wait_for_any

#: Told a running job and what it says.
Told = Callable[[Job, Any], None]

_log = logging.getLogger(__name__)
# Seconds between two looks at deadlines, and at cores that others hold.
_TICK = 0.5
# Seconds without a core after which that is said.
_SILENCE = 10.0


def _nothing(job: Job, news: Any) -> None:
    pass


@dataclass(frozen=True)
class Workers:
    """Where jobs run.

    Attributes
    ----------
    count
        How many run at a time on this machine, each on a core of its own.
    scheduler
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``, on whose workers the jobs run
        instead; they must see records and instance files under the same paths.

    Raises
    ------
    UserError
        If there are fewer cores than that, not one job, or no Dask for a scheduler.
    """

    count: int = 1
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.count < 1:
            raise UserError(f"--jobs is {self.count}: the number of jobs must be at least 1")
        if self.scheduler is not None:
            check_library()
            return
        cores = available_cores()
        if self.count > cores:
            raise UserError(
                f"{self.count} jobs on {cores} core{'s' if cores > 1 else ''} would disturb each "
                f"other; use --jobs {cores}{' or fewer' if cores > 1 else ''}"
            )

    def run(self, jobs: Sequence[Job], ended: Ended, told: Told = _nothing) -> None:
        """Run all jobs, in this order.

        Parameters
        ----------
        jobs
            What to run.
        ended
            Called, in this thread, when a job has its record, or has failed for good. An exception
            that it raises ends all other jobs.
        told
            Called, in this thread, with what a job that runs on this machine tells.

        Raises
        ------
        UserError
            If the cluster cannot be reached.
        KeyboardInterrupt
            On Ctrl-C, when all processes have been ended.
        """
        if not jobs:
            return
        if self.scheduler is not None:
            run_on_cluster(self.scheduler, jobs, ended)
        else:
            _run_here(jobs, self.count, ended, told)


#: On this machine, one at a time.
ONE_AT_A_TIME = Workers()


def run_alone(job: Job, told: Told = _nothing, *, grace: float = 0.0) -> Failure | None:
    """Run one job, once, at once; return why it has no record, if so.

    It has no core of its own: somebody waits for it, whoever else is at work on the machine.

    Parameters
    ----------
    job, told
        As for :meth:`Workers.run`.
    grace
        Seconds that the job has, after an interrupt, to end in order and write its record.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, when the process has ended; a record that it has still written is there.
    """
    with _children() as children:
        children.append(JobProcess(job, Lease(None, None), lambda news: told(job, news)))
        try:
            while not (found := wait_for_any(children, _TICK)):
                pass
            return found[0].outcome()
        except KeyboardInterrupt:
            children[0].ask_to_stop()
            until = time.monotonic() + grace
            while time.monotonic() < until and not wait_for_any(children, _TICK):
                pass
            raise


def _run_here(jobs: Sequence[Job], count: int, ended: Ended, told: Told) -> None:
    waiting, tried = deque(enumerate(jobs)), set[int]()
    with _children() as children:
        places: dict[JobProcess, int] = {}
        while waiting or children:
            while waiting and len(children) < count:
                child = _start(waiting[0][1], children, told, wait=not children)
                if child is None:
                    break
                places[child] = waiting.popleft()[0]
            for child in wait_for_any(children, _TICK):
                failure = child.outcome()
                children.remove(child)
                place = places.pop(child)
                if failure is not None:
                    _log.info("%s failed: %s", child.job.label, failure.reason)
                if failure is not None and failure.may_pass and place not in tried:
                    tried.add(place)
                    waiting.append((place, child.job))
                else:
                    ended(child.job, failure)


def _start(job: Job, children: list[JobProcess], told: Told, *, wait: bool) -> JobProcess | None:
    """Start a job as soon as there is a core for it, or only if there is one now."""
    began = time.monotonic()
    silent = True
    while (lease := Lease.take()) is None:
        if not wait:
            return None
        if silent and time.monotonic() - began > _SILENCE:
            silent = False
            _log.warning("all cores are taken by other runs of kida on this machine: waiting")
        time.sleep(_TICK)
    try:
        children.append(JobProcess(job, lease, lambda news: told(job, news)))
        _log.debug("%s has begun", job.label)
    except BaseException:
        lease.close()
        raise
    return children[-1]


@contextmanager
def _children() -> Iterator[list[JobProcess]]:
    """Hold processes, and kill those that are left when the block ends, however it ends."""
    children: list[JobProcess] = []
    try:
        yield children
    finally:
        for child in children:
            child.kill()
