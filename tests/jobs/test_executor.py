"""The executor: results, interrupts, and what it refuses. (Dask: tests/learning, tests/cli.)"""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import wait
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.jobs.executor import Workers, available_cores, open_executor


def test_jobs_run_in_processes_of_their_own() -> None:
    with open_executor(jobs=2) as executor:
        assert list(executor.map(abs, [-3, 2])) == [3, 2]
        assert executor.submit(os.getpid).result() != os.getpid()


def test_an_exception_kills_running_jobs() -> None:
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), open_executor(jobs=1) as executor:  # noqa: PT012
        executor.submit(os.getpid).result()
        executor.submit(time.sleep, 600)
        raise KeyboardInterrupt
    # Far below the ten minutes that waiting for the job would take.
    assert time.monotonic() - begin < 300


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_anywhere_leaves_no_thread_and_no_worker(number) -> None:
    class Interrupted(BaseException):
        pass

    def handle(*_: object) -> None:
        raise Interrupted

    main, threads = threading.main_thread(), set(threading.enumerate())
    before = signal.signal(number, handle)
    try:
        for delay in (0.0, 0.0003, 0.001, 0.003, 0.01, 0.03):
            with pytest.raises(Interrupted), open_executor(jobs=2) as executor:  # noqa: PT012
                executor.submit(abs, 0).result()
                timer = threading.Timer(delay, signal.pthread_kill, [main.ident, number])
                timer.start()
                while True:
                    wait([executor.submit(abs, 0) for _ in range(20)])
            timer.join()
            # A thread that waits for a lock that the interrupt has left taken would be here.
            assert set(threading.enumerate()) == threads
            assert not multiprocessing.active_children()
            assert signal.getsignal(number) is handle
    finally:
        signal.signal(number, before)


def test_a_number_of_jobs_below_one_is_refused() -> None:
    with pytest.raises(UserError, match="at least 1"), open_executor(jobs=0):
        pass


def test_cores_are_counted() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def misbehave(number: int, folder: str) -> int:
    """Job 1 fails once, job 3 always; 5 kills its worker once, 7 always; 9 is a user's mistake."""
    again = Path(folder) / str(number)
    tried = again.exists()
    again.touch()
    if number == 9:
        raise UserError("no such thing")
    if number == 3 or (number == 1 and not tried):
        raise RuntimeError(f"job {number}")
    if number == 7 or (number == 5 and not tried):
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


@pytest.fixture
def _importable(monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.mark.usefixtures("_importable")
def test_what_fails_is_done_again_and_costs_no_other_job(tmp_path) -> None:
    results: dict[int, int] = {}
    with Workers(jobs=2) as workers:
        errors = workers.run(
            misbehave, [(number, str(tmp_path)) for number in range(9)], results.__setitem__
        )
        assert workers.run(abs, [(-4,)], lambda position, result: None) == {}
    assert results == {number: number * number for number in (0, 1, 2, 4, 5, 6, 8)}
    assert sorted(errors) == [3, 7]
    assert "job 3" in str(errors[3])
    assert type(errors[7]).__name__ == "BrokenProcessPool"


@pytest.mark.usefixtures("_importable")
def test_a_users_mistake_in_a_job_is_no_accident(tmp_path) -> None:
    with pytest.raises(UserError, match="no such thing"), Workers() as workers:
        workers.run(misbehave, [(9, str(tmp_path))], lambda position, result: None)
