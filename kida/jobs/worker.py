"""The process of one job: ``python -P -m kida.jobs.worker RECORD``, started by ``process.py``.

It reads its job as one line of JSON from the standard input, runs it and writes the record. On the
standard output it sends one line of JSON per message; what the job itself prints there goes to the
standard error. It leaves at once when its standard input closes, that is, when whoever started it
is gone, and ends in order on SIGTERM if the job does.
"""

import json
import os
import sys
import threading
import traceback
from typing import Any, NoReturn

from kida.errors import UserError
from kida.files import one_line
from kida.interrupts import one_exception_each
from kida.jobs.job import Stage, UnfitError, carry_out, unpack
from kida.jobs.system import wait_for_end


def main() -> None:
    """Do the job on the standard input."""
    news = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    text = _read_line()
    threading.Thread(target=_leave_with_parent, daemon=True).start()

    def tell(**message: Any) -> None:
        news.write(json.dumps(message) + "\n")
        news.flush()

    content = json.loads(text)
    core = content.pop("core", None)
    if core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})
    try:
        with one_exception_each():
            carry_out(unpack(content), Stage(core, lambda message: tell(news=message)))
    except UserError as error:
        # Of several lines only the last would be shown.
        tell(error=one_line(str(error)), by_user=True, unfit=isinstance(error, UnfitError))
    # Whatever goes wrong in a job is told, and costs that job alone.
    except Exception as error:
        # In one line, whatever the exception's text is like.
        said = " ".join(str(error).split())
        tell(error=f"{type(error).__name__}: {said}{_place(error)}", by_user=False, unfit=False)
    else:
        tell(done=True)


def _place(error: Exception) -> str:
    """Return where an exception comes from: of a user's function, that is what one looks for."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        received = os.read(0, 1 << 16)
        if not received:
            raise EOFError("the job never arrived")
        line += received
    return line


def _leave_with_parent() -> NoReturn:
    wait_for_end(0)
    os._exit(1)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
