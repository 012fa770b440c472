import csv
import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from pyscipopt import Model

from kida.instances.item_placement import draw_sizes, root_bound, seed
from kida.instances.registry import generated_family, initial_bounds, instances
from kida.solver.problem import open_model


def first(split: str):
    return instances("item_placement", split, 0, 1)[0]


def test_numbers_are_those_of_the_competition() -> None:
    names = [first(split).name for split in ("train", "valid", "test")]
    assert names == ["item_placement_0", "item_placement_9900", "item_placement_10000"]
    assert [seed(0), seed(9900), seed(10000), seed(10099)] == [42, 9942, 20200, 20299]
    assert len(instances("item_placement", "train")) == 9900


def test_draws_typed_in_from_the_official_file() -> None:
    assert [f"{size:.6g}" for size in draw_sizes(42)[0]] == ["0.074155", "0.0244892", "0.0139538"]
    program = generated_family("item_placement").program(first("train"))
    assert (len(program.columns), len(program.rows), program.binaries) == (1083, 195, 1050)
    # Capacity of a bin for the three resources, and the first deficit row's first coefficient.
    assert program.right[105:108].tolist() == [1.96577, 1.97668, 1.92351]
    assert program.values[program.starts[135]] == 0.0754464


def test_file_equals_the_official_one(shared_data: Path) -> None:
    official = gzip.decompress((shared_data / "instances/item_placement_0.mps.gz").read_bytes())
    ours = generated_family("item_placement").program(first("train")).mps()

    def body(text: str) -> str:
        return text[text.index("ROWS") :]  # what precedes is a comment and the problem's name

    assert body(ours) == body(official.decode())


@pytest.mark.slow
def test_model_in_memory_is_what_scip_reads_from_the_file(tmp_path: Path) -> None:
    instance = first("valid")
    path = tmp_path / "x.mps.gz"
    generated_family("item_placement").program(instance).write(path)
    read, built = Model(), open_model(instance)
    read.hideOutput()
    read.readProblem(str(path))
    trees = []
    for model in (read, built):
        model.setParam("limits/nodes", 20)
        model.optimize()
        trees.append((model.getNLPIterations(), model.getDualbound(), model.getPrimalbound()))
    assert trees[0] == trees[1]  # to the last bit: same order of everything


@pytest.mark.parametrize(
    ("number", "bound"), [(0, 0.36438072700003654), (10000, 5.40595074), (10001, 2.85814018)]
)
def test_root_bound_in_closed_form(number: int, bound: float) -> None:
    assert root_bound(number) == pytest.approx(bound, abs=1e-7)


def test_all_published_bounds(shared_data: Path) -> None:
    with zipfile.ZipFile(shared_data / "ml4co_final_results.zip") as archive:
        text = archive.read("Nuri/dual/1_item_placement.csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    test = instances("item_placement", "test")
    assert len(rows) == len(test) == 100
    for row, instance in zip(rows, test, strict=True):
        assert f"{instance.name}.mps.gz" in row["instance"]
        assert initial_bounds(instance).dual == float(row["initial_dual_bound"])
        assert initial_bounds(instance).primal == float(row["initial_primal_bound"])
        number = int(instance.name.rsplit("_", 1)[1])
        assert root_bound(number) == pytest.approx(initial_bounds(instance).dual, abs=1e-4)


@pytest.mark.slow
def test_root_bound_is_scips() -> None:
    instance = first("valid")
    model = open_model(instance)
    model.setParam("limits/nodes", 1)
    model.optimize()
    assert initial_bounds(instance).dual == pytest.approx(model.getDualbound(), abs=1e-6)
    assert initial_bounds(instance).primal is None


def test_order_of_draws_does_not_matter() -> None:
    family = generated_family("item_placement")
    chosen = instances("item_placement", "train", 7, 3)
    forward = [family.program(instance).values for instance in chosen]
    backward = [family.program(instance).values for instance in reversed(chosen)][::-1]
    for one, other in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(one, other)
