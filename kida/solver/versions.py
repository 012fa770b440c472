"""The versions of everything a result depends on."""

import importlib.metadata
import platform
import sys

from kida.errors import installed_as
from kida.network.instruction_set import instruction_set

PACKAGES = ("pyscipopt", "numpy", "scipy", "safetensors", "torch", "torch-geometric")


def versions() -> dict[str, str]:
    """Return name to version of kida, SCIP, Python, the platform and the packages used.

    ``"instruction set"`` is the one in use, see :mod:`kida.network.instruction_set`.

    A package that is not installed is listed as ``"not installed"``.
    """
    from pyscipopt import Model

    model = Model()
    major, minor, tech = (
        model.getMajorVersion(),
        model.getMinorVersion(),
        model.getTechVersion(),
    )
    found = {
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "scip": f"{major}.{minor}.{tech}",
        "instruction set": instruction_set(),
    }
    # The key stays "kida", under whatever name it is installed: records name it so.
    for name, package in [("kida", installed_as()), *((name, name) for name in PACKAGES)]:
        try:
            found[name] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def show_versions() -> None:
    """Print :func:`versions`, one per line: paste it into bug reports."""
    for name, version in versions().items():
        print(f"{name:16} {version}")
