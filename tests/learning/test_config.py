import dataclasses
import json

import pytest

from kida.errors import UserError
from kida.learning.config import (
    CollectionConfig,
    InheritanceConfig,
    RunConfig,
    SearchConfig,
    TrainingConfig,
    config_from,
    first_difference,
    read_config,
)


def test_file_and_overrides(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text(
        "generations = 7\n[collection]\nepisodes = 3\nprobability_by_depth = [1, 0.5]\n"
        '[training]\nloss = "soft"\n'
    )
    config = read_config(
        "item_placement",
        file,
        ["collection.episodes=4", "training.learning_rate=1", "training.loss=ranking"],
    )
    assert config.family == "item_placement"
    assert config.generations == 7
    assert config.collection.episodes == 4
    assert config.collection.probability_by_depth == (1.0, 0.5)
    assert config.training.loss == "ranking"
    assert config.training.learning_rate == 1.0
    assert isinstance(config.training.learning_rate, float)
    assert config.inheritance == InheritanceConfig()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("generation=3", "no option 'generation'"),
        ("training.epoch=3", r"no option 'training\.epoch'"),
        ("generations", "no '='"),
        ("generations=2.5", "must be of type int"),
        ("generations=true", "must be of type int"),
        ("generations=0", "must be positive"),
        ("generations.x=1", r"generations is|must be of type int"),
        ("training=3", "is a table"),
        ("training.loss=squared", "choose one of hard, soft, ranking"),
        ("training.embedding_size=20", "multiple of 8"),
        ("training.statistics=1", "must be of type bool"),
        ("training.dropout=1.0", r"\[0, 1\)"),
        ("training.learning_rate=nan", "must be positive"),
        ("collection.probability_by_depth=true", "must be of type float"),
        ("collection.acting=nobody", "choose one of network, expert"),
        ("collection.acting=[]", "must name somebody"),
        ("collection.probability_by_depth=[2]", "between 0 and 1"),
        ("collection.thinning=[0]", "thinning"),
        ("collection.act_on_expert=1", "must be of type bool"),
        ("inheritance.expert_depths=[-2]", "expert_depths"),
        ("search.generations=[6]", r"names generation 6, .* generations 1 to 5"),
        ("search.generations=[2, 2]", "names a generation twice"),
        ("search.generations=first", "must be of type int"),
        ("search.parameters=biases", "choose one of neurons, readout, all, subspace"),
        ("search.population=7", "even and at least 4"),
        ("search.population=2", "even and at least 4"),
        ("search.dimension=1", "at least 2"),
        ("search.learning_rate=1.5", "learning_rate"),
        ("search.expert_depth=-2", "-1 means never"),
        ("search.sigma=0", "must be positive"),
        ("search.start=''", r"search\.start is empty"),
        ("search.last_seconds=1", "can only grow"),
        ("collection.parameters=2", "must be a table"),
        ("collection.parameters.misc/usesymmetry=[2]", "misc/usesymmetry"),
        ("collection.depth_window=[7, 3]", "depth_window"),
        ("collection.node_window=[1, 2, 3]", "node_window"),
    ],
)
def test_mistakes_are_named(override, message):
    with pytest.raises(UserError, match=message):
        read_config("item_placement", None, [override])


def test_one_value_may_stand_for_a_list_of_one():
    config = read_config("f", None, ["collection.acting=expert", "collection.thinning=0.5"])
    assert config.collection.acting == ("expert",)
    assert config.collection.thinning == (0.5,)


def test_bad_files_are_refused(tmp_path):
    with pytest.raises(UserError, match="cannot read"):
        read_config("item_placement", tmp_path / "none.toml")
    file = tmp_path / "run.toml"
    file.write_text("generations = ")
    with pytest.raises(UserError, match="not valid TOML"):
        read_config("item_placement", file)
    file.write_text('family = "set_cover"')
    with pytest.raises(UserError, match="is for the family 'set_cover'"):
        read_config("item_placement", file)
    assert read_config(None, file).family == "set_cover"
    file.write_text("generations = 7")
    with pytest.raises(UserError, match="which family"):
        read_config(None, file)


def test_configuration_survives_json():
    options = ["collection.thinning=[1, 0.5]", "collection.parameters.branching/scorefunc=s"]
    config = read_config("item_placement", None, options)
    assert config_from(json.loads(json.dumps(dataclasses.asdict(config)))) == config


def test_first_difference_names_the_key():
    config = RunConfig("item_placement")
    assert first_difference(config, RunConfig("item_placement")) is None
    other = RunConfig("item_placement", training=TrainingConfig(epochs=3))
    assert first_difference(config, other) == "training.epochs is 3 there and 20 here"
    bare = read_config("item_placement", None, ["collection.parameters.misc/usesymmetry=2"])
    key = "collection.parameters.misc/usesymmetry"
    assert first_difference(config, bare) == f"{key} is 2 there and null here"


@pytest.mark.parametrize(
    "kind", [RunConfig, CollectionConfig, TrainingConfig, InheritanceConfig, SearchConfig]
)
def test_every_option_is_documented(kind):
    for field in dataclasses.fields(kind):
        assert field.name in kind.__doc__
