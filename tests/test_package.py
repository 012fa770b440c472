"""The package as a whole: its public names, its versions, and what importing it costs."""

import ast
import subprocess
import sys
from importlib.metadata import version

import pytest

import kida
from kida.solver.versions import show_versions, versions


def test_every_public_name_is_there() -> None:
    assert [name for name in kida.__all__ if not hasattr(kida, name)] == []
    assert kida.__version__ == version("kida-scip")
    with pytest.raises(AttributeError, match="no attribute 'brunch'"):
        _ = kida.brunch


def test_importing_it_imports_no_library() -> None:
    # It took 0.15 s when it did. What is needed is loaded when a name is first used.
    script = "import sys, kida; print(sorted({name.split('.')[0] for name in sys.modules}))"
    printed = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert {"numpy", "scipy", "pyscipopt", "msgspec", "rich", "torch"}.isdisjoint(
        ast.literal_eval(printed)
    )


def test_solving_imports_no_training_libraries() -> None:
    script = (
        "import sys, kida; from pyscipopt import Model; "
        "kida.attach_callable(Model(), lambda observation, candidates: 0); "
        "import kida.cli.solve, kida.evaluation.runner; "
        "heavy = {'torch', 'torch_geometric', 'matplotlib', 'distributed'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"


def test_versions_name_what_results_depend_on(capsys: pytest.CaptureFixture[str]) -> None:
    found = versions()
    assert found["kida"] == kida.__version__
    assert found["scip"].split(".")[0] == "10"
    assert found["pyscipopt"] == version("pyscipopt")
    show_versions()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(found)
    assert lines[0].split()[0] == next(iter(found))


def test_embedded_it_logs_and_shows_nothing_by_itself() -> None:
    script = (
        "import kida, logging; logging.getLogger('kida.x').warning('hidden'); "
        "assert not logging.getLogger().handlers; "
        "logging.basicConfig(format='%(name)s %(message)s'); "
        "logging.getLogger('kida.x').warning('shown')"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert (process.stdout, process.stderr) == ("", "kida.x shown\n")
