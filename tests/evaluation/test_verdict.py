"""Verdicts: real runs against the definitions, pairs by hand, contradicting files."""

import dataclasses
import json
import math

import pytest
from msgspec.structs import replace

from kida.boundary import checked, plain
from kida.errors import UserError
from kida.evaluation.comparisons import compare_geometric, mean_interval
from kida.evaluation.outcome import Trajectory
from kida.evaluation.records import Failed, read_record
from kida.evaluation.results import load_results
from kida.evaluation.verdict import (
    UNBOUNDED,
    VERDICT_FILE,
    Verdict,
    judged,
    paired,
    read_verdict,
    sentence,
    write_verdict,
)


@pytest.fixture(scope="module")
def real(results_folder):
    """Real runs of one second: those of mostinf and of pscost, on two instances."""
    records = load_results([results_folder]).records
    return [[r for r in records if r.job.policy == name] for name in ("mostinf", "pscost")]


@pytest.fixture(scope="module")
def make(results_folder):
    """Return what makes the record of a run of whatever times and bounds, from a real one."""
    template = read_record(min(results_folder.glob("runs/*.json")))

    def made(name="a", seed=0, wall=(0, 4), dual=(1, 9), *, solved=True, primal=9.0, **job):
        limits = {"settings": "default", "time_limit": 10.0} | job
        instance = dataclasses.replace(template.job.instance, name=name)
        count = len(wall)
        return replace(
            template,
            job=replace(template.job, instance=instance, seed=seed, **limits),
            initial_dual_bound=None,
            initial_primal_bound=None,
            result=replace(
                template.result,
                reason="optimal" if solved else "feasible",
                limit=None if solved else "time",
                wall_time=float(wall[-1]),
                trajectory=Trajectory(
                    sense="minimize",
                    root_end_wall=1.0,
                    root_end_cpu=1.0,
                    wall=list(map(float, wall)),
                    cpu=list(map(float, wall)),
                    dual=list(map(float, dual)),
                    primal=[primal] * count,
                    nodes=[0] * count,
                ),
            ),
        )

    return made


def times(make, table, **fields):
    """Return records of runs that were solved in these seconds: instance and seed to seconds."""
    return [make(n, s, wall=(0, t), **fields) for (n, s), t in table.items()]


def given(records, default, goal="time", **fields):
    options = {"policy": "policy", "seconds_used": 60.0} | fields
    return judged(goal, records, default, **options)


def test_times_to_the_end_are_compared_by_shifted_geometric_means(make):
    fast, slow = {("a", 0): 3, ("b", 0): 7}, {("a", 0): 7, ("b", 0): 9}
    verdict = given(times(make, fast), times(make, slow), levers=["orbital"])
    expected = compare_geometric([3.0, 7.0], [7.0, 9.0], shift=1.0)
    assert verdict.ratio == expected.ratio
    assert verdict.interval == (expected.low, expected.high)
    assert (verdict.instances, verdict.seeds, verdict.wins, verdict.losses) == (2, 1, 2, 0)
    assert (verdict.seconds, verdict.default_seconds) == (expected.mean, expected.baseline_mean)
    assert not verdict.proven  # of two instances
    assert (verdict.goal, verdict.levers, verdict.policy) == ("time", ("orbital",), "policy")


def test_gaps_have_a_shift_of_their_own_size(make):
    # Gaps of 0.5 % and 4 %, against 1 % and 5 %, for ten seconds.
    options = {"wall": (0, 10), "solved": False, "primal": 100.0}
    found = given(
        [make("a", dual=(99.5, 99.5), **options), make("b", dual=(96, 96), **options)],
        [make("a", dual=(99, 99), **options), make("b", dual=(95, 95), **options)],
        goal="gap",
    )
    expected = compare_geometric([0.05, 0.4], [0.1, 0.5], shift=0.01)
    assert found.ratio == pytest.approx(expected.ratio)
    assert found.interval == pytest.approx((expected.low, expected.high))


def test_seeds_of_an_instance_are_one_pair(make):
    fast = {(n, s): 2 + s for n in "abc" for s in range(3)}
    slow = {key: 2 * t for key, t in fast.items()}
    found = given(times(make, fast), times(make, slow))
    assert (found.instances, found.seeds) == (3, 3)
    # All instances alike: nothing varies, and the interval is the ratio.
    assert found.interval == pytest.approx((found.ratio, found.ratio))
    assert found.proven
    assert "on 3 instances with 3 seeds, 3 won, 0 lost" in sentence(found)


def test_of_one_instance_the_seeds_are_pairs_and_it_is_said_what_that_means(make):
    fast = {("a", s): t for s, t in enumerate([2.0, 2.2, 1.9, 2.1])}
    slow = {("a", s): t for s, t in enumerate([5.0, 5.5, 4.9, 4.0])}
    found = given(times(make, fast), times(make, slow))
    assert (found.instances, found.seeds, found.wins) == (1, 4, 4)
    assert found.proven
    assert "of this instance alone: seeds say nothing of others" in sentence(found)


def test_of_two_instances_all_runs_are_pairs(make):
    fast = {(n, s): 2.0 + 0.1 * s for n in "ab" for s in range(6)}
    slow = {key: t * (1.5 + 0.05 * key[1]) for key, t in fast.items()}
    found = given(times(make, fast), times(make, slow))
    assert (found.instances, found.seeds, found.runs, found.wins) == (2, 6, 12, 12)
    assert found.proven
    assert "of these two instances alone" in sentence(found)


def test_what_stays_unsolved_is_not_proven_faster(make):
    default = times(make, {(n, 0): 30 for n in "abcdefghijklmnop"}, time_limit=90.0)
    policy = times(make, {(n, 0): 15 for n in "abcdefghijklmn"}, time_limit=90.0)
    policy += [make(n, wall=(0, 90), solved=False, time_limit=90.0) for n in "op"]
    found = given(policy, default)
    assert found.interval[1] < 1
    assert (found.runs, found.unsolved, found.default_unsolved) == (16, 2, 0)
    assert not found.proven
    assert "14 won, 2 lost, 2 runs not solved against 0" in sentence(found)
    assert "not proven: what it leaves unsolved may take any time" in sentence(found)
    # One of so many may have missed the limit by little.
    one = [*policy[:-2], *times(make, {("o", 0): 15}, time_limit=90.0), policy[-1]]
    assert given(one, default).proven
    # Where the default leaves as many, it is.
    default[-2:] = [make(n, wall=(0, 90), solved=False, time_limit=90.0) for n in "op"]
    assert given(policy, default).proven


def test_only_runs_of_both_are_counted_as_unsolved_or_failed(make):
    """The default has twenty runs, ten unsolved, none of them where the policy has runs."""
    default = times(make, {(n, 0): 30 for n in "abcdefghij"}, time_limit=90.0)
    default += [make(n, wall=(0, 90), solved=False, time_limit=90.0) for n in "klmnopqrst"]
    policy = times(make, {(n, 0): 5 for n in "abcdefg"}, time_limit=90.0)
    policy += [make(n, wall=(0, 90), solved=False, time_limit=90.0) for n in "hij"]
    elsewhere = make("z", wall=(0, 1), time_limit=90.0)
    policy.append(Failed(job=elsewhere.job, error="ValueError: no"))
    found = given(policy, default)
    assert (found.runs, found.unsolved, found.default_unsolved, found.failed) == (10, 3, 0, 0)
    assert not found.proven


def test_of_one_pair_nothing_is_known(make):
    found = given(times(make, {("a", 0): 1}), times(make, {("a", 0): 100}, time_limit=1000.0))
    assert found.interval == (0, UNBOUNDED)
    assert not found.proven
    text = sentence(found)
    assert "not proven: one pair of runs says nothing of others" in text
    assert "[" not in text


def test_time_outs_and_failures_count_the_limit_and_failures_of_the_default_nothing(make):
    default = times(make, {(n, 0): 5 for n in "abc"})
    runs = [make("a", wall=(0, 12), solved=False), make("b", wall=(0, 2)), make("c", wall=(0, 2))]
    runs[2] = Failed(job=runs[2].job, error="ValueError: no")
    assert [pair[2:] for pair in paired("time", runs, default)] == [(10, 5), (2, 5), (10, 5)]
    default[0] = Failed(job=default[0].job, error="ValueError: no")
    assert [pair[2:] for pair in paired("time", runs, default)] == [(2, 5), (10, 5)]
    found = given(runs, default)
    assert found.failed == 1
    assert "1 run failed" in sentence(found)
    with pytest.raises(UserError, match=r"finished no run \(ValueError: no\)"):
        given(runs, [default[0]])


def test_bounds_are_measured_against_the_better_of_the_final_ones(make):
    # The root ends at 1. From 0 to 9 of 10 seconds: one is halfway at 3 and there at 6, while the
    # other is at 1/4 from 5 on.
    one = make(wall=(0, 1, 3, 6, 10), dual=(-1e20, 2, 6, 10, 10), solved=False)
    other = make(wall=(0, 1, 5, 10), dual=(-1e20, 2, 4, 4), solved=False)
    (pair,) = paired("bound", [one], [other])
    assert pair[2:] == pytest.approx((3 + 3 / 2, 5 + 5 * 3 / 4))
    # On the clock of the competition everything is a second earlier.
    settings = {"settings": "competition", "time_limit": 9.0}
    rows = [replace(run, job=replace(run.job, **settings)) for run in (one, other)]
    (pair,) = paired("bound", rows[:1], rows[1:])
    assert pair[2:] == pytest.approx((2 + 3 / 2, 4 + 5 * 3 / 4))
    # Where nothing moves, both stand there for all the time.
    (pair,) = paired("bound", [other], [other])
    assert pair[2:] == pytest.approx((5, 5))
    still = make(wall=(0, 1, 10), dual=(-1e20, 2, 2), solved=False)
    assert paired("bound", [still], [still])[0][2:] == (10, 10)


def test_gaps_are_relative_and_whole_before_a_solution(make):
    run = make(wall=(0, 1, 6, 10), dual=(-1e20, 4, 6, 8), primal=8.0, solved=False)
    none = make(wall=(0, 1, 6, 10), dual=(-1e20, 4, 6, 8), primal=1e20, solved=False)
    (pair,) = paired("gap", [run], [none])
    assert pair[2:] == pytest.approx((1 + 5 / 2 + 4 / 4, 10))


@pytest.mark.parametrize("goal", ["time", "bound", "gap"])
def test_verdicts_of_real_runs(real, goal):
    found = given(*real, goal=goal)
    assert found.instances == 2
    # Neither rule raises item placement's bound, or solves it, within a second.
    assert found.interval[0] <= found.ratio <= found.interval[1]
    assert found.settings == "competition"
    assert found.time_limit == 1
    with_itself = given(real[1], real[1], goal=goal)
    assert (with_itself.ratio, with_itself.interval) == (1, pytest.approx((1, 1)))
    assert not with_itself.proven
    assert "not proven: the interval at 95 % contains 1" in sentence(with_itself)


def test_the_interval_is_students_of_the_logarithms(make):
    # Far above the shift it is plainly that of the ratios' logarithms.
    ratios = [0.5, 0.6, 0.55, 0.7, 0.52]
    slow = {(f"i{k}", 0): 1e6 for k in range(5)}
    fast = {key: 1e6 * r for key, r in zip(slow, ratios, strict=True)}
    found = given(*(times(make, t, time_limit=1e7) for t in (fast, slow)))
    expected = [math.exp(x) for x in mean_interval([math.log(r) for r in ratios])]
    assert found.interval == pytest.approx(expected, rel=1e-4)
    assert found.proven


@pytest.mark.parametrize(
    ("goal", "ratio", "interval", "begin", "end"),
    [
        ("time", 0.5, (0.4, 0.625), "2.00 times faster than SCIP's default [1.60, 2.50]", "proven"),
        ("time", 1.2, (1.1, 1.3), "1.20 times slower than SCIP's default [1.10, 1.30]", "worse"),
        ("time", 0.9, (0.8, 1.001), "1.11 times faster than SCIP's default [0.999001, 1.25]", ""),
        ("gap", 0.5, (0.4, 0.6), "0.50 times the gap over time of SCIP's default [0.40,", "proven"),
        ("bound", 0.5, (0.4, 0.6), "0.50 times the distance from the best dual bound", "proven"),
    ],
)
def test_the_sentence(goal, ratio, interval, begin, end):
    found = sentence(verdict(goal=goal, ratio=ratio, interval=interval, proven=interval[1] < 1))
    assert found.startswith(begin)
    endings = {
        "proven": "; proven at 95 %",
        "worse": "; proven to be worse at 95 %",
        # Ten pairs, half the logarithm of 1.001 / 0.8 times (1 + 0.883 / 2.262).
        "": "contains 1, as runs that vary so much prove a ratio below 0.86 only",
    }
    assert found.endswith(endings[end])
    assert "9 won, 1 lost (5 s against 10 s; settings default, at most 60 s each)" in found


def verdict(**fields):
    known = {
        "goal": "time", "ratio": 0.5, "interval": (0.4, 0.6), "confidence": 0.95,
        "instances": 10, "seeds": 1, "proven": True, "levers": (), "policy": "policy",
        "seconds_used": 3600.0, "seconds": 5.0, "default_seconds": 10.0, "wins": 9, "losses": 1,
        "failed": 0, "settings": "default", "time_limit": 60.0,
    }  # fmt: skip
    return Verdict(**(known | fields))


def test_a_verdict_is_read_as_it_was_written(tmp_path):
    assert read_verdict(tmp_path) is None
    written = verdict(policy=None, levers=("orbital", "treecuts"))
    path = write_verdict(tmp_path, written)
    assert path == tmp_path / VERDICT_FILE
    content = json.loads(path.read_text())
    assert content["interval"] == [0.4, 0.6]
    assert content["policy"] is None
    assert read_verdict(tmp_path) == written == checked(written)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("goal", "speed", "goal is 'speed'"),
        ("interval", [0.4], "interval"),
        ("interval", [0.6, 0.4], "is not within the interval"),
        ("interval", [0.4, 1.2], "proven is True with an interval that ends at 1.2"),
        ("proven", False, "proven is False"),
        ("ratio", -1, "ratio"),
        ("instances", 0, "instances"),
        ("version", 2, "version"),
        ("surplus", 1, "surplus"),
    ],
)
def test_a_file_that_is_no_verdict_is_refused(tmp_path, field, value, message):
    content = plain(verdict()) | {field: value}
    (tmp_path / VERDICT_FILE).write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"verdict\.json is not a verdict \(move it away\)") as told:
        read_verdict(tmp_path)
    assert message in str(told.value)
