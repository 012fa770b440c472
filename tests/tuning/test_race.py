"""Who stays in a race, who is called better, and who is kept of equals."""

import pytest

from kida.tuning import race as race_module
from kida.tuning.race import _drop, _worse_half, largest_field, race, race_again
from kida.tuning.standings import Contestant, standing, winners

FAST, SLOW, SAME = Contestant("fast", "f"), Contestant("slow", "s"), Contestant("same", "x")


def dropped(found: dict[Contestant, list[float]], **options) -> dict[str, str]:
    """Return who drops out with these logarithms of ratios, and why."""
    alive, ended = [*found], {}
    _drop(alive, {contestant.name: logs for contestant, logs in found.items()}, ended, **options)
    assert {c.name for c in alive} | {*ended} == {c.name for c in found}
    return ended


def test_who_is_far_behind_twice_is_given_up():
    assert dropped({FAST: [-0.1, -0.2], SLOW: [0.4, 0.5]}) == {"slow": "hopeless"}
    assert dropped({FAST: [-0.1], SLOW: [0.9]}) == {}
    assert dropped({FAST: [-0.1, -0.2], SLOW: [0.9, -0.1]}) == {}


def test_who_is_worse_than_the_best_drops_out():
    logs = [-0.5, -0.45, -0.55, -0.5]
    assert dropped({FAST: logs, SLOW: [-0.05, 0.03, -0.02, 0.01]}) == {"slow": "worse"}
    assert dropped({FAST: logs, SLOW: [-0.2, -0.9, -0.1, -0.8]}) == {}


def test_of_levers_that_combine_the_second_best_stays():
    found = {FAST: [-0.5, -0.45, -0.55, -0.5], SLOW: [-0.2, -0.21, -0.19, -0.2]}
    assert dropped(found) == {"slow": "worse"}
    assert dropped(found, rivals=False) == {}


def test_a_difference_that_matters_to_nobody_sends_nobody_home():
    assert dropped({FAST: [-0.51, -0.52, -0.53, -0.5], SLOW: [-0.5, -0.51, -0.52, -0.49]}) == {}


def test_who_is_worse_than_the_default_drops_out_even_if_nobody_is_better():
    assert dropped({SLOW: [0.1, 0.12, 0.09, 0.11]}) == {"slow": "worse"}
    assert dropped({SLOW: [0.1, -0.12, 0.09, 0.11]}) == {}


def test_what_changes_nothing_drops_out():
    assert dropped({SAME: [0.001, -0.002, 0.0, 0.003]}) == {"same": "no difference"}


def test_half_go_home_where_the_time_is_too_short_for_all():
    field = [Contestant(str(number), str(number)) for number in range(9)]
    found = {contestant.name: [float(contestant.name)] for contestant in field}
    assert [contestant.name for contestant in _worse_half(field, found)] == ["5", "6", "7", "8"]
    assert _worse_half(field[:3], found) == []


@pytest.mark.parametrize(("solves", "field"), [(7, 0), (8, 1), (16, 3), (32, 8), (100, 42)])
def test_as_many_race_as_the_solves_are_enough_for(solves, field):
    assert largest_field(solves) == field


class _Workers:
    count = 2


class _Arena:
    """Where contestants have the logarithms that their names say; counts the new solves."""

    workers = _Workers()

    def __init__(self):
        self.solved = set()

    def measured(self, alive, batch, arena, goal, against):
        for name in [against, *(contestant.name for contestant in alive)]:
            self.solved |= {(name, draw) for draw in batch}
        return {c.name: [float(c.name) + 0.02 * (draw % 3) for draw in batch] for c in alive}


@pytest.fixture
def arena(monkeypatch):
    found = _Arena()
    monkeypatch.setattr(race_module, "_measured", found.measured)
    return found


def test_a_race_with_time_for_little_halves_and_finds_the_best(arena):
    field = [Contestant(f"{value}", f"{value}") for value in (0.1, -0.5, 0.2, 0.05, -0.1, 0.0)]
    budget = 2 * len(field) + 16

    def affordable(solves):
        return len(arena.solved) + solves <= budget

    found = race(field, range(24), arena, "time", affordable, rivals=False)
    assert next(winners(found)).name == "-0.5"
    assert len(arena.solved) <= budget
    assert {entry.ended for entry in found} >= {"", "halved"}
    assert all(entry.draws for entry in found)


def test_near_winners_have_more_draws_if_nobody_has_won(arena):
    unsure = standing(Contestant("-0.05", "n"), [-0.4, 0.3, -0.3, 0.2])
    bad = standing(Contestant("0.5", "b"), [0.5, 0.5], "hopeless")
    said = []
    found = race_again([unsure, bad], range(12), arena, "time", lambda n: True, said.append)
    assert [(entry.name, entry.draws) for entry in found] == [("-0.05", 12), ("0.5", 2)]
    assert found[0].better
    assert said == ["nothing has won yet; more pairs for -0.05"]
    # With a winner, or without time, everything stays.
    assert race_again(found, range(24), arena, "time", lambda n: True, said.append) == found
    again = race_again([unsure, bad], range(12), arena, "time", lambda n: False, said.append)
    assert again == [unsure, bad]
