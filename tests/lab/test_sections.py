"""Sections of real runs whose rewards are replaced by known numbers."""

import dataclasses
import json

import pytest

from kida.evaluation.results import Results, load_results
from kida.lab.sections import Entry, compare_sections, markdown, root_bound

ENTRIES = (
    Entry("first", "base", "pscost"),
    Entry("second", "other", "mostinf"),
    Entry("second", "again", "pscost", reference="other"),
    Entry("second", "missing", "none"),
)


@pytest.fixture
def results(results_folder) -> Results:
    found = load_results([results_folder])
    roots = [root_bound(record) for record in found.records]
    # A second long: the cumulated reward is the mean bound.
    gains = {"pscost": [1.0, 2.0], "mostinf": [4.0, 3.0]}
    rows = tuple(
        dataclasses.replace(row, cumulated_reward=root + gains[row.policy].pop(0))
        for row, root in zip(found.rows, roots, strict=True)
    )
    return dataclasses.replace(found, rows=rows)


def test_means_gains_and_paired_differences(results):
    base, other, again, missing = compare_sections(results, ENTRIES)
    assert base["gain"] == pytest.approx(1.5)
    assert other["gain"] == pytest.approx(3.5)
    assert other["mean_bound"] - base["mean_bound"] == pytest.approx(2)
    assert base["to_base"] is None
    assert other["to_base"]["difference"] == pytest.approx(2)
    # Differences of 3 and 1; 12.7062 is Student's quantile for one degree of freedom.
    assert other["to_base"]["low"] == pytest.approx(2 - 12.7062, abs=1e-4)
    assert other["to_base"]["high"] == pytest.approx(2 + 12.7062, abs=1e-4)
    assert (other["to_base"]["wins"], other["to_base"]["losses"]) == (2, 0)
    assert again["to_base"] is None
    assert again["to_reference"]["difference"] == pytest.approx(-2)
    assert (missing["instances"], missing["mean_bound"], missing["to_base"]) == (0, None, None)
    json.dumps([base, other, again, missing], allow_nan=False)


def test_a_bound_that_does_not_move_gains_nothing(results):
    rows = [
        dataclasses.replace(row, cumulated_reward=root_bound(record) * (1 + 1e-10))
        for row, record in zip(results.rows, results.records, strict=True)
    ]
    (base,) = compare_sections(dataclasses.replace(results, rows=tuple(rows)), ENTRIES[:1])
    assert base["gain"] == 0


def test_the_bound_at_the_root_is_where_every_policy_starts(results):
    roots = {}
    for row, record in zip(results.rows, results.records, strict=True):
        roots.setdefault(row.instance, []).append(root_bound(record))
    assert all(first == pytest.approx(second) for first, second in roots.values())
    assert roots["item_placement_10000"][0] == pytest.approx(5.406, abs=1e-3)


def test_markdown_has_a_table_per_section(results):
    lines = markdown(compare_sections(results, ENTRIES)).splitlines()
    assert [line for line in lines if line.startswith("#")] == ["## first", "## second"]
    first, second = (
        [line.count("|") for line in lines if line.startswith(name)]
        for name in ("| base", "| other")
    )
    assert (first, second) == ([7], [9])
    (row,) = (line for line in lines if line.startswith("| other"))
    assert "| +2 [-10.7, +14.7] | 2 of 2 |" in row
    (row,) = (line for line in lines if line.startswith("| again"))
    assert row.startswith("| again (= base) | 2 |")
    assert "| other: -2 [-14.7, +10.7] | 0 of 2 |" in row
