import msgspec
import pytest

from kida.errors import UserError
from kida.lab.climb import seconds_of
from kida.lab.search_config import SearchConfig, read_search


def test_both_configurations_are_in_one_file(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("generations = 2\n[search]\ngenerations = 2\npopulation = 8\n")
    config, options = read_search("item_placement", file, ["search.iterations=3"])
    assert config.generations == 2
    assert options == SearchConfig(generations=(2,), population=8, iterations=3)
    assert read_search("item_placement")[1] == SearchConfig()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.generations=[2, 2]", "names a generation twice"),
        ("search.generations=first", "expected `int`, got `str`"),
        ("search.parameters=biases", "choose one of neurons, readout, all, subspace"),
        ("search.population=7", "search.population is 7; .* multiple of 2"),
        ("search.population=2", "search.population is 2; .* >= 4"),
        ("search.dimension=1", "search.dimension is 1"),
        ("search.learning_rate=1.5", "search.learning_rate is 1.5"),
        ("search.expert_depth=-2", "search.expert_depth is -2"),
        ("search.sigma=0", "search.sigma is 0"),
        ("search.sigma=nan", "search.sigma is nan"),
        ("search.start=''", "search.start"),
        ("search.last_seconds=1", "can only grow"),
        ("search.candidates=4", "unknown field `candidates`; the fields are generations"),
        ("search=3", "search is 3"),
        ("generation=3", "unknown field `generation`"),
    ],
)
def test_mistakes_are_named(override, message):
    with pytest.raises(UserError, match=message):
        read_search("item_placement", None, [override])


def test_every_option_is_documented():
    for field in msgspec.structs.fields(SearchConfig):
        assert field.name in SearchConfig.__doc__


def test_episodes_grow_geometrically():
    options = SearchConfig(iterations=3, first_seconds=1, last_seconds=16)
    assert [seconds_of(options, number) for number in range(3)] == pytest.approx([1, 4, 16])
    assert seconds_of(SearchConfig(iterations=1), 0) == 5
