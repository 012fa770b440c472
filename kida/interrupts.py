"""Signals that ask a process to end, as exceptions: one for each time that somebody asks.

Where it says SIGTERM: on Windows it is Ctrl-Break, which reaches other processes there.

Whatever starts a command (``timeout``, package runners, batch systems) often delivers Ctrl-C or
SIGTERM twice: to the process, and to its group. The second would mean "at once", and cost the
result that the first has asked for.
"""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: Seconds within which a further signal is the same request.
SAME_REQUEST = 0.5
if sys.platform == "win32":
    _TERM = signal.SIGBREAK
else:
    _TERM = signal.SIGTERM


class Terminated(KeyboardInterrupt):
    """SIGTERM: whatever cleans up after Ctrl-C does so after this."""


@contextmanager
def one_exception_each() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` on Ctrl-C and :class:`Terminated` on SIGTERM, once per request.

    Where Ctrl-C does something else already, such as nothing, it still does. Does nothing in other
    threads than the main one, for Python lets only that handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    last = -math.inf

    def handler(kind: type[KeyboardInterrupt]) -> Callable[..., None]:
        def handle(*details: Any) -> None:
            nonlocal last
            if (now := time.monotonic()) - last > SAME_REQUEST:
                last = now
                raise kind

        return handle

    before = {_TERM: signal.signal(_TERM, handler(Terminated))}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        before[signal.SIGINT] = signal.signal(signal.SIGINT, handler(KeyboardInterrupt))
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
