"""Levers added to the best one: each step against the one before, until none helps any more."""

from kida.tuning.contestants import of_levers
from kida.tuning.lever_steps import add_levers

NAMES = ["no-cuts", "aggressive-presolving", "inference", "orbital"]


def steps(arena, draws, tmp_path, solves):
    first = of_levers(tmp_path, ["pseudocosts"])

    def affordable(more):
        return arena.solves + more <= solves

    return add_levers(first, NAMES, draws, arena, "time", affordable, tmp_path, lambda text: None)


def test_levers_that_help_each_other_are_found(arena, draws, tmp_path):
    found = steps(arena, draws, tmp_path, 1000)
    assert [step.base for step in found] == [
        ("pseudocosts",),
        ("pseudocosts", "no-cuts"),
        ("pseudocosts", "no-cuts", "aggressive-presolving"),
        ("no-cuts", "aggressive-presolving", "inference"),
    ]
    # Ratios are to the step before; in place of pseudocosts, inference halves the time once more.
    ratios = [step.found and round(step.found.ratio, 2) for step in found]
    assert ratios == [0.96, 0.51, 0.76, None]
    assert found[-1].standings
    # What has raced does not race again: pseudocosts once more in place of inference, for one.
    raced = [frozenset(entry.levers) for step in found for entry in step.standings]
    assert len(raced) == len(set(raced))


def test_without_time_no_step_is_begun(arena, draws, tmp_path):
    assert steps(arena, draws, tmp_path, 7) == []
    assert arena.solves == 0


def test_steps_end_with_the_time(arena, draws, tmp_path):
    found = steps(arena, draws, tmp_path, 40)
    assert found
    assert arena.solves <= 40


def test_levers_that_help_are_tried_together(arena, draws, tmp_path):
    # Each saves a tenth, beside whatever else.
    arena.seconds = lambda levers: 0.9 ** len(levers)
    names = ["no-cuts", "aggressive-presolving", "orbital", "no-restarts", "no-heuristics"]
    first, told = of_levers(tmp_path, ["pseudocosts"]), []
    found = add_levers(first, names, draws, arena, "time", lambda n: True, tmp_path, told.append)
    # One more, then four together, then the fifth, beside which nothing is left.
    assert [len(step.base) for step in found] == [1, 2, 5, 6]
    assert set(found[-1].base) == {"pseudocosts", *names}
    assert sum("helped together" in text for text in told) == 1
