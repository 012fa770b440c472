import pytest

from kida.boundary import LARGEST_SEED
from kida.errors import UserError
from kida.learning.config import CollectionConfig, RunConfig
from kida.learning.plan import Plan
from kida.solver.problem import open_model


def config(**options) -> RunConfig:
    collection = CollectionConfig(episodes=8, validation_episodes=2)
    return RunConfig(family="item_placement", generations=4, collection=collection, **options)


def test_no_instance_and_seed_is_played_twice_and_validation_stays_apart():
    plan = Plan(config())
    train = [draw for n in range(1, 5) for draw in plan.episodes("train", n)]
    valid = [draw for n in range(1, 5) for draw in plan.episodes("valid", n)]
    assert len(set(train)) == len(train) == 32
    assert len(set(valid)) == len(valid) == 8
    assert {d.instance for d in train}.isdisjoint(d.instance for d in valid)
    assert {d.instance.split for d in train + valid} == {"train"}


def test_each_generation_has_its_size_and_the_last_one_stays():
    collection = CollectionConfig(episodes=2, validation_episodes=1, sizes=("small", "medium"))
    plan = Plan(
        RunConfig(family="facility_location", size="hard", generations=3, collection=collection)
    )
    sizes = [
        {draw.instance.size for kind in ("train", "valid") for draw in plan.episodes(kind, n)}
        for n in (1, 2, 3)
    ]
    assert sizes == [{"small"}, {"medium"}, {"medium"}]
    assert {draw.instance.size for draw in plan.selection(2)} == {"hard"}


def test_the_plan_follows_from_the_seed():
    def first(seed):
        return [draw.instance.index for draw in Plan(config(seed=seed)).episodes("train", 1)]

    assert first(1) == first(1) != first(2)


@pytest.mark.parametrize("seed", [12_345, LARGEST_SEED])
def test_any_seed_gives_what_scip_and_records_take(seed):
    plan = Plan(config(seed=seed))
    draws = [*plan.episodes("train", 4), *plan.episodes("valid", 1), *plan.spare("valid", 0, 3)]
    assert all(0 <= draw.seed <= LARGEST_SEED for draw in draws)


def test_a_small_family_is_played_again_with_other_seeds(tmp_path):
    from kida.instances.registry import instances

    (tmp_path / "train").mkdir()
    for index in range(3):
        model = open_model(instances("item_placement", "train", index, 1)[0])
        model.writeProblem(str(tmp_path / "train" / f"{index}.mps"), verbose=False)
        model.free()
    plan = Plan(
        RunConfig(
            family=str(tmp_path),
            generations=3,
            collection=CollectionConfig(episodes=4, validation_episodes=1),
        )
    )
    train = [draw for n in range(1, 4) for draw in plan.episodes("train", n)]
    valid = [draw for n in range(1, 4) for draw in plan.episodes("valid", n)]
    assert len(set(train)) == 12
    assert len(set(valid)) == 3
    assert {d.instance for d in train}.isdisjoint(d.instance for d in valid)
    assert len(plan.selection(5)) == 5


def test_spare_draws_are_apart_from_all_others():
    plan = Plan(config(), held_out=6)
    training = plan.spare("train", 0, 20) + plan.spare("train", 20, 10)
    assert training == plan.spare("train", 0, 30)
    held = plan.spare("valid", 0, 6)
    episodes = [
        draw for kind in ("train", "valid") for n in range(1, 5) for draw in plan.episodes(kind, n)
    ]
    groups = [{d.instance for d in draws} for draws in (training, held, episodes)]
    assert [len(group) for group in groups] == [30, 6, 40]
    assert len(set.union(*groups)) == 76
    assert {d.instance.split for d in training + held} == {"train"}


def test_selection_uses_the_valid_split():
    draws = Plan(config()).selection(3)
    assert [draw.instance.name for draw in draws] == [
        f"item_placement_{9900 + k}" for k in range(3)
    ]


def test_selection_is_by_files_of_all_sizes(tmp_path):
    for split, count in (("train", 2), ("valid", 9)):
        (tmp_path / split).mkdir()
        for number in range(count):
            (tmp_path / split / f"n{number}.lp").write_text("Minimize\n x\nEnd\n")
    plan = Plan(RunConfig(family=str(tmp_path)))
    draws = plan.selection(3)
    assert [draw.instance.name for draw in draws] == [f"valid/n{k}" for k in (0, 4, 8)]
    more = plan.selection(11)
    assert [(draw.instance.index, draw.seed) for draw in more[-3:]] == [(8, 0), (0, 1), (1, 1)]


def test_unknown_family_and_size():
    with pytest.raises(UserError, match="no_such_family"):
        Plan(RunConfig(family="no_such_family"))
    with pytest.raises(UserError, match="no size 'huge'"):
        Plan(config(size="huge"))
    with pytest.raises(UserError, match="no size 'huge'"):
        Plan(RunConfig(family="set_cover", collection=CollectionConfig(sizes=("easy", "huge"))))
