"""Summaries of real runs: pairing, baselines, tables, warnings."""

import dataclasses

import pytest
from msgspec.structs import replace

from kida.boundary import replaced
from kida.errors import UserError
from kida.evaluation.outcome import Branching
from kida.evaluation.records import Failed
from kida.evaluation.results import Results, load_results
from kida.evaluation.summary import (
    REWARD,
    TIME,
    as_text,
    choose_baseline,
    compare_efforts,
    compare_policies,
    pair_instances,
    policy_table,
    tables,
    warnings,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def results(results_folder) -> Results:
    """The runs' rewards replaced by known numbers, so that tables can be checked by hand."""
    found = load_results([results_folder])
    rewards = {("item_placement_10000", "mostinf"): 12.0, ("item_placement_10000", "pscost"): 10.0}
    rewards |= {("item_placement_10001", "mostinf"): 5.0, ("item_placement_10001", "pscost"): 4.0}
    rows = tuple(
        dataclasses.replace(row, cumulated_reward=rewards[row.instance, row.policy], disturbed="")
        for row in found.rows
    )
    return dataclasses.replace(found, rows=rows)


def test_paired_by_instance(results):
    ((policy, (found, p_value)),) = compare_policies(results, "pscost").items()
    assert policy == "mostinf"
    assert (found.instances, found.difference, found.wins, found.losses) == (2, 1.5, 2, 0)
    assert p_value == found.p_value


def test_seeds_of_an_instance_are_averaged_and_incomplete_pairs_left_out(results):
    second = [dataclasses.replace(row, seed=1, cumulated_reward=20.0) for row in results.rows[:2]]
    lonely = dataclasses.replace(results.rows[2], seed=1)
    rows = (*results.rows, *second, lonely)
    names, values, baseline = pair_instances(rows, "mostinf", "pscost", REWARD)
    assert names == ["item_placement_10000", "item_placement_10001"]
    assert values == [16.0, 5.0]
    assert baseline == [15.0, 4.0]


def test_seeds_of_an_effort_have_a_geometric_mean(results):
    rows = [
        dataclasses.replace(row, seed=seed, time=time)
        for row in results.rows[:2]
        for seed, time in enumerate((1.0, 7.0))
    ]
    _, values, _ = pair_instances(rows, "mostinf", "pscost", TIME)
    assert values == pytest.approx([3.0])


def test_infinite_values_are_left_out(results):
    rows = [dataclasses.replace(results.rows[0], cumulated_reward=float("inf")), *results.rows[1:]]
    names, _, _ = pair_instances(rows, "mostinf", "pscost", REWARD)
    assert names == ["item_placement_10001"]


def test_infinities_of_both_signs_have_no_mean(results):
    bounds = {"item_placement_10000": float("inf"), "item_placement_10001": -float("inf")}
    rows = [dataclasses.replace(row, dual_bound=bounds[row.instance]) for row in results.rows]
    column = policy_table(dataclasses.replace(results, rows=tuple(rows))).columns[5]
    assert column.header == "dual bound"
    assert list(column.cells) == ["", ""]


def test_tables_show_the_figures(results):
    text = as_text(tables(results, "pscost"))
    assert "competition, 1 s" in text
    assert "+1.5" in text
    assert "+21.4%" in text
    # Nothing was solved, so there is nothing to say about time.
    assert TIME.title not in text


def test_solved_runs_bring_tables_of_time_and_nodes(results):
    times = {"mostinf": 3.0, "pscost": 7.0}
    rows = tuple(
        dataclasses.replace(row, solved=True, nodes=9, time=times[row.policy])
        for row in results.rows
    )
    solved = dataclasses.replace(results, rows=rows)
    (found, _) = compare_efforts(solved, "pscost", TIME)["mostinf"]
    assert found.ratio == pytest.approx(3 / 7)
    text = as_text(tables(solved, "pscost"))
    assert "0.429" in text
    for title in ("time to optimality", "nodes where both solved", "fair nodes where both solved"):
        assert title in text


def test_baselines(results):
    assert choose_baseline(results) == "mostinf"
    renamed = [dataclasses.replace(row, policy="default") for row in results.rows[:1]]
    assert (
        choose_baseline(dataclasses.replace(results, rows=(*results.rows, *renamed))) == "default"
    )
    with pytest.raises(UserError, match="there are runs of mostinf, pscost"):
        choose_baseline(results, "default")
    with pytest.raises(UserError, match="no run has finished"):
        choose_baseline(dataclasses.replace(results, rows=()))


def test_a_network_that_left_the_problems_to_scip_is_named(results):
    counts = dict.fromkeys(Branching.__struct_fields__, 0) | {"declined": True}
    outcome = replace(results.records[0].result, branching=Branching(**counts))
    records = (replace(results.records[0], result=outcome), *results.records[1:])
    (said,) = warnings(dataclasses.replace(results, records=records))
    assert said.startswith("mostinf left 1 run to SCIP's own rules")


def test_warnings_tell_what_to_distrust(results):
    assert warnings(results) == []
    disturbed = dataclasses.replace(results.rows[0], disturbed="load 9.0 with 1 job")
    job = replaced(results.records[0].job, policy="a", seed=3)
    failure = Failed(job=job, error="Traceback\nValueError: no")
    shown = warnings(
        dataclasses.replace(results, rows=(disturbed, *results.rows[1:3]), failures=(failure,))
    )
    assert shown[0] == "failed: a on item_placement_10000, seed 3: ValueError: no"
    assert "1 of 3 runs were disturbed" in shown[1]
    assert "load 9.0 with 1 job" in shown[1]
    assert "different numbers of instances" in shown[2]


def test_pairs_that_were_not_run_alike_are_told(results):
    first, *others = results.records
    machine = replace(first.machine, processor="another")
    versions = first.versions | {"kida": "0.0"}
    other = replace(first, machine=machine, versions=versions, job=replace(first.job, jobs=7))
    said = warnings(dataclasses.replace(results, records=(other, *others)))
    assert len(said) == 3
    for what, text in zip(("processors", "versions of kida", "numbers of jobs"), said, strict=True):
        assert text.startswith("the policies' runs of 1 of 2 instances and seeds were made ")
        assert what in text


def test_rewards_that_are_not_finite_are_told(results):
    row = dataclasses.replace(results.rows[0], cumulated_reward=float("inf"))
    (said,) = warnings(dataclasses.replace(results, rows=(row, *results.rows[1:])))
    assert said.startswith("1 runs have no finite reward")
    assert f"{row.policy} on {row.instance}" in said
