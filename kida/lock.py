"""One command at a time in a folder: a lock that ends with its holder, and says who holds it."""

import fcntl
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from kida.errors import UserError

LOCK_FILE = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` (made if need be) while the block runs; another process is refused it.

    The lock is the operating system's, on a file in the folder, also over NFS: a killed process
    leaves none behind.

    Raises
    ------
    UserError
        If another process holds the folder, or the folder cannot be written to.
    """
    path = folder / LOCK_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(
            f"cannot write to {folder}: {error.strerror or error}; choose another folder"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 2000, 0).decode("utf-8", errors="replace").strip()
            raise UserError(
                f"{folder} is in use by {holder or 'another command'}: "
                "wait until that has ended, or choose another folder"
            ) from None
        except OSError as error:
            raise UserError(
                f"{folder} is on a file system without locks ({error.strerror}), on which two "
                "commands could destroy each other's work: choose a folder on another one"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _holder().encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _holder() -> str:
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {platform.node()} since {since} ({command})\n"


def holds_only_lock(folder: Path) -> bool:
    """Return whether there is nothing in ``folder`` but, perhaps, a lock."""
    return not folder.exists() or all(path.name == LOCK_FILE for path in folder.iterdir())
