import numpy as np
import pytest

from kida.errors import UserError
from kida.evaluation.records import Protocol
from kida.instances.registry import initial_bounds, instances
from kida.jobs.run import ONE_AT_A_TIME
from kida.learning.config import InheritanceConfig, RunConfig
from kida.learning.events import Solve, Warned
from kida.learning.judge import Judge, clearly_worse, mean_reward, solve_all
from kida.learning.plan import Draw, Plan
from kida.learning.selection import select
from kida.network.inheritance import uniform_average
from kida.network.policy import Policy
from kida.reward import starting_bound


def test_a_clear_loser_is_solved_for_one_round_only(written, make_policy):
    good, close, bad = policies = [make_policy(k) for k in range(3)]
    written.write(good, written.base)
    written.write(close, written.base + written.noise - 0.05)
    # The last four are not on disk: asking for them fails.
    written.write(bad, (written.base + written.noise - 2)[:4])
    rewards = written.judge.race(policies)
    assert rewards[0] == pytest.approx(written.base.mean())
    assert rewards[1] == pytest.approx((written.base + written.noise - 0.05).mean())
    # Estimated on the instances that it shares with the leader, not from its own four.
    assert rewards[2] == pytest.approx(written.base.mean() + written.noise[:4].mean() - 2)


def test_those_to_keep_stay_in_the_race(written, make_policy):
    policies = [make_policy(k) for k in range(3)]
    for number, entry in enumerate(policies):
        written.write(entry, written.base - number)
    rewards = written.judge.race(policies, keep=3)
    assert rewards == pytest.approx(
        [written.base.mean(), written.base.mean() - 1, written.base.mean() - 2]
    )


def test_clearly_worse_needs_three_pairs_and_a_difference():
    assert not clearly_worse([0, 0], [9, 9], 0.05)
    assert not clearly_worse([1, 2, 3], [1, 2, 3], 0.05)
    assert clearly_worse([1, 2, 3], [2, 3, 4], 0.05)
    assert clearly_worse([1, 2, 3], [2, 3.1, 4], 0.05)
    assert not clearly_worse([2, 3, 4], [1, 2, 3], 0.05)
    assert not clearly_worse([1, 5, 3], [5, 1, 3.5], 0.05)


@pytest.mark.slow
def test_a_measurement_is_a_solve_written_down(tmp_path, make_policy):
    draws = Plan(RunConfig(family="item_placement")).selection(1)
    told = []

    def measured():
        ((record,),) = solve_all(
            [make_policy(0)],
            draws,
            Protocol("competition", 0.5),
            tmp_path,
            ONE_AT_A_TIME,
            lambda *progress: told.append(progress),
        )
        return record

    record = measured()
    assert (record.job.instance.name, record.job.seed) == ("item_placement_9900", 0)
    assert record.result.nodes > 1
    known, reward = initial_bounds(draws[0].instance), mean_reward(record)
    assert reward >= known.dual
    trajectory = record.result.trajectory.bounds()
    assert starting_bound(trajectory, known.dual, known.primal) <= reward + 1e-6
    # Another call finds it.
    assert measured() == record
    assert told == [(1, 1)]


def test_policies_are_told_apart_and_draws_are_in_order(written, make_policy):
    policies = [make_policy(k) for k in range(2)]
    for number, entry in enumerate(policies):
        written.write(entry, written.base + number)
    # Whose reward this is does not depend on who is asked for beside it.
    assert written.judge.race(policies[::-1], keep=2) == pytest.approx(
        [written.base.mean() + 1, written.base.mean()]
    )


@pytest.mark.slow
def test_what_fails_for_all_is_left_out_and_tried_again(tmp_path, make_policy):
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "torn.mps").write_text("ROWS\n x")
    (instance,) = instances(str(tmp_path / "torn"), "train")
    draws, events = [Draw(instance, 3)], []
    judge = Judge("research", 0.5, draws, tmp_path / "rewards", ONE_AT_A_TIME, events.append)
    for _ in range(2):
        with pytest.raises(UserError, match=r"none of the instances .*: torn; begin a new run"):
            judge.race([make_policy(0)])
    assert events.count(Solve(done=1, of=1)) == 2
    said = [event.text for event in events if isinstance(event, Warned)]
    assert "torn failed for a policy: " in said[0]
    assert said[1] == "torn gave no policy a reward within 0.5 s: it is left out of the selection"


def test_who_has_no_dual_bound_counts_as_if_it_had_never_branched(
    written, make_policy, monkeypatch
):
    # As of an instance of which no bound is known beforehand.
    monkeypatch.setattr(
        "kida.learning.judge.mean_reward",
        lambda record: record.result.dual_bound if record.result.dual_bound > -1e20 else -np.inf,
    )
    poor, good, best = policies = [make_policy(k) for k in range(3)]
    written.write(poor, [-1e20, *written.base[1:]])
    written.write(good, written.base, root=written.base - 0.5)
    written.write(best, written.base, root=written.base - 0.4)
    rewards = written.judge.race(policies, keep=3)
    assert rewards[1] == rewards[2] == pytest.approx(written.base.mean())
    assert rewards[0] == pytest.approx(written.base.mean() - 0.5 / 8)
    # Also beside a single other, which it must not tie with; alone there is nothing to count it by.
    assert written.judge.race([poor, best], keep=2)[0] == pytest.approx(
        written.base.mean() - 0.4 / 8
    )
    assert written.judge.race([poor]) == [pytest.approx(written.base[1:].mean())]


def test_files_count_alike_whatever_the_scale_of_their_objectives(
    written_of, make_policy, tmp_path
):
    (tmp_path / "files").mkdir()
    for k in range(4):
        (tmp_path / "files" / f"f{k}.lp").write_text(f"Minimize\n {k + 1} x\nEnd\n")
    draws = [Draw(instance, 0) for instance in instances(str(tmp_path / "files"), "all")]
    written = written_of(draws)
    good, bad = make_policy(0), make_policy(1)
    roots = [0.0, 0.0, 10.0, 1e6]
    written.write(good, [2.0, 4.0, 12.0, 1e6 + 10], root=roots)
    # Half of the rise on three; on the fourth ahead by much, as long as nobody looks at its scale.
    written.write(bad, [1.0, 2.0, 11.0, 1e6 + 20], root=roots)
    rewards = written.judge.race([good, bad], keep=2)
    assert rewards == pytest.approx([(3 + 0.5) / 4, (3 * 0.5 + 1) / 4])
    still = make_policy(2)
    written.write(still, roots)
    assert written.judge.race([still]) == [0.0]


def test_a_greedy_average_is_no_better_for_the_draws_it_fails_on(written, make_policy, monkeypatch):
    monkeypatch.setattr(
        "kida.learning.judge.mean_reward",
        lambda record: record.result.dual_bound if record.result.dual_bound > -1e20 else -np.inf,
    )
    first, second = policies = [make_policy(k) for k in range(2)]
    lowest = int(written.base.argmin())
    written.write(first, written.base, root=written.base - 3)
    written.write(second, written.base - 1)
    failing = (written.base + 0.1).tolist()
    failing[lowest] = -1e20
    merged = uniform_average([policy.weights for policy in policies])
    written.write(Policy(merged, first.card), failing)
    found = select(InheritanceConfig(method="greedy"), policies, written.judge)
    assert found.generations == (1,)
