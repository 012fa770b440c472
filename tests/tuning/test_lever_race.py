"""The levers' race: what is tried in which time, and that it goes on. Races are in test_race.py."""

from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from kida.instances.family import Instance
from kida.learning.plan import Draw
from kida.tuning import lever_race
from kida.tuning.clock import Clock
from kida.tuning.lever_choice import applicable
from kida.tuning.lever_race import _surpassed, race_draws, race_levers, race_limit, seconds_to_race
from kida.tuning.lever_steps import LeverStep
from kida.tuning.standings import LEAST_DRAWS, Contestant, standing
from kida.tuning.survey import Survey, cost_within


@pytest.fixture
def survey(make_file) -> Survey:
    split = {"strong branching": 5.0, "separation": 3.0, "heuristics": 2.0}
    file = make_file(nodes=1000, gap=0.0, split=split)
    return Survey(files=(file,), goal="time", time_limit=30.0, seconds_per_solve=10.0)


class Counted(Clock):
    """Time that passes when a test says so."""

    spent = 0.0

    @property
    def used(self) -> float:
        return self.spent


@pytest.fixture
def clock(tmp_path) -> Counted:
    return Counted(tmp_path, 900.0)


@pytest.fixture
def raced(monkeypatch, clock):
    """The names of the levers in every race; none is any better than SCIP's default."""
    found = []

    def race(entered, draws, arena, goal, affordable, **options):
        found.append([contestant.name for contestant in entered])
        clock.spent += 10.0 * 2 * len(entered)
        return [standing(contestant, [0.01, -0.01, 0.02, 0.0]) for contestant in entered]

    monkeypatch.setattr(lever_race, "race", race)
    return found


def test_a_race_goes_on_with_the_levers_not_tried(survey, clock, raced, draws, tmp_path):
    arena = SimpleNamespace(
        workers=SimpleNamespace(count=1), protocol=SimpleNamespace(seconds=30.0)
    )
    first = race_levers(survey, draws, arena, clock, tmp_path)
    before = [name for names in raced for name in names]
    assert first.untried
    assert not set(before) & set(first.untried)
    # Asked once more it says what it has found.
    assert race_levers(survey, draws, arena, clock, tmp_path) == first
    assert [name for names in raced for name in names] == before
    raced.clear()
    clock.without_learning()
    more = race_levers(survey, draws, arena, clock, tmp_path, former=first)
    tried = [name for names in raced for name in names]
    assert tried
    assert set(tried) <= set(first.untried)
    assert {entry.name for entry in more.alone} == {*before, *tried}
    assert set(more.untried) == set(first.untried) - set(tried)
    assert race_levers(survey, draws, arena, clock, tmp_path) == more


def test_with_more_of_the_time_all_levers_race_at_once(survey, clock, raced, draws, tmp_path):
    arena = SimpleNamespace(
        workers=SimpleNamespace(count=2), protocol=SimpleNamespace(seconds=race_limit(survey))
    )
    # More than the levers' share, less than it can be at most.
    clock.budget = seconds_to_race(survey, draws, 2) / 0.28
    clock.spent = clock.left_for("survey")
    race_levers(survey, draws, arena, clock, tmp_path / "before")
    few = raced[0]
    raced.clear()
    clock.spent = 0.0
    clock.spent = clock.left_for("survey")
    clock.favour_levers(seconds_to_race(survey, draws, 2))
    race_levers(survey, draws, arena, clock, tmp_path / "after")
    applies = applicable(survey.shares)
    assert len(few) < len(applies)
    assert raced[0] == [lever.name for lever in applies]


def test_levers_that_help_each_other_are_found(survey, clock, arena, draws, tmp_path, monkeypatch):
    cost = cost_within(survey, 30.0) / arena.workers.count
    monkeypatch.setattr(Counted, "used", property(lambda self: cost * arena.solves))
    clock.budget = 1000 * cost
    found = race_levers(survey, draws, arena, clock, tmp_path)
    assert found.alone[0].name == "pseudocosts"
    assert [step.found.levers[-1] for step in found.steps if step.found] == [
        "no-cuts",
        "aggressive-presolving",
        "inference",
    ]
    assert set(found.levers) == {"no-cuts", "aggressive-presolving", "inference"}
    assert found.combined[0].levers == found.levers
    assert clock.left_for("levers") >= 0


def test_without_time_to_compare_again_what_the_steps_have_shown_stands(
    survey, clock, arena, draws, tmp_path, monkeypatch
):
    cost = cost_within(survey, 30.0) / arena.workers.count
    monkeypatch.setattr(Counted, "used", property(lambda self: cost * arena.solves))
    # The steps may take all of the time.
    monkeypatch.setattr(lever_race, "_STEPS", 1.0)
    clock.budget = 500 * cost
    found = race_levers(survey, draws, arena, clock, tmp_path)
    last = [step.found for step in found.steps if step.found][-1]
    assert all(entry.draws < LEAST_DRAWS for entry in found.combined)
    assert found.levers == last.levers


def test_killed_at_its_end_a_race_comes_to_the_same(
    survey, clock, arena, draws, tmp_path, monkeypatch
):
    cost = cost_within(survey, 30.0) / arena.workers.count
    monkeypatch.setattr(Counted, "used", property(lambda self: cost * arena.solves))
    clock.budget = 300 * cost
    found = race_levers(survey, draws, arena, clock, tmp_path)
    assert found.levers
    (tmp_path / "levers.json").unlink()
    # All solves are on disk, and no time is left to pay for them again.
    arena.solves += 1000
    late = Counted(tmp_path, clock.budget)
    assert not late.left_for("levers")
    assert race_levers(survey, draws, arena, late, tmp_path) == found


def draw(name, seed=0):
    return Draw(Instance(name, "", "", "train", 0, None), seed)


def order(survey, draws):
    return [(draw.instance.name, draw.seed) for draw in race_draws(survey, draws)]


def test_other_files_come_before_other_seeds_of_one(survey):
    fast, slow = replace(survey.files[0], seconds=8.0), replace(survey.files[0], name="b")
    both = replace(survey, files=(slow, fast))
    draws = [draw(name, seed) for seed in (0, 1) for name in "cab"]
    # Of what was not surveyed nothing is known, and it comes behind.
    assert order(both, draws) == [(name, seed) for seed in (0, 1) for name in "abc"]


def test_files_with_a_tree_are_raced_on_and_set_the_limit(survey, make_file):
    roots = [make_file(name=name, branched=False, seconds=0.3, nodes=1) for name in "bcdef"]
    trees = [make_file(name=name, seconds=40.0) for name in "ghi"]
    mixed = replace(survey, files=(*roots, *trees), time_limit=300.0)
    assert race_limit(mixed) == 2 * 1.5 * 40
    assert {name for name, _ in order(mixed, list(map(draw, "bcdefghi")))} == set("ghi")


def test_what_a_race_costs_is_of_the_files_raced_on(survey, make_file):
    trees = [make_file(name=f"t{n}", seconds=10.0 * n) for n in (1, 2, 3)]
    long = [make_file(name=f"u{n}", solved=False, seconds=100.0) for n in range(4)]
    found = replace(survey, files=(*trees, *long), time_limit=100.0, seconds_per_solve=66.0)
    draws = race_draws(found, [draw(file.name) for file in found.files])
    one = seconds_to_race(found, draws, 1) / seconds_to_race(found, draws, 2)
    assert one == pytest.approx(2.0)
    cheaper = seconds_to_race(found, draws, 1) / seconds_to_race(found, [draw("other")], 1)
    # 20 s of 60 s on average, of those that are cut off at 60 s too, and what comes beside.
    aside = found.seconds_aside
    assert cheaper == pytest.approx((20 + aside) / ((60 + 4 * 60) / 7 + aside))


def test_what_a_step_has_surpassed_is_not_taken_for_its_luck():
    def entry(name, *logs):
        return standing(Contestant(name, name, tuple(name.split(" + "))), logs)

    both = entry("no-cuts + orbital", *[-0.1, -0.12] * 4)
    steps = [LeverStep(base=("no-cuts",), standings=(), found=both)]
    assert _surpassed(steps, [both]) == {"no-cuts"}
    # Not where the step's outcome has lost against the default.
    assert _surpassed(steps, []) == set()
