"""The ablation's variants are valid; running it takes hours."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "ablation_item_placement.py"


@pytest.fixture(scope="module")
def script():
    specification = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("size", ["SIZE", "QUICK_SIZE"])
def test_every_variant_is_a_valid_configuration(script, tmp_path, size):
    entrants = script.expand(
        script.FAMILY, script.RECIPE, getattr(script, size), script.VARIANTS, tmp_path
    )
    base = entrants[0].config
    names = {variant.name for variant in script.VARIANTS}
    for entrant in entrants:
        variant, config = entrant.variant, entrant.config
        assert max(variant.merged) <= config.generations
        assert variant.reference is None or variant.reference in names
        if entrant.shared and entrant.run != entrants[0].run:
            assert config.collection == base.collection
            assert (config.generations, config.seed) == (base.generations, base.seed)
    assert [sorted(entrant.makers) for entrant in entrants if entrant.makers] == [[1]]
    # No policy is selected on what it is compared on.
    assert base.inheritance.instances <= script.FIRST_INSTANCE
