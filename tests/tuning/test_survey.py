"""What a survey says of real files, and where it ends a tuning."""

import random

import pytest
from msgspec.structs import replace

from kida.boundary import checked
from kida.errors import UserError
from kida.evaluation.records import Protocol
from kida.jobs.run import ONE_AT_A_TIME
from kida.tuning.clock import Clock
from kida.tuning.config import TuneConfig
from kida.tuning.files import divide
from kida.tuning.measuring import Arena
from kida.tuning.survey import (
    Survey,
    _chosen_limit,
    _goal,
    _nothing_to_win,
    cost_within,
    first_limit,
    take_survey,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def surveyed(tmp_path):
    """Return what takes the survey of a folder."""

    def take(folder, limit: float = 20.0, **options) -> Survey:
        config = TuneConfig(problems=str(folder), **options)
        division = divide(str(folder), tmp_path / "run", ONE_AT_A_TIME)
        arena = Arena(tmp_path / "r", Protocol("default", limit), ONE_AT_A_TIME, lambda *told: None)
        clock = Clock(tmp_path / "run", 600.0)
        return take_survey(division.draws("train", 3), arena, config, clock, tmp_path / "run")

    return take


def market_split(folder, count: int) -> None:
    """Write problems of which SCIP finds no solution in seconds (Cornuejols and Dawande 1998)."""
    for number in range(count):
        draw = random.Random(number)
        rows = [[draw.randint(0, 99) for _ in range(50)] for _ in range(6)]
        body = "".join(
            f" c{i}: {' + '.join(f'{a} x{j}' for j, a in enumerate(row))} = {sum(row) // 2}\n"
            for i, row in enumerate(rows)
        )
        names = " ".join(f"x{j}" for j in range(50))
        (folder / f"m_{number}.lp").write_text(
            f"Minimize\n o: x0\nSubject To\n{body}Binaries\n {names}\nEnd\n"
        )


def test_a_folder_with_trees_is_tuned_for_the_time(knapsacks, surveyed, tmp_path):
    found = surveyed(knapsacks(tmp_path / "mine", 6))
    assert found.ended == ""
    assert found.goal == "time"
    assert found.solved == len(found.files) == 3
    assert found.branched >= 1
    assert found.time_limit >= max(file.seconds for file in found.files)
    assert found.nodes > 1
    assert sum(share for part, share in found.shares.items() if part != "root") == pytest.approx(
        1.0, abs=0.4
    )
    assert 0 < found.shares["root"] < 1


def test_what_is_not_finished_is_tuned_for_the_gap(knapsacks, surveyed, tmp_path):
    folder = knapsacks(tmp_path / "mine", 6, items=100, rows=10, hard=True)
    found = surveyed(folder, limit=2.0)
    assert found.solved == 0
    assert (found.goal, found.ended) == ("gap", "")
    assert found.time_limit >= 2.0


def test_times_that_all_are_the_limit_cannot_be_compared(knapsacks, surveyed, tmp_path):
    folder = knapsacks(tmp_path / "mine", 6, items=100, rows=10, hard=True)
    found = surveyed(folder, limit=2.0, goal="time", time_limit=2.0)
    assert "solves none of the 3 surveyed files within 2 s" in found.ended
    assert "--goal gap" in found.ended


def test_an_unfinished_root_is_tuned_for_the_gap(make_file):
    file = make_file(
        solved=False,
        branched=False,
        seconds=5.0,
        root_seconds=5.0,
        nodes=1,
        split={"separation": 3.0},
    )
    assert _nothing_to_win([file], "gap", 5.0) == ""
    assert "never leaves the root" in _nothing_to_win([file], "time", 5.0)
    # Where some are solved there, not all is lost.
    solved = make_file(branched=False, seconds=4.0, root_seconds=4.0, nodes=1)
    assert _goal([solved, file], []) == "gap"
    assert _nothing_to_win([solved, file], "time", 5.0) == ""


def test_infeasible_or_unbounded_files_are_named_as_that(make_file):
    odd = make_file(solved=False, ended=True, branched=False, seconds=0.01, nodes=0)
    assert "infeasible or unbounded" in _nothing_to_win([odd, odd, make_file()], "time", 5.0)
    assert _nothing_to_win([odd, make_file(), make_file()], "time", 5.0) == ""


def test_gaps_that_never_move_are_no_goal(knapsacks, surveyed, tmp_path):
    # No solution is ever found, so that the gap is that of nothing.
    folder = tmp_path / "mine"
    folder.mkdir()
    market_split(folder, 6)
    found = surveyed(folder, limit=1.0)
    assert (found.solved, found.goal) == (0, "bound")


def test_files_solved_at_the_root_end_it(knapsacks, surveyed, tmp_path):
    found = surveyed(knapsacks(tmp_path / "mine", 6, items=4, rows=1))
    assert "solves all 3 surveyed files at the root" in found.ended
    assert "no-restarts (restarts)" in found.ended
    assert "depth-first" not in found.ended


def test_a_solve_costs_something_under_any_limit(make_file):
    file = make_file(seconds=50.0, root_seconds=5.0, nodes=1)
    survey = Survey(files=(file,), goal="time", time_limit=60.0, seconds_per_solve=0.05)
    assert cost_within(survey, 1.0) == pytest.approx(1.05)
    with pytest.raises(UserError, match="files"):
        checked(replace(survey, files=()))


@pytest.mark.parametrize(
    ("solved", "goal", "wanted", "limit"),
    # A verdict of 138 s on two cores has five pairs of 27 s.
    [
        (True, "time", None, 20.0),
        (True, "time", 3600.0, 27.0),
        (True, "time", 20.0, 20.0),
        (False, "gap", 3600.0, 27.0),
    ],
)
def test_a_limit_fits_the_budget(solved, goal, wanted, limit, make_file, tmp_path):
    config = TuneConfig(problems="mine", goal=goal, time_limit=wanted)
    clock = Clock(tmp_path, 600.0)
    assert first_limit(config, clock, 2) <= 48.0 * 2 / 4
    assert first_limit(replace(config, time_limit=1.5), clock, 2) == 1.5
    files = [make_file(name=name, solved=solved) for name in "abc"]
    assert _chosen_limit(files, goal, 10.0, config, clock, 2) == limit


def test_a_limit_is_no_shorter_than_what_did_not_suffice(make_file, tmp_path):
    files = [make_file(name=n, seconds=s) for n, s in (("a", 1.0), ("b", 5.0))]
    files += [make_file(name=n, solved=False, seconds=54.0) for n in "cd"]
    config = TuneConfig(problems="mine")
    assert _chosen_limit(files, "time", 54.0, config, Clock(tmp_path, 2700.0), 2) == 108.0


def test_what_was_not_solved_may_take_little_more_or_all_there_is(make_file, tmp_path):
    short, long = make_file(seconds=60.0), make_file(solved=False, seconds=100.0)
    config = TuneConfig(problems="mine", goal="time")
    # A verdict of 621 s on two cores has five pairs of 124 s, so that 180 s are too long.
    limit = _chosen_limit([short, long], "time", 100.0, config, Clock(tmp_path, 2700.0), 2)
    assert limit == 125.0
    survey = Survey(files=(short, long), goal="time", time_limit=limit, seconds_per_solve=90.0)
    assert cost_within(survey, limit) == pytest.approx(90.0)
    assert cost_within(survey, 80.0) == pytest.approx(90.0 - (60 + 112.5) / 2 + (60 + 80) / 2)
    # Of gaps, whatever is not solved has all the time.
    gap = replace(survey, goal="gap", time_limit=100.0)
    assert cost_within(gap, 50.0) == pytest.approx(90.0 - 80.0 + 50.0)
