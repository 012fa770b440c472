"""The rule's options: the same in Python and in the native core, and read there with care."""

import msgspec
import pytest
from pyscipopt import Model

from kida import _core
from kida.rule import Decision, Recording
from kida.solver.branching import capsule


def include(model: Model, options: dict[str, object]) -> object:
    return _core.Brancher.include(capsule(model), None, options, acting="random", priority=1)


def test_the_native_options_are_pythons() -> None:
    native = _core.default_options()
    python = msgspec.structs.asdict(Recording())
    assert set(Decision.__struct_fields__) < set(native)
    # Who only decides gives no probabilities, and nothing is recorded.
    assert native.pop("probability_by_depth") == []
    del python["probability_by_depth"]
    assert native == python


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"expert_dept": 1}, ValueError, "no option 'expert_dept'"),
        ({"expert_depth": 1.0}, TypeError, r"'expert_depth' cannot be 1\.0"),
        ({"expert_depth": True}, TypeError, "'expert_depth' cannot be True"),
        ({"expert_depth": 2**40}, TypeError, "'expert_depth'"),
        ({"act_on_expert": 1}, TypeError, "'act_on_expert' cannot be 1"),
        ({"probability_by_depth": 0.5}, TypeError, "'probability_by_depth'"),
        ({"probability_by_depth": ("often",)}, TypeError, "'probability_by_depth'"),
        ({"candidates": 3}, TypeError, "'candidates' cannot be 3"),
        ({"candidates": "all"}, ValueError, "'all' is not one of fractional, unfixed"),
    ],
)
def test_an_option_that_cannot_be_is_named(options, error, message) -> None:
    with pytest.raises(error, match=message):
        include(Model(), options)


def test_a_missing_option_has_its_default() -> None:
    assert include(Model(), {}) is not None
    assert include(Model(), {"probability_by_depth": [1, 0.5], "candidates": "unfixed"}) is not None
