"""What happens where Python finds kida's source tree in place of the installed package.

A script in a clone has the clone's folder first on its path, and so has ``python -m``. The tree
has no native core unless it was compiled there (an editable install finds it), and nothing works
without. So the installed package takes its place, if it is the same version. That happens when this
is imported, which ``kida`` does first; it needs nothing of the package.
"""

import importlib.util
import sys
import tomllib
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

_HERE = Path(__file__).resolve().parent


def hand_over() -> ModuleType | None:
    """Put the installed package in this one's place in ``sys.modules`` and return it.

    Returns
    -------
    ModuleType or None
        None if this package has its native core, and nothing needs to be done.

    Raises
    ------
    ImportError
        If the package is not installed, or in another version.
    """
    if importlib.util.find_spec("kida._core") is not None:
        return None
    ours = sys.modules.pop("kida")
    try:
        return _installed()
    except BaseException:
        sys.modules["kida"] = ours
        raise


def _installed() -> ModuleType:
    elsewhere = [entry for entry in sys.path if Path(entry or ".").resolve() != _HERE.parent]
    spec = PathFinder.find_spec("kida", elsewhere)
    if spec is None or spec.loader is None:
        raise ImportError(f"{_advice()}: it is not installed")
    # What of this tree is loaded would be taken for the installed package's.
    for name in [name for name in sys.modules if name.startswith("kida.")]:
        del sys.modules[name]
    package = importlib.util.module_from_spec(spec)
    sys.modules["kida"] = package
    spec.loader.exec_module(package)
    version = _version()
    if version not in (None, package.__version__):
        raise ImportError(f"{_advice()}: this is {version}, and {package.__version__} is installed")
    return package


def _advice() -> str:
    return (
        f"{_HERE} is kida's source code without its compiled core, which a script or python -m "
        f"started in {_HERE.parent} finds first; install it from there (pip install .), or work "
        "in another folder"
    )


def _version() -> str | None:
    """Return the version of this tree, None if it cannot be told."""
    try:
        content = tomllib.loads((_HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))
        return str(content["project"]["version"])
    except (OSError, ValueError, KeyError):
        return None


hand_over()
