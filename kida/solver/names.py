"""Names that are not UTF-8: of variables in problem files, and of files on disk.

SCIP's names and Unix's paths are bytes. PySCIPOpt decodes the former strictly and refuses the
latter; what reads a name or hands SCIP a path goes through here.
"""

import ctypes
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pyscipopt.scip


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
            exact[position] = _name_bytes(variable)
            names.append(exact[position].decode("utf-8", "replace"))
    if exact:
        times = Counter(names)
        for position, name in exact.items():
            if times[names[position]] > 1:
                names[position] = name.decode("utf-8", "backslashreplace")
    return names


def _name_bytes(variable: Any) -> bytes:
    name: bytes = _get_name()(variable.ptr())
    return name


@cache
def _get_name() -> Any:
    function = ctypes.CDLL(pyscipopt.scip.__file__).SCIPvarGetName
    function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_char_p
    return function


@contextmanager
def path_to_read(path: Path) -> Iterator[str]:
    """Yield a path under which PySCIPOpt can read the file: its own, or that of a link to it."""
    if _is_text(path):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        # The readers choose the format by the suffix.
        link = Path(folder) / f"problem{''.join(path.suffixes[-2:])}"
        if not _is_text(link):
            link = link.with_name(f"problem{path.suffix}")
        link.symlink_to(path.absolute())
        yield str(link)


@contextmanager
def path_to_write(path: Path) -> Iterator[str]:
    """Yield a path that PySCIPOpt can write to; when the block has succeeded, ``path`` is there."""
    if _is_text(path):
        yield str(path)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"written{path.suffix}"
        yield str(file)
        shutil.copyfile(file, path)


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True
