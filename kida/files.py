"""Writing files so that a crash leaves either the old file or the new one, never half of one."""

import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unicodedata import category

from kida.errors import UserError

# Windows wants to be asked by somebody who may write, and changes what it thinks is a text.
if sys.platform == "win32":
    _TO_SYNC = os.O_RDWR | os.O_BINARY
else:
    _TO_SYNC = os.O_RDONLY
# Bytes in the name of a temporary file.
_TOKEN = 6
# Unicode's: control characters, and separators of lines and paragraphs.
_CONTROLS = ("Cc", "Zl", "Zp")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it onto ``path`` when the block succeeds.

    The temporary name ends as ``path`` does, because writers such as SCIP's choose the format by
    the suffix. On any exception the temporary file is removed and ``path`` is left as it was.

    Raises
    ------
    UserError
        If the folder cannot be created or written to, or the disk is full.
    """
    # A process number alone is not unique on a file system that several machines share.
    temporary = path.with_name(f".{secrets.token_hex(_TOKEN)}.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        # Where no folder could be made there is nothing to remove.
        with suppress(OSError):
            temporary.unlink()


def cannot_write(path: Path, error: OSError) -> UserError:
    """Return what to tell a user about a file that cannot be written."""
    return UserError(
        f"cannot write {path}: {error.strerror or error}; choose another folder or free space"
    )


def is_temporary(path: Path) -> bool:
    """Return whether a file is one of :func:`atomic_path`'s, which only a kill leaves behind."""
    return re.fullmatch(rf"\.[0-9a-f]{{{2 * _TOKEN}}}\..+", path.name) is not None


def remove_temporaries(path: Path) -> None:
    """Remove what killed writers of ``path`` have left beside it; nobody may be writing it now."""
    with suppress(OSError):  # no such folder, or one that cannot be written to
        for found in path.parent.iterdir():
            if is_temporary(found) and found.name[2 * _TOKEN + 2 :] == path.name:
                found.unlink()


def printable(text: str) -> str:
    r"""Return a name or path as text that can be printed and stored anywhere.

    Bytes that are not UTF-8, which Python keeps as surrogates, are shown as ``\xf6``.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return text.encode("utf-8", "backslashreplace").decode()


def one_line(text: str) -> str:
    r"""Return a name or path as :func:`printable` does, in one line that no terminal obeys.

    Control characters, which file names may hold, are shown as escapes such as ``\n`` and ``\x1b``.
    """
    return "".join(
        ascii(character)[1:-1] if category(character) in _CONTROLS else character
        for character in printable(text)
    )


def whole_files(folder: Path, pattern: str) -> list[Path]:
    """Return the files in ``folder`` of a pattern such as ``"*.json"``, in order of their names.

    Those that are being written, or that a kill has left half-written, are not among them.
    """
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))


def _sync(path: Path) -> None:
    """Have the file's content on disk before its name is: a crash could else leave it empty."""
    descriptor = os.open(path, _TO_SYNC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
