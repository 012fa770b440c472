"""What a process can be told, and how it is waited for: on POSIX systems and on Windows."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Protocol, TypeVar

if sys.platform == "win32":
    import _winapi
    import msvcrt
    import time
else:
    import selectors


class Readable(Protocol):
    """Whatever has a descriptor that can be read."""

    def fileno(self) -> int:
        """Return the descriptor."""


_Any = TypeVar("_Any", bound=Readable)
# Seconds between two looks at pipes, which Windows cannot wait for.
_LOOK, _BREATH = 0.02, 0.5


def apart(descriptors: Iterable[int]) -> dict[str, Any]:
    """Return how :class:`subprocess.Popen` starts a process that Ctrl-C in a terminal spares.

    Parameters
    ----------
    descriptors
        What it inherits; none on Windows, where no core is leased.
    """
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    else:
        return {"start_new_session": True, "pass_fds": list(descriptors)}


def ask_to_end(process: "subprocess.Popen[bytes]") -> None:
    """Raise :class:`kida.interrupts.Terminated` in a process that was started apart."""
    if sys.platform == "win32":
        with suppress(OSError):  # there is no console that both have
            process.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        process.terminate()


def end_at_once(process: "subprocess.Popen[bytes]") -> None:
    """End a process that was started apart, and all that it has started."""
    if sys.platform == "win32":
        tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        with suppress(OSError):  # it is not to be found
            subprocess.run(tree, capture_output=True, check=False)
        process.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # on macOS also a zombie's
            os.killpg(process.pid, signal.SIGKILL)


if sys.platform == "win32":

    def wait_to_read(pipes: Sequence[_Any], seconds: float) -> list[_Any]:
        """Return the pipes that can be read, or whose other end is closed; wait for the first.

        None can be after that many seconds.
        """
        until = time.monotonic() + seconds
        while True:
            found = [pipe for pipe in pipes if _can_be_read(pipe.fileno())]
            if found or time.monotonic() > until:
                return found
            time.sleep(_LOOK)

    def wait_for_end(descriptor: int) -> None:
        """Return when the other end of a pipe is closed."""
        # Whoever waits in a read there holds up all that asks about the pipe, as libraries do that
        # are loaded meanwhile.
        while not _can_be_read(descriptor) or os.read(descriptor, 1):
            time.sleep(_BREATH)

    def _can_be_read(descriptor: int) -> bool:
        try:
            return _winapi.PeekNamedPipe(msvcrt.get_osfhandle(descriptor), 0)[0] != 0
        except OSError:  # the other end is closed
            return True

else:

    def wait_to_read(pipes: Sequence[_Any], seconds: float) -> list[_Any]:
        """Return the pipes that can be read, or whose other end is closed; wait for the first.

        None can be after that many seconds.
        """
        with selectors.DefaultSelector() as selector:
            for pipe in pipes:
                selector.register(pipe, selectors.EVENT_READ, pipe)
            return [key.data for key, _ in selector.select(seconds)]

    def wait_for_end(descriptor: int) -> None:
        """Return when the other end of a pipe is closed."""
        # Not through `sys.stdin`, whose lock would be held at interpreter shutdown.
        while os.read(descriptor, 1):
            pass
