import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import family, family_names, generated_family, instances


def draw(instance: Instance) -> str:
    return generated_family(instance.family).program(instance).mps()


@pytest.mark.parametrize("name", family_names())
def test_every_family_keeps_the_contract(name: str) -> None:
    chosen = family(name)
    assert chosen.name == name
    assert chosen.sizes
    assert "\n" not in chosen.description
    names = set()
    for split in ("train", "valid", "test"):
        assert chosen.length(split) >= 100
        listed = instances(name, split, 1, 2)
        assert [instance.index for instance in listed] == [1, 2]
        names |= {instance.name for instance in listed}
        assert pickle.loads(pickle.dumps(listed)) == listed
    assert len(names) == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no_such_family",), "families are .*item_placement"),
        (("item_placement", "tests"), "choose one of train, valid, test"),
        (("item_placement", "test", 99, 2), "100 instances in its test split"),
        (("item_placement", "test", -1, 2), "100 instances in its test split"),
        (("item_placement", "test", 0, 1, "huge"), "choose one of official"),
    ],
)
def test_mistakes_are_explained(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        instances(*arguments)  # type: ignore[arg-type]


@pytest.mark.slow
def test_another_process_draws_the_same() -> None:
    chosen = [instances(name, "valid", 3, 1)[0] for name in family_names()]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        there = list(executor.map(draw, chosen[::-1]))[::-1]
    assert [draw(instance) for instance in chosen] == there
