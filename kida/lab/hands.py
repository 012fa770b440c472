"""Processes that stay, for many short jobs: starting one for each would cost more than the job.

What a job does to its process the next ones find there, a crash ends them all, and nobody watches
their patience: for studies that count nodes, and go on from what is on disk.
"""

import itertools
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kida.errors import UserError
from kida.jobs.cluster import Ended
from kida.jobs.job import Failure, Job, Stage, UnfitError, carry_out, pack, unpack
from kida.jobs.run import Told, Workers
from kida.learning.events import Listener, Solve, log_event


def _nothing(job: Job, news: Any) -> None:
    pass


@dataclass(frozen=True)
class Hands(Workers):
    """Workers whose processes stay until the program ends; with a cluster, that does the jobs."""

    @cached_property
    def _processes(self) -> ProcessPoolExecutor:
        # Not forked: torch's threads, and SCIP's, would be missing in the child.
        context = multiprocessing.get_context("spawn")
        # More cannot be waited for on Windows.
        count = min(self.count, 61) if sys.platform == "win32" else self.count
        return ProcessPoolExecutor(count, mp_context=context, initializer=_begin)

    def run(self, jobs: Sequence[Job], ended: Ended, told: Told = _nothing) -> None:
        """Run all jobs; see :meth:`kida.jobs.run.Workers.run`. None is tried twice."""
        if self.scheduler is not None:
            super().run(jobs, ended, told)
            return
        self._all(_do, [(pack(job),) for job in jobs], lambda k, found: ended(jobs[k], found))

    def each(
        self,
        function: Callable[..., None],
        arguments: Iterable[tuple[Any, ...]],
        listener: Listener = log_event,
    ) -> None:
        """Call a module's function with each of some arguments, here also if there is a cluster.

        The listener gets an event after every call.
        """
        calls = list(arguments)
        done = itertools.count(1)
        self._all(function, calls, lambda k, found: listener(Solve(done=next(done), of=len(calls))))

    def _all(
        self,
        function: Callable[..., Any],
        arguments: Sequence[tuple[Any, ...]],
        ended: Callable[[int, Any], None],
    ) -> None:
        futures: dict[Future[Any], int] = {}
        try:
            for k, values in enumerate(arguments):
                futures[self._processes.submit(function, *values)] = k
            for future in as_completed(futures):
                ended(futures[future], future.result())
        except BaseException:
            self._processes.shutdown(wait=False, cancel_futures=True)
            del self.__dict__["_processes"]
            for child in multiprocessing.active_children():
                child.kill()
            raise


def _begin() -> None:
    # Ctrl-C in a terminal reaches these processes too; the program decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _do(content: dict[str, Any]) -> Failure | None:
    try:
        carry_out(unpack(content), Stage())
    except UserError as error:
        return Failure(str(error), by_user=True, unfit=isinstance(error, UnfitError))
    except Exception as error:
        return Failure(f"{type(error).__name__}: {error}")
    return None
