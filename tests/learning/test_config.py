import inspect
import json
import re
import subprocess
import sys

import msgspec
import pytest

from kida.boundary import plain
from kida.errors import UserError
from kida.learning.config import (
    CollectionConfig,
    InheritanceConfig,
    RunConfig,
    TrainingConfig,
    config_from,
    first_difference,
    read_config,
)
from kida.rule import Decision, Recording


def test_file_and_overrides(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text(
        "generations = 7\n[collection]\nepisodes = 3\nprobability_by_depth = [1, 0.5]\n"
        '[training]\nloss = "soft"\n'
    )
    config = read_config(
        "item_placement",
        file,
        ["collection.episodes=4", "training.learning_rate=1", "training.loss=hard"],
    )
    assert config.family == "item_placement"
    assert config.generations == 7
    assert config.collection.episodes == 4
    assert config.collection.probability_by_depth == (1.0, 0.5)
    assert config.training.loss == "hard"
    assert config.training.learning_rate == 1.0
    assert isinstance(config.training.learning_rate, float)
    assert config.inheritance == InheritanceConfig()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("generation=3", "unknown field `generation`; the fields are family, size, seed"),
        ("training.epoch=3", "training: .* unknown field `epoch`; the fields are embedding_size"),
        ("search.population=4", "unknown field `search`"),
        ("generations", "no '='"),
        ("generations=2.5", "generations is 2.5; expected `int`"),
        ("generations=true", "generations is True; expected `int`"),
        ("generations=0", "expected `int` >= 1"),
        ("generations.x=1", "generations: expected `int`"),
        ("seed=-1", "seed is -1; expected `int` >= 0"),
        ("seed=2147483647", "seed is 2147483647; expected `int` <= 2147483646"),
        ("training=3", "training is 3"),
        ("training.loss=squared", "choose one of hard, soft"),
        ("training.embedding_size=20", "multiple of 8"),
        ("training.embedding_size=136", "<= 128"),
        ("training.candidate_features=1", "expected `bool`"),
        ("training.label_smoothing=1.0", "expected `float` < 1"),
        ("training.learning_rate=nan", "learning_rate is nan; it must be a finite number"),
        ("training.learning_rate=0", "expected `float` > 0"),
        ("collection.time_limit=inf", "time_limit is inf; it must be a finite number"),
        ("collection.probability_by_depth=true", "expected `float`, got `bool`"),
        ("collection.acting=nobody", "choose one of network, expert"),
        ("collection.first_acting=network", "choose one of expert, random"),
        ("collection.acting=[]", "collection.acting: expected `array` of length >= 1"),
        ("collection.probability_by_depth=[2]", "expected `float` <= 1"),
        ("collection.thinning=[0]", "thinning"),
        ("collection.act_on_expert=1", "expected `bool`"),
        ("collection.expert_candidates=-1", "expert_candidates is -1"),
        ("inheritance.method=scan", "choose one of best, greedy, last"),
        ("inheritance.expert_depths=[-2]", "expert_depths"),
        ("collection.parameters=2", "parameters is 2"),
        ("collection.parameters.misc/usesymmetry=[2]", r"collection\.parameters"),
        ("collection.parameters.a=nan", r"collection\.parameters\.a is nan"),
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
    with pytest.raises(UserError, match="there is no file"):
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


def test_the_rules_options_are_the_runs_under_one_name():
    assert issubclass(CollectionConfig, Recording)
    names = {field.name for field in msgspec.structs.fields(Recording)}
    assert {"probability_by_depth", "samples_per_episode", "expert_depth", "candidates"} <= names


def test_configuration_survives_json():
    options = ["collection.thinning=[1, 0.5]", "collection.parameters.branching/scorefunc=s"]
    config = read_config("item_placement", None, options)
    assert config_from(json.loads(json.dumps(plain(config)))) == config


def test_first_difference_names_the_key():
    config = RunConfig(family="item_placement")
    assert first_difference(config, RunConfig(family="item_placement")) is None
    other = RunConfig(family="item_placement", training=TrainingConfig(epochs=3))
    assert first_difference(config, other) == "training.epochs is 3 there and 20 here"
    bare = read_config("item_placement", None, ["collection.parameters.misc/usesymmetry=2"])
    key = "collection.parameters.misc/usesymmetry"
    assert first_difference(config, bare) == f"{key} is 2 there and null here"


@pytest.mark.parametrize(
    "kind", [RunConfig, CollectionConfig, TrainingConfig, InheritanceConfig, Recording, Decision]
)
def test_every_option_is_documented(kind):
    inherited = {field.name for base in kind.__bases__ for field in msgspec.structs.fields(base)}
    for field in msgspec.structs.fields(kind):
        # At the head of an entry of the attributes, alone or among others.
        entry = rf"^(\w+, )*{field.name}(, \w+)*$"
        text = inspect.cleandoc(kind.__doc__)
        assert field.name in inherited or re.search(entry, text, re.MULTILINE), field.name


def test_a_configuration_is_read_without_scip_and_torch():
    program = (
        "import sys; sys.modules['pyscipopt'] = sys.modules['torch'] = None\n"
        "from kida.learning.config import read_config\n"
        "print(read_config('f', None, ['generations=3']).generations)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (found.stdout, found.stderr) == ("3\n", "")
