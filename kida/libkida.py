"""Where libkida is: the branching rule as a shared library, for programs without Python.

It is installed beside the native core, with its header and a CMake package; ``docs/libkida.md``
says how it is used. ``python -m kida.libkida`` prints its folder, in which ``cmake/kida`` is.
"""

import importlib.util
from pathlib import Path

from kida.errors import UserError

# Of shared libraries, by the system; beside one there may be what a linker reads.
_SUFFIXES = (".so", ".dylib", ".dll")


def library() -> Path:
    """Return the path of the shared library.

    Raises
    ------
    UserError
        If this kida was installed without it.
    """
    # An editable install has its compiled parts elsewhere than its Python files.
    core = importlib.util.find_spec("kida._core")
    if core is not None and core.origin is not None:
        for found in (Path(core.origin).parent / "lib").glob("libkida.*"):
            if found.suffix in _SUFFIXES:
                return found
    raise UserError("this kida was installed without libkida: install it again")


if __name__ == "__main__":
    print(library().parent)
