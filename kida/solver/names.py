"""Names that are not UTF-8: of variables in problem files, and of files on disk.

SCIP's names and Unix's paths are bytes. PySCIPOpt decodes the former strictly and refuses the
latter; what reads a name or hands SCIP a path goes through here.
"""

import gzip
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kida import _core


def variable_names(variables: Iterable[Any]) -> list[str]:
    r"""Return the names of PySCIPOpt's variables, what is no UTF-8 in them replaced.

    Names that would become equal by that are told apart by their bytes, as in ``gr\xf6``.
    """
    names: list[str] = []
    exact: dict[int, bytes] = {}
    for position, variable in enumerate(variables):
        try:
            names.append(variable.name)
        except UnicodeDecodeError:
            exact[position] = _core.variable_name(variable.ptr())
            names.append(exact[position].decode("utf-8", "replace"))
    if exact:
        times = Counter(names)
        for position, name in exact.items():
            if times[names[position]] > 1:
                names[position] = name.decode("utf-8", "backslashreplace")
    return names


@contextmanager
def path_to_read(path: Path) -> Iterator[str]:
    """Yield a path under which PySCIPOpt can read the file: its own, or that of a link to it.

    What is packed is unpacked on Windows, where PySCIPOpt's SCIP cannot.
    """
    if _is_text(path) and not _must_be_unpacked(path):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        if _must_be_unpacked(path):
            file = Path(folder) / f"problem{path.with_suffix('').suffix}"
            with gzip.open(path) as packed, file.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked)
            yield str(file)
            return
        # The readers choose the format by the suffix.
        link = Path(folder) / f"problem{''.join(path.suffixes[-2:])}"
        if not _is_text(link):
            link = link.with_name(f"problem{path.suffix}")
        link.symlink_to(path.absolute())
        yield str(link)


@contextmanager
def path_to_write(path: Path) -> Iterator[str]:
    """Yield a path that PySCIPOpt can write to; when the block has succeeded, ``path`` is there."""
    if _is_text(path) and not _must_be_unpacked(path):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        if _must_be_unpacked(path):
            file = Path(folder) / f"written{path.with_suffix('').suffix}"
            yield str(file)
            with file.open("rb") as unpacked, gzip.open(path, "wb") as packed:
                shutil.copyfileobj(unpacked, packed)
            return
        file = Path(folder) / f"written{path.suffix}"
        yield str(file)
        shutil.copyfile(file, path)


def _must_be_unpacked(path: Path) -> bool:
    return sys.platform == "win32" and path.suffix.lower() == ".gz"


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
