import csv
import io
import zipfile
from pathlib import Path

import numpy as np

from kida.instances.family import generated_family, instances
from kida.instances.load_balancing import seed, useful_workers
from kida.instances.load_balancing_seeds import draw


def test_numbers_and_seeds() -> None:
    first = [instances("load_balancing", split, 0, 1)[0] for split in ("train", "valid", "test")]
    assert [i.name for i in first] == [f"load_balancing_{k}" for k in (0, 9900, 10000)]
    # 18102 is confirmed for the first valid file, 20200 is where the test files begin.
    assert seed("valid", 0) == 18102
    assert seed("test", 0) == 20200
    assert seed("test", 5) == 20206  # 20205 is infeasible
    assert seed("train", 9899) < 18102
    assert seed("valid", 99) < 20200


def test_sizes_and_sides() -> None:
    program = generated_family("load_balancing").program(instances("load_balancing")[0])
    problem = draw(20200)
    lists = sum(len(allowed) for allowed in problem.allowed)
    assert (len(program.columns), program.binaries) == (61000, 1000)
    assert len(program.rows) == 61000 + lists
    assert np.count_nonzero(program.upper[1000:]) == lists
    # A worker may fail: each workload's rows leave out one allowed worker each.
    row = program.rows.index(f"workload_ct_0_failure_{problem.allowed[0][1]}")
    columns = program.indices[program.starts[row] : program.starts[row + 1]] - 1000
    assert sorted(columns.tolist()) == problem.allowed[0][:1] + problem.allowed[0][2:]
    assert program.left[row] == float(f"{problem.loads[0]:.6g}")


def test_published_primal_bounds(shared_data: Path) -> None:
    with zipfile.ZipFile(shared_data / "ml4co_final_results.zip") as archive:
        text = archive.read("Nuri/dual/2_load_balancing.csv").decode()
    matches = 0
    for row, instance in zip(
        csv.DictReader(io.StringIO(text)), instances("load_balancing"), strict=True
    ):
        assert f"{instance.name}.mps.gz" in row["instance"]
        assert instance.initial_primal_bound == float(row["initial_primal_bound"])
        assert instance.initial_dual_bound == float(row["initial_dual_bound"])
        useful = useful_workers(draw(seed("test", instance.index)))
        matches += useful == instance.initial_primal_bound
    assert matches == 99


def test_bounds_of_other_splits() -> None:
    instance = instances("load_balancing", "valid", 0, 1)[0]
    assert instance.initial_dual_bound is None
    assert instance.initial_primal_bound == useful_workers(draw(18102))
