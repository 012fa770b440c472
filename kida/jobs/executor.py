"""The one way to run many jobs: a ``concurrent.futures.Executor``, local or on a Dask cluster.

Nothing here knows what the jobs are. Jobs are plain functions with picklable arguments; a SCIP
``Model`` is not picklable, so jobs receive paths, family names and indices and build their own.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from typing import Any, Self, TypeVar

from kida.errors import UserError

Result = TypeVar("Result")


def available_cores() -> int:
    """Return the number of processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _start_worker() -> None:
    # Ctrl-C reaches the whole process group: the parent decides what happens to the workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # If the parent is killed it decides nothing, and nobody waits for the job any more.
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


class _Pool(ProcessPoolExecutor):
    """Local processes, whose death is how an interrupt reaches whoever waits for them.

    Python calls a signal's handler between any two steps of the main thread. An exception raised
    there, within ``submit`` or ``wait``, may leave one of their locks taken, and the pool's own
    thread then never ends. So the handler raises nothing: it kills the workers, which ends all
    waiting by a ``BrokenProcessPool``, and the interrupt comes when the pool has ended.
    """

    def __init__(self, jobs: int) -> None:
        # Started afresh: SCIP and torch do not survive a fork.
        context = multiprocessing.get_context("spawn")
        super().__init__(jobs, mp_context=context, initializer=_start_worker)
        self._handlers: dict[int, Callable[..., Any]] = {}
        self._received: list[int] = []
        self._submitting = False

    def __enter__(self) -> Self:
        # Python lets nobody but the main thread handle signals.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                handler = signal.getsignal(number)
                # What the system ignores, or ends the process by, is left to it.
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._receive)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        if kind is not None:
            # Python's own end of a pool would wait for the running jobs, which may take an hour.
            self._kill()
        super().__exit__(kind, *error)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if self._received:
            number = self._received[0]
            self._handlers[number](number, None)

    def _receive(self, number: int, _: object) -> None:
        self._received.append(number)
        # A pool that breaks while it takes a job in may lose it, and wait for it.
        if not self._submitting:
            self._kill()

    def submit(
        self, function: Callable[..., Result], /, *arguments: Any, **more: Any
    ) -> Future[Result]:
        if self._received:
            raise BrokenProcessPool("interrupted")
        self._submitting = True
        try:
            return super().submit(function, *arguments, **more)
        finally:
            self._submitting = False
            if self._received:
                self._kill()

    def _kill(self) -> None:
        for worker in list((self._processes or {}).values()):
            worker.terminate()


@contextmanager
def open_executor(jobs: int = 1, scheduler: str | None = None) -> Iterator[Executor]:
    """Open an executor of local processes, or of the workers of a Dask cluster.

    Leaving the context normally waits for the jobs; leaving it by an exception kills local workers
    at once. So do SIGINT (Ctrl-C) and SIGTERM, where Python handles them in the main thread: the
    jobs end by ``BrokenProcessPool``, and what the signal's handler raises, ``KeyboardInterrupt``
    for one, is raised when the context is left. Interrupts thus take effect within a second, and
    jobs must write their results atomically.

    Parameters
    ----------
    jobs
        Number of local worker processes, each started afresh.
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
    with _Pool(jobs) as pool:
        yield pool


class Workers:
    """Workers for jobs that may fail, or take their worker with them; a context manager.

    Parameters
    ----------
    jobs, scheduler
        See :func:`open_executor`.
    """

    def __init__(self, jobs: int = 1, scheduler: str | None = None) -> None:
        self._jobs = jobs
        self._scheduler = scheduler
        self._stack = ExitStack()

    def __enter__(self) -> "Workers":
        self._open()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self._stack.__exit__(*error)

    def run(
        self,
        function: Callable[..., Result],
        arguments: Sequence[tuple[Any, ...]],
        finished: Callable[[int, Result], None],
    ) -> dict[int, Exception]:
        """Call ``function`` with each of ``arguments``; one that fails is called again, alone.

        Parameters
        ----------
        function
            Importable by a worker.
        arguments
            One tuple per job.
        finished
            Told the position and the result of every job that succeeded, as it ends.

        Returns
        -------
        dict
            Position to error of the jobs that failed twice.

        Raises
        ------
        UserError
            If a job raises one: that is no accident, and would happen again.
        """
        waiting, suspects = list(range(len(arguments))), dict[int, Exception]()
        while waiting:
            failed, waiting = self._attempt(function, arguments, waiting, finished)
            suspects |= failed
        errors: dict[int, Exception] = {}
        for suspect, error in suspects.items():
            # Alone, so that a death of the worker is this job's doing; before, it may have been
            # another's, and the first failure of its own comes now.
            again = self._attempt(function, arguments, [suspect], finished)[0]
            if isinstance(error, BrokenProcessPool) and not isinstance(
                again.get(suspect, error), BrokenProcessPool
            ):
                again = self._attempt(function, arguments, [suspect], finished)[0]
            errors |= again
        return errors

    def _attempt(
        self,
        function: Callable[..., Result],
        arguments: Sequence[tuple[Any, ...]],
        waiting: list[int],
        finished: Callable[[int, Result], None],
    ) -> tuple[dict[int, Exception], list[int]]:
        """Return the jobs that failed, and those that a worker's death left undone."""
        futures: dict[Future[Result], int] = {}
        failed: dict[int, Exception] = {}
        died: dict[int, Exception] = {}
        try:
            for position in waiting:
                futures[self._executor.submit(function, *arguments[position])] = position
        except BrokenProcessPool as error:
            # A worker died that early: what was not submitted is undone as well.
            died = dict.fromkeys(waiting[len(futures) :], error)
        for future in as_completed(futures):
            position = futures[future]
            try:
                result = future.result()
            except UserError:
                raise
            except BrokenProcessPool as error:
                died[position] = error
            # Whatever a job or a worker does wrong costs that job, not the others.
            except Exception as error:
                failed[position] = error
            else:
                finished(position, result)
        undone = sorted(died)
        if undone:
            # The pool works in order: the jobs that were running are the first undone ones.
            failed |= {position: died[position] for position in undone[: self._jobs]}
            self._open()
        return failed, undone[self._jobs :]

    def _open(self) -> None:
        self._stack.close()
        self._executor = self._stack.enter_context(open_executor(self._jobs, self._scheduler))
