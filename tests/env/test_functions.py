import pytest

from kida.env.functions import Deferred, Function, Lazy, composed
from kida.errors import UserError


class Counting:
    """Counts its extractions."""

    def __init__(self) -> None:
        self.resets = self.extractions = 0

    def before_reset(self, model):
        self.resets += 1

    def extract(self, model, done):
        self.extractions += 1
        return (self.extractions, model, done)


def test_one_function_is_itself():
    function = Counting()
    assert composed(function, "observation") is function
    assert isinstance(function, Function)


def test_forms_are_kept():
    one, two = Counting(), Counting()
    several = composed({"a": (one, None), "b": [two]}, "observation")
    several.before_reset("model")
    assert several.extract("model", False) == {"a": ((1, "model", False), None), "b": [two_is(1)]}
    assert several.extract("model", True)["b"] == [(2, "model", True)]
    assert one.resets == two.resets == 1
    assert composed(None, "reward").extract("model", False) is None


def two_is(count: int) -> tuple[int, str, bool]:
    return count, "model", False


@pytest.mark.parametrize("wrong", [3, object(), (Counting(), "nodes"), {"a": 1}])
def test_what_is_no_function_is_refused(wrong):
    with pytest.raises(UserError, match=r"the reward .* has no methods before_reset"):
        composed(wrong, "reward")


def test_a_class_is_no_function():
    with pytest.raises(UserError, match="is the class Counting; give one"):
        composed((Counting,), "observation")


def test_lazy_extracts_when_asked_and_once():
    function = Counting()
    lazy = Lazy(function)
    lazy.before_reset("model")
    first = lazy.extract("model", False)
    assert isinstance(first, Deferred)
    assert function.extractions == 0
    assert first() == first() == (1, "model", False)
    assert function.extractions == 1


def test_lazy_values_end_with_their_step():
    lazy = Lazy((Counting(), Counting()))
    lazy.before_reset("model")
    asked, missed = lazy.extract("model", False), None
    value = asked()
    missed = lazy.extract("model", False)
    lazy.extract("model", True)
    assert asked() is value
    with pytest.raises(UserError, match="an earlier step"):
        missed()
    last = lazy.extract("model", True)
    lazy.before_reset("another")
    with pytest.raises(UserError, match="an earlier step"):
        last()
