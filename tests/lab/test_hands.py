"""Jobs in processes that stay."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from kida.boundary import read_json
from kida.jobs.job import Failure
from kida.lab.hands import Hands

JOBS = Path(__file__).parents[1] / "jobs"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    """Let the processes, and the tests, import ``jobs_for_tests``."""
    monkeypatch.setenv("PYTHONPATH", str(JOBS))
    monkeypatch.syspath_prepend(str(JOBS))


@pytest.mark.slow
def test_jobs_share_processes_and_one_that_fails_costs_no_other(tmp_path: Path) -> None:
    from jobs_for_tests import Misbehaving, Square

    jobs = [Square(record=str(tmp_path / f"{k}.json"), number=k) for k in range(8)]
    bad = [
        Misbehaving(record=str(tmp_path / f"bad{k}.json"), number=k, folder=str(tmp_path))
        for k in (3, 9)
    ]
    found: dict[str, Failure | None] = {}
    workers = Hands(1)
    workers.run([*jobs, *bad], lambda job, failure: found.update({job.label: failure}))
    records = [read_json(Path(job.record), dict, "a record") for job in jobs]
    assert [record["square"] for record in records] == [k * k for k in range(8)]
    (process,) = {record["process"] for record in records}
    assert process != os.getpid()
    assert all(found[str(k)] is None for k in range(8))
    assert found["bad3"] == Failure("RuntimeError: job 3")
    assert found["bad9"] == Failure("no such thing", by_user=True)
    more = Square(record=str(tmp_path / "more.json"), number=5)
    workers.run([more], lambda job, failure: None)
    assert read_json(Path(more.record), dict, "a record")["process"] == process


@pytest.mark.slow
def test_an_exception_of_the_caller_ends_the_processes_and_others_begin(tmp_path: Path) -> None:
    from jobs_for_tests import Square

    def stop(job, failure):
        raise KeyboardInterrupt

    def process_of(number: int) -> int:
        return read_json(tmp_path / f"{number}.json", dict, "a record")["process"]

    jobs = [Square(record=str(tmp_path / f"{k}.json"), number=k) for k in range(3)]
    workers = Hands(1)
    with pytest.raises(KeyboardInterrupt):
        workers.run(jobs[:1], stop)
    deadline = time.monotonic() + 30
    while Path(f"/proc/{process_of(0)}").exists() and time.monotonic() < deadline:
        multiprocessing.active_children()  # which are waited for
        time.sleep(0.05)
    assert not Path(f"/proc/{process_of(0)}").exists()
    workers.run(jobs[1:], lambda job, failure: None)
    assert process_of(1) == process_of(2) != process_of(0)
