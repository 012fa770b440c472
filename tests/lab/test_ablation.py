import dataclasses
from pathlib import Path

import pytest

from kida.boundary import replaced
from kida.errors import UserError
from kida.lab.ablation import Variant, expand, make_policies
from kida.learning.events import EpisodeEnded
from kida.learning.run import Run
from kida.network.inheritance import uniform_average
from kida.network.policy import Policy

RECIPE = """
generations = 2
[collection]
episodes = 2
validation_episodes = 1
samples_per_episode = 4
thinning = [1]
probability_by_depth = [0.5]
[training]
embedding_size = 8
epochs = 1
prenorm_batches = 1
device = "cpu"
[inheritance]
expert_depths = [-1, 2]
"""
VARIANTS = (
    Variant("merging", "base", merged=(1, 2)),
    Variant("merging", "second", merged=(2,)),
    Variant("training", "size 8", ("training.embedding_size=8",), merged=(1, 2)),
    Variant("training", "size 16", ("training.embedding_size=16",), merged=(1, 2)),
    Variant("expert", "to depth 4", merged=(1, 2), expert_depth=4),
    Variant(
        "own",
        "other seed",
        ("seed=5", "search.start={base}", "search.generations=1"),
        merged=(1,),
        shared=0,
    ),
)


@pytest.fixture
def recipe(tmp_path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_variants_are_told_apart_by_what_they_make(tmp_path, recipe):
    base, second, same, wide, deep, own = expand("item_placement", recipe, (), VARIANTS, tmp_path)
    assert base.run == second.run == same.run == deep.run == tmp_path / "runs" / "base"
    assert same.policy == base.policy == tmp_path / "policies" / "base"
    assert len({c.policy for c in (base, second, wide, deep, own)}) == 5
    assert (base.expert_depth, deep.expert_depth) == (-1, 4)
    assert (wide.shared, own.shared) == (2, 0)
    assert wide.config.training.embedding_size == 16
    assert own.makers[1].options.start == str(base.policy)
    assert not base.makers


def test_a_name_stands_for_one_variant(tmp_path, recipe):
    with pytest.raises(ValueError, match="one name"):
        expand("item_placement", recipe, (), [VARIANTS[0]] * 2, tmp_path)


@pytest.mark.slow
def test_a_variant_is_trained_on_the_episodes_of_the_base(tmp_path, recipe):
    entrants = expand("item_placement", recipe, (), VARIANTS[:5], tmp_path)
    events = []
    folders = make_policies(entrants, listener=lambda run, event: events.append((run, event)))
    assert folders == [entrant.policy for entrant in entrants]
    played = [run for run, event in events if isinstance(event, EpisodeEnded)]
    assert played == ["base"] * 6
    base, second, _, wide, deep = (Policy.load(folder) for folder in folders)
    assert wide.card.architecture.embedding_size == 16
    assert deep.card.expert_depth == 4
    generations = [Policy.load(entrants[0].run / f"gen_0{n}" / "policy") for n in (1, 2)]
    merged = uniform_average([generation.weights for generation in generations])
    for name, array in merged.items():
        assert (base.weights[name] == array).all()
        assert (deep.weights[name] == array).all()
        assert (second.weights[name] == generations[1].weights[name]).all()
    events.clear()
    assert make_policies(entrants, listener=lambda *event: events.append(event)) == folders
    assert not events


def test_equal_policies_have_one_folder(tmp_path, recipe):
    entrants = expand("item_placement", recipe, (), VARIANTS[:2], tmp_path)
    base, second = entrants
    made = Policy.load("item_placement")
    for entrant in entrants:
        made.save(entrant.policy)
    assert make_policies(entrants) == [base.policy, base.policy]
    other = replaced(made.card, expert_depth=3)
    Policy(made.weights, other).save(second.policy)
    assert make_policies(entrants) == [base.policy, second.policy]


def test_a_variant_that_plays_otherwise_cannot_share(tmp_path, recipe):
    own = dataclasses.replace(VARIANTS[-1], options=("seed=5",), shared=1)
    entrants = base, _ = expand("item_placement", recipe, (), [VARIANTS[0], own], tmp_path)
    Policy.load("item_placement").save(base.policy)
    Run(base.run, base.config)
    with pytest.raises(UserError, match=r"cannot share .* seed is 0 there and 5 here"):
        make_policies(entrants)
