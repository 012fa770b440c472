"""The recipes of docs/adapters.md, as they stand there: the optimum of PySCIPOpt alone."""

import re
from pathlib import Path
from typing import Any

import pytest
from pyscipopt import Model, quicksum

PAGE = (Path(__file__).parents[2] / "docs" / "adapters.md").read_text()
SHARED, *SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)
#: Heading to the package that must be installed.
PACKAGES = {
    "OMMX": "ommx_pyscipopt_adapter",
    "PuLP": "pulp",
    "Pyomo": "pyomo",
    "CVXPY": "cvxpy",
    "linopy": "linopy",
}


def code(text: str) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))


def optimum(problem: dict[str, Any]) -> float:
    model = Model()
    model.hideOutput()
    x = [model.addVar(vtype="B") for _ in problem["values"]]
    for row, budget in zip(problem["weights"], problem["budgets"], strict=True):
        model.addCons(quicksum(int(w) * v for w, v in zip(row, x, strict=True)) <= int(budget))
    terms = zip(problem["values"], x, strict=True)
    model.setObjective(quicksum(int(c) * v for c, v in terms), "maximize")
    model.optimize()
    return model.getObjVal()


def test_every_tool_has_a_recipe() -> None:
    assert [section.split("\n")[0] for section in SECTIONS] == [*PACKAGES]
    for name in PACKAGES:
        assert f"[{name}](#{name.lower()})" in SHARED


@pytest.mark.parametrize("section", SECTIONS, ids=[*PACKAGES])
def test_recipes_reach_the_optimum_and_branch(section: str) -> None:
    name = section.split("\n")[0]
    pytest.importorskip(PACKAGES[name], reason=f"the extra {name.lower()} is not installed")
    found: dict[str, Any] = {}
    exec(code(SHARED), found)
    exec(code(section), found)
    assert found["objective"] == pytest.approx(optimum(found))
    assert found["statistics"].decisions > 0
    assert found.get("larger", found["objective"]) >= found["objective"]
