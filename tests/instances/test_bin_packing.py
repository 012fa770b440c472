import pytest

from kida.errors import UserError
from kida.instances.bin_packing import bin_packing
from kida.instances.registry import generated_family, instances
from kida.instances.source import Source
from kida.solver.problem import build_model


def test_sizes() -> None:
    for size, items in (("easy", 20), ("medium", 28)):
        (instance,) = instances("bin_packing", "test", 0, 1, size)
        program = generated_family("bin_packing").program(instance)
        bins = int((program.objective > 0).sum())
        assert len(program.columns) == program.binaries == bins * (items + 1)
        assert len(program.rows) == items + bins
        # All items, put into the bins of one size, would fit.
        assert set(program.objective[:bins]) == {89.4, 104.9, 122.5}


def test_the_best_packing_of_a_small_one() -> None:
    program = bin_packing("p", Source(1), items=4)
    bins = len(program.rows) - 4
    weights = [program.values[program.starts[4] + 1 + i] for i in range(4)]
    # Cheapest bin for every set of items, then the cheapest partition of all of them.
    single = {}
    for code in range(1, 2**4):
        total = sum(weight for i, weight in enumerate(weights) if code >> i & 1)
        fits = [cost for size, cost in ((80, 89.4), (110, 104.9), (150, 122.5)) if total <= size]
        single[code] = min(fits, default=float("inf"))
    best = {0: 0.0}
    for code in range(1, 2**4):
        parts = [part for part in range(1, code + 1) if part & code == part]
        best[code] = min(single[part] + best[code ^ part] for part in parts)
    model = build_model(program)
    model.optimize()
    assert bins >= 4
    assert model.getObjVal() == pytest.approx(best[15])


@pytest.mark.parametrize("wrong", [{"items": 0}, {"largest": 81}, {"smallest": 0}])
def test_impossible_parameters(wrong: dict[str, int]) -> None:
    with pytest.raises(UserError, match="does not exist"):
        bin_packing("p", Source(0), **({"items": 4} | wrong))
