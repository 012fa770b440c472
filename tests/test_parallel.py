"""The executor: results, interrupts, and what it refuses. (Dask: tests/learning, tests/cli.)"""

import os
import time

import pytest

from kida.errors import UserError
from kida.parallel import available_cores, open_executor


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


def test_a_number_of_jobs_below_one_is_refused() -> None:
    with pytest.raises(UserError, match="at least 1"), open_executor(jobs=0):
        pass


def test_cores_are_counted() -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
