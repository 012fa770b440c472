"""One job's process, seen from whoever started it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kida.files import remove_temporaries
from kida.jobs.cores import Lease
from kida.jobs.job import Failure, Job, pack
from kida.jobs.system import apart, ask_to_end, end_at_once, wait_to_read

#: Bytes of a crashed process's last words that are reported.
_LAST_WORDS = 2000
# Seconds that a process may take to end once it has closed its output.
_LINGER = 5.0


class JobProcess:
    """A running job; ended by :meth:`outcome` or :meth:`kill`, and by this process's own end.

    Parameters
    ----------
    job
        What to do.
    lease
        The core to do it on; given back when the process has ended.
    tell
        Called with what the job tells.
    """

    def __init__(self, job: Job, lease: Lease, tell: Callable[[Any], None]) -> None:
        self.job = job
        self._lease = lease
        self._tell = tell
        self._deadline = time.monotonic() + job.patience
        self._buffer = b""
        self._ended: dict[str, Any] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = self._popen()
        except BaseException:
            self._errors.close()
            raise
        try:
            self._hand_over()
        except BaseException:
            self.kill()
            raise

    def _popen(self) -> subprocess.Popen[bytes]:
        descriptor = self._lease.descriptor
        # -P: what lies in the working folder is not imported in place of the installed package.
        # Ctrl-C in a terminal reaches this process, which decides.
        return subprocess.Popen(
            # The record is named for people who look at the list of processes.
            [sys.executable, "-P", "-m", "kida.jobs.worker", self.job.record],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            **apart([] if descriptor is None else [descriptor]),
        )

    def _hand_over(self) -> None:
        """Send the job; the standard input stays open, for its end is this process's."""
        assert self._process.stdin is not None
        line = json.dumps({**pack(self.job), "core": self._lease.core})
        # If it is dead already, its exit status tells. (Windows says another error than others.)
        with contextlib.suppress(OSError):
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()

    def fileno(self) -> int:
        """Return the descriptor that can be read when the process tells something, or ends."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    @property
    def overdue(self) -> bool:
        """Whether the job's patience has ended."""
        return time.monotonic() > self._deadline

    def receive(self) -> bool:
        """Pass on what the process tells; return whether it has ended."""
        received = os.read(self.fileno(), 1 << 16)
        self._buffer += received
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "news" in message:
                self._tell(message["news"])
            else:
                self._ended = message
        return not received

    def outcome(self) -> Failure | None:
        """Wait for the process's end, which is near; return why there is no record, if so.

        A job whose patience has ended is killed.
        """
        if self._ended is None and self.overdue and self._process.poll() is None:
            self.kill()
            return Failure(
                f"did not stop within {self.job.patience:.0f} s and was killed", timed_out=True
            )
        try:
            status = self._process.wait(timeout=_LINGER)
        except subprocess.TimeoutExpired:
            # It has closed its output, and yet does not end: a library's thread hangs.
            end_at_once(self._process)
            status = self._process.wait()
        said = self._last_words()
        self._close()
        if self._ended is not None and "done" in self._ended and Path(self.job.record).exists():
            return None
        if self._ended is not None and "error" in self._ended:
            told = self._ended
            return Failure(told["error"], by_user=told["by_user"], unfit=told["unfit"])
        how = f"killed by {signal.Signals(-status).name}" if status < 0 else f"status {status}"
        last = said.splitlines()[-1] if said else "it said nothing"
        return Failure(f"{said}\nthe process crashed ({how}): {last}".lstrip())

    def ask_to_stop(self) -> None:
        """Have the job end in order, if it knows how."""
        ask_to_end(self._process)

    def kill(self) -> None:
        """End the process, and all that it has started, at once."""
        if self._process.poll() is None:
            end_at_once(self._process)
            self._process.wait()
        self._close()

    def _last_words(self) -> str:
        self._errors.seek(max(0, self._errors.seek(0, os.SEEK_END) - _LAST_WORDS))
        return self._errors.read().decode("utf-8", errors="replace").strip()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            assert pipe is not None
            with contextlib.suppress(OSError):  # what a dead process has not read
                pipe.close()
        if self._process.returncode != 0:
            remove_temporaries(Path(self.job.record))
        self._lease.close()


def wait_for_any(children: Sequence[JobProcess], seconds: float) -> list[JobProcess]:
    """Pass on what processes tell; return those that have ended or whose patience has.

    Returns as soon as there is any news, after ``seconds`` at the latest.
    """
    ready = wait_to_read(children, seconds)
    ended = [child for child in ready if child.receive()]
    return ended + [child for child in children if child.overdue and child not in ended]
