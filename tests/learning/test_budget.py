import pytest

from kida.learning.ablation import Variant, expand
from kida.learning.budget import Pace, estimate, measuring

PACE = Pace(first_episode=10, episode=4, samples=20, training=100, start=2)
RECIPE = """
generations = 2
[collection]
episodes = 8
validation_episodes = 2
time_limit = 30
[training]
embedding_size = 32
epochs = 5
draws_per_epoch = 240
[inheritance]
instances = 3
time_limit = 10
"""


def parts(tmp_path, *variants):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    return estimate(expand("item_placement", recipe, (), variants, tmp_path), PACE, 2)


def test_each_run_is_counted_once_and_shared_episodes_never(tmp_path):
    found = parts(
        tmp_path,
        Variant("", "base", merged=(1, 2)),
        Variant("", "first", merged=(1,)),
        Variant("", "wide", ("training.embedding_size=64",), merged=(1, 2)),
        Variant("", "unfixed", ("collection.candidates=unfixed",), merged=(1,), shared=0),
    )
    assert [(part.name, part.seconds) for part in found] == [
        ("base: episodes", pytest.approx(10 * 10 / 2 + 10 * 4 / 2)),
        ("base: training", pytest.approx(5 * (160 + 240) / 100)),
        ("wide: training", pytest.approx(2 * 5 * (160 + 240) / 100)),
        ("unfixed: episodes", pytest.approx(10 * 30 / 2)),
        ("unfixed: training", pytest.approx(5 * 160 / 100)),
    ]


def test_rewards_and_search_are_counted_in_solves(tmp_path):
    search = ("generations=1", "search.generations=[1]", "search.first_seconds=10")
    search += ("search.last_seconds=10", "search.population=4", "search.iterations=3")
    search += ("search.instances=2", "search.comparison=5")
    found = parts(
        tmp_path,
        Variant("", "base", merged=(1, 2)),
        Variant("", "soup", merged=(1, 2), greedy=True),
        Variant("", "search", search, merged=(1,), shared=0),
    )
    assert [(part.name, part.seconds) for part in found[2:]] == [
        ("soup: rewards", pytest.approx((2 + 1) * 3 * 12 / 2)),
        ("search: search", pytest.approx((4 * 3 * 2 + 2 * 5) * 12 / 2)),
    ]


def test_the_comparison_ends_with_its_slowest_process():
    assert measuring(policies=3, draws=1, seconds=8, pace=PACE, jobs=2).seconds == 20
