import pytest

from kida.instances.load_balancing_seeds import (
    SMALL,
    Draw,
    draw,
    feasible_seeds,
    first_feasible,
    is_feasible,
    shortfall,
)


def test_list_agrees_with_the_test() -> None:
    listed = set(feasible_seeds().tolist())
    for number in (*range(42, 52), *range(20200, 20224)):
        assert is_feasible(draw(number)) == (number in listed)


def test_part_of_the_workloads_suffices_for_a_refusal() -> None:
    # Both linear programs agree where the small one has decided: 20217 lacks two workloads.
    assert shortfall(draw(20217), range(60)) == pytest.approx(0.172609, abs=1e-5)
    assert not is_feasible(draw(20217))


def test_hand_made_problems() -> None:
    empty = [[0, 1]] * 58  # loads of zero
    capacities = [0.5] * 1000

    def problem(load: float, allowed: list[int]) -> Draw:
        return Draw(capacities, [load, load, *[0.0] * 58], [allowed, allowed, *empty])

    # Two workloads share four workers of 0.5: each reserves 0.25 on each, and loses one of these.
    assert is_feasible(problem(0.7499, [0, 1, 2, 3]))
    assert not is_feasible(problem(0.7501, [0, 1, 2, 3]))
    assert not is_feasible(problem(0.1, [0]))  # no second worker
    assert not is_feasible(problem(0.1, []))


def test_draws_are_those_of_the_generator() -> None:
    problem = draw(20200)
    assert (len(problem.capacities), len(problem.loads), len(problem.allowed)) == (1000, 60, 60)
    assert 0.3 <= min(problem.capacities[:500]) <= max(problem.capacities[:500]) <= 0.5
    assert 0.1 <= min(problem.capacities[500:]) <= max(problem.capacities[500:]) <= 0.3
    assert (
        1.0 <= min(problem.loads[:50]) <= max(problem.loads[:50]) <= 5.0 <= min(problem.loads[50:])
    )
    # 50 * (500 * 0.1 + 500 * 0.01) + 10 * (500 * 0.01 + 500 * 0.1) allowed pairs are expected.
    assert sum(map(len, problem.allowed)) == pytest.approx(3300, rel=0.05)


def test_share_of_feasible_seeds() -> None:
    seeds = feasible_seeds()
    assert len(seeds) / (seeds[-1] - seeds[0] + 1) == pytest.approx(0.575, abs=0.01)


def test_a_small_problem_is_the_first_feasible_one_of_its_name() -> None:
    tries = [draw(f"name/{attempt}", SMALL) for attempt in range(20)]
    assert first_feasible("name", SMALL) == next(
        problem for problem in tries if is_feasible(problem)
    )
    assert first_feasible("name", SMALL) != first_feasible("other", SMALL)
    # Both verdicts occur.
    assert 0 < sum(map(is_feasible, tries)) < 20
