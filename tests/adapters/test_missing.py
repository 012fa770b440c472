"""Without a tool, its adapter says what installs it."""

import subprocess
import sys

import pytest

CODE = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == sys.argv[2]:
            raise ImportError("blocked")

sys.meta_path.insert(0, Blocked())
from importlib import import_module
from kida.errors import UserError

try:
    import_module(f"kida.adapters.{sys.argv[1]}")
except UserError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("tool", "package"),
    [
        ("ommx", "ommx_pyscipopt_adapter"),
        ("pulp", "pulp"),
        ("pyomo", "pyomo"),
        ("cvxpy", "cvxpy"),
        ("linopy", "linopy"),
    ],
)
def test_the_extra_is_named(tool: str, package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, tool, package], capture_output=True, text=True, check=True
    )
    assert f"the extra '{tool}' of kida-scip" in done.stdout
