"""Scripts in a clone, and ``python -m`` there, use the package that was installed from it."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

SCRIPT = """
import kida
from pyscipopt import Model
model = Model()
model.hideOutput()
x = [model.addVar(f"x{i}", "I", ub=9) for i in range(5)]
model.addCons(sum((2 * i + 3) * x[i] for i in range(5)) <= 31.5)
model.setObjective(sum((3 * i + 4) * x[i] for i in range(5)), "maximize")
brancher = kida.attach_callable(model, lambda observation, candidates: 0)
model.optimize()
print(model.getStatus(), kida.__file__)
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The source tree without its core, as git has it."""
    folder = tmp_path / "clone"
    shutil.copytree(
        ROOT / "kida", folder / "kida", ignore=shutil.ignore_patterns("_core*", "__*__")
    )
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "script.py").write_text(SCRIPT)
    return folder


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder of packages with kida in it, as a wheel leaves it."""
    folder = tmp_path / "packages"
    shutil.copytree(ROOT / "kida", folder / "kida", ignore=shutil.ignore_patterns("cpp", "__*__"))
    core = importlib.util.find_spec("kida._core")
    assert core is not None
    assert core.origin is not None
    shutil.copy(core.origin, folder / "kida")
    return folder


def run(
    folder: Path, *arguments: str, packages: Path | None = None, alone: bool = False
) -> subprocess.CompletedProcess:
    # Without `site`, whose .pth files would lead to an editable install; alone, without all others.
    others = [path for path in sys.path if path.endswith("site-packages") and not alone]
    path = os.pathsep.join([*([str(packages)] if packages else []), *others])
    return subprocess.run(
        [sys.executable, "-S", *arguments],
        cwd=folder,
        # Whoever runs the tests may have asked for safe paths; a user's script has its folder's.
        env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_script_in_the_clone_uses_the_installed_package(clone, installed):
    done = run(clone, "script.py", packages=installed)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["optimal", str(installed / "kida" / "__init__.py")]
    done = run(clone, "-m", "kida", "--version", packages=installed)
    assert done.returncode == 0, done.stderr
    assert "pyscipopt" in done.stdout


def test_another_version_or_none_is_explained_in_one_sentence(clone, installed):
    (clone / "pyproject.toml").write_text('[project]\nversion = "99.1"\n')
    said = run(clone, "script.py", packages=installed).stderr.splitlines()[-1]
    assert said.startswith(f"ImportError: {clone / 'kida'} is kida's source code without its")
    assert "install it from there (pip install .), or work in another folder" in said
    assert "this is 99.1, and" in said
    said = run(clone, "-c", "import kida", alone=True).stderr.splitlines()[-1]
    assert said.endswith("it is not installed")
