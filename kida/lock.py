"""One command at a time in a folder: a lock that ends with its holder, and says who holds it."""

import errno
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from kida.errors import UserError
from kida.files import is_temporary

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

LOCK_FILE = ".lock"
# Where the lock is, of which nobody else may read a byte on Windows: after the text.
_BEYOND = 1 << 20


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
        descriptor = _acquire(path)
    except BlockingIOError:
        raise UserError(
            f"{folder} is in use by {_read(path) or 'another command'}: "
            "wait until that has ended, or choose another folder"
        ) from None
    except OSError as error:
        raise UserError(
            f"cannot write to {folder}, or lock it ({error.strerror or error}): "
            "choose another folder"
        ) from error
    try:
        yield
    finally:
        _release(path, descriptor)


def _acquire(path: Path) -> int:
    """Return the descriptor of the lock file, made and locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
            if _is_at(path, descriptor):
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                # Where the disk is full, this is the first to notice.
                os.write(descriptor, _holder().encode(errors="backslashreplace"))
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Lock an open file; raise BlockingIOError if another process has done so."""
    if sys.platform == "win32":
        os.lseek(descriptor, _BEYOND, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno == errno.EACCES:
                raise BlockingIOError from error
            raise
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _release(path: Path, descriptor: int) -> None:
    if sys.platform == "win32":
        # What is open cannot be removed there, by nobody.
        os.close(descriptor)
        with suppress(OSError):
            path.unlink()
    else:
        # Removed while it is held: whoever opened it meanwhile sees that it is gone.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether the open file is still the one of that name."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:500].strip()
    except OSError:
        return ""


def _holder() -> str:
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    since = datetime.now(UTC).isoformat(timespec="seconds")
    return f"process {os.getpid()} on {platform.node()} since {since} ({command})\n"


def holds_only_lock(folder: Path) -> bool:
    """Return whether there is nothing in ``folder`` but, perhaps, a lock, and what a kill has left.

    Raises
    ------
    UserError
        If it is no folder.
    """
    if not folder.exists():
        return True
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: give another name")
    return all(path.name == LOCK_FILE or is_temporary(path) for path in folder.iterdir())
