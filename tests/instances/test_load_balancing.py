import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kida.instances.load_balancing import problem_of, seed, useful_workers
from kida.instances.load_balancing_seeds import draw, is_feasible
from kida.instances.registry import generated_family, initial_bounds, instances


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
        assert initial_bounds(instance).primal == float(row["initial_primal_bound"])
        assert initial_bounds(instance).dual == float(row["initial_dual_bound"])
        useful = useful_workers(draw(seed("test", instance.index)))
        matches += useful == initial_bounds(instance).primal
    assert matches == 99


def test_bounds_of_other_splits() -> None:
    instance = instances("load_balancing", "valid", 0, 1)[0]
    assert initial_bounds(instance).dual is None
    assert initial_bounds(instance).primal == useful_workers(draw(18102))


def test_the_small_size_is_feasible_and_as_dense_as_the_official_one() -> None:
    small = instances("load_balancing", "train", 0, 3, size="small")
    assert [i.name for i in small] == [f"load_balancing_small_train_{k}" for k in range(3)]
    for instance in small:
        problem = problem_of(instance)
        assert is_feasible(problem)
        assert (len(problem.capacities), len(problem.loads)) == (300, 18)
        # 15 * (150 / 3 + 150 / 30) + 3 * (150 / 30 + 150 / 3) = 18 * 55 allowed pairs are expected,
        # 55 for each workload as in the official set.
        assert sum(map(len, problem.allowed)) == pytest.approx(18 * 55, rel=0.1)
        assert initial_bounds(instance).dual is None
        assert initial_bounds(instance).primal == useful_workers(problem)
    program = generated_family("load_balancing").program(small[0])
    assert (len(program.columns), program.binaries) == (300 + 300 * 18, 300)


def test_the_small_sizes_splits_are_apart_from_the_official_ones() -> None:
    # Test numbers of the small size have no published bounds.
    instance = instances("load_balancing", "test", 0, 1, size="small")[0]
    assert initial_bounds(instance).primal < 300
    draws = {problem_of(i).loads[0] for i in (instance, *instances("load_balancing", "test", 0, 1))}
    assert len(draws) == 2
