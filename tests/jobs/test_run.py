"""Many jobs in processes of their own: results, crashes, second tries, interrupts, leases."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.jobs.cores import Lease, available_cores
from kida.jobs.job import Failure, Job
from kida.jobs.run import Workers, run_alone


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(true) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_jobs_run_in_processes_of_their_own(tmp_path: Path) -> None:
    from jobs_for_tests import Square

    jobs = [Square(record=str(tmp_path / f"{k}.json"), number=k) for k in range(3)]
    ended: dict[str, Failure | None] = {}
    news: list[object] = []
    Workers(min(2, available_cores())).run(
        jobs,
        lambda job, failure: ended.__setitem__(job.label, failure),
        lambda job, message: news.append((job.label, message)),
    )
    assert ended == {"0": None, "1": None, "2": None}
    assert sorted(news) == [(str(k), {"number": k}) for k in range(3)]
    records = [json.loads((tmp_path / f"{k}.json").read_text()) for k in range(3)]
    assert [record["square"] for record in records] == [0, 1, 4]
    assert len({os.getpid(), *(record["process"] for record in records)}) == 4
    if hasattr(os, "sched_getaffinity"):
        assert all(len(record["cores"]) == 1 for record in records)


@pytest.mark.slow
def test_what_fails_is_done_once_more_and_costs_no_other_job(tmp_path: Path) -> None:
    from jobs_for_tests import Misbehaving

    jobs = [
        Misbehaving(record=str(tmp_path / f"{k}.json"), number=k, folder=str(tmp_path))
        for k in range(10)
    ]
    ended: dict[int, Failure | None] = {}
    Workers(min(2, available_cores())).run(
        jobs, lambda job, failure: ended.__setitem__(job.number, failure)
    )
    failed = {number: failure for number, failure in ended.items() if failure is not None}
    assert len(ended) == 10
    assert sorted(failed) == [3, 7, 9]
    assert failed[3].error.startswith("RuntimeError: job 3 (")
    assert "jobs_for_tests.py, line " in failed[3].error
    assert failed[3].may_pass
    assert failed[7].reason == ("the process crashed (killed by SIGKILL): these are its last words")
    assert failed[9] == Failure("no such thing", by_user=True)
    tries = {number: (tmp_path / str(number)).read_text() for number in range(10)}
    # A user's mistake would happen again.
    assert [len(tries[number]) for number in range(10)] == [1, 2, 1, 2, 1, 2, 1, 2, 1, 1]
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == list("0124568")


def test_a_machine_that_can_do_no_job_is_no_fault_of_the_job(tmp_path: Path) -> None:
    from jobs_for_tests import Square

    (tmp_path / "file").touch()
    job = Square(record=str(tmp_path / "file" / "r.json"), number=2)
    found: list[Failure | None] = []
    Workers().run([job], lambda job, failure: found.append(failure))
    assert found[0] is not None
    assert found[0].unfit
    assert not found[0].may_pass
    assert "cannot write" in found[0].reason


@pytest.mark.slow
def test_a_job_whose_patience_ends_is_killed_with_its_children(tmp_path: Path) -> None:
    from jobs_for_tests import Sleeping

    job = Sleeping(record=str(tmp_path / "r.json"), started=str(tmp_path / "pids"), patience=1.5)
    found: list[Failure | None] = []
    Workers().run([job], lambda job, failure: found.append(failure))
    assert len(found) == 1
    assert found[0] is not None
    assert found[0].timed_out
    assert "1.5 s" in found[0].error or "2 s" in found[0].error
    processes = [int(number) for number in (tmp_path / "pids").read_text().split()]
    wait_until(lambda: not any(map(alive, processes)))


def test_a_job_killed_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    from jobs_for_tests import KilledWhileWriting

    found: list[Failure | None] = []
    job = KilledWhileWriting(record=str(tmp_path / "r.json"))
    Workers().run([job], lambda job, failure: found.append(failure))
    assert "SIGKILL" in found[0].error
    assert list(tmp_path.iterdir()) == []


def interrupt_when(path: Path) -> threading.Thread:
    def wait() -> None:
        wait_until(lambda: path.exists() and path.read_text())
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_an_interrupt_ends_all_processes(tmp_path: Path) -> None:
    from jobs_for_tests import Sleeping

    job = Sleeping(record=str(tmp_path / "r.json"), started=str(tmp_path / "pids"))
    thread = interrupt_when(tmp_path / "pids")
    with pytest.raises(KeyboardInterrupt):
        Workers().run([job], lambda job, failure: None)
    thread.join()
    processes = [int(number) for number in (tmp_path / "pids").read_text().split()]
    wait_until(lambda: not any(map(alive, processes)))
    assert not (tmp_path / "r.json").exists()


# Python may raise an interrupt between making an object and naming it: it is then closed by being
# collected, and a process whose standard input is closed ends.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_at_any_moment_leaves_nothing_behind(tmp_path: Path, number) -> None:
    from jobs_for_tests import Square

    class Interrupted(BaseException):
        pass

    def handle(*_: object) -> None:
        raise Interrupted

    main, threads = threading.main_thread(), set(threading.enumerate())
    before = signal.signal(number, handle)
    try:
        for turn, delay in enumerate((0.0, 0.001, 0.01, 0.05, 0.15, 0.3)):
            jobs = [Square(record=str(tmp_path / f"{turn}_{k}.json"), number=k) for k in range(99)]
            timer = threading.Timer(delay, signal.pthread_kill, [main.ident, number])
            with pytest.raises(Interrupted):  # noqa: PT012
                timer.start()
                Workers().run(jobs, lambda job, failure: None)
                timer.join()
            timer.join()
            assert set(threading.enumerate()) == threads
            wait_until(lambda: not processes_of(tmp_path))
    finally:
        signal.signal(number, before)


def processes_of(folder: Path) -> list[bytes]:
    """Return the command lines of jobs whose records belong into ``folder``."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except OSError:
            continue
        if b"kida.jobs.worker" in line and bytes(folder) in line:
            lines.append(line)
    return lines


def test_a_job_alone_may_end_in_order(tmp_path: Path) -> None:
    from jobs_for_tests import Sleeping

    job = Sleeping(record=str(tmp_path / "r.json"), started=str(tmp_path / "pids"))
    thread = interrupt_when(tmp_path / "pids")
    with pytest.raises(KeyboardInterrupt):
        run_alone(job, grace=30)
    thread.join()
    assert json.loads((tmp_path / "r.json").read_text()) == "stopped in order"


def test_an_exception_of_the_caller_ends_all_processes(tmp_path: Path) -> None:
    from jobs_for_tests import Square

    def refuse(job: Job, failure: Failure | None) -> None:
        raise UserError("enough")

    jobs = [Square(record=str(tmp_path / f"{k}.json"), number=k) for k in range(3)]
    with pytest.raises(UserError, match="enough"):
        Workers().run(jobs, refuse)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="cores are leased on Linux only")
def test_two_evaluations_never_share_a_core(tmp_path: Path) -> None:
    from jobs_for_tests import Square

    taken = []
    # Other tests may run beside this one: all the cores that they leave are taken here.
    while (lease := Lease.take()) is not None:
        taken.append(lease)
    done = threading.Event()

    def run() -> None:
        Workers().run([Square(record=str(tmp_path / "r.json"), number=3)], lambda *_: None)
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    if len(taken) == len(os.sched_getaffinity(0)):
        assert not done.wait(1.5)
    for lease in taken:
        lease.close()
    thread.join(120)
    assert done.is_set()
    assert json.loads((tmp_path / "r.json").read_text())["square"] == 9


def test_senseless_numbers_of_jobs_are_refused() -> None:
    with pytest.raises(UserError, match="at least 1"):
        Workers(0)
    with pytest.raises(UserError, match="--jobs"):
        Workers(available_cores() + 1)


def test_a_missing_dask_is_named_before_any_work(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)  # Python's way to say: not importable
    with pytest.raises(UserError, match=r"Dask.*: pip install '.\[cluster\]'"):
        Workers(1, "tcp://127.0.0.1:9")


def test_a_folder_named_kida_where_one_works_is_not_imported(tmp_path: Path, monkeypatch) -> None:
    from jobs_for_tests import Square

    (tmp_path / "kida").mkdir()
    (tmp_path / "kida" / "__init__.py").write_text("raise SystemExit('not the package')")
    (tmp_path / "json.py").write_text("raise SystemExit('not the library')")
    monkeypatch.chdir(tmp_path)
    assert run_alone(Square(record=str(tmp_path / "r.json"), number=2)) is None
