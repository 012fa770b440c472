"""The sentence that a report begins with: the right policy, goal and level."""

import dataclasses

import pytest

from kida.boundary import replaced
from kida.evaluation.headline import headline
from kida.evaluation.results import Results, load_results
from kida.evaluation.verdict import judged, sentence


@pytest.fixture
def results(results_folder) -> Results:
    return load_results([results_folder])


def renamed(results: Results, names: dict[str, str]) -> Results:
    rows = [dataclasses.replace(r, policy=names.get(r.policy, r.policy)) for r in results.rows]
    return dataclasses.replace(results, rows=tuple(rows))


def test_it_is_the_verdict_on_the_same_runs(results):
    found = headline(results, "pscost")
    runs = {
        policy: [r for r in results.records if r.job.policy == policy]
        for policy in ("mostinf", "pscost")
    }
    # Under the competition's settings the dual bound counts.
    expected = judged("bound", runs["mostinf"], runs["pscost"], policy="mostinf", seconds_used=0)
    assert found.verdict == expected
    assert found.sentence == f"mostinf: {sentence(expected, 'pscost')}"
    assert "of pscost" in found.sentence
    assert "SCIP's default" not in found.sentence
    assert [pair.instance for pair in found.pairs] == sorted({r.instance for r in results.rows})


def test_the_baseline_default_is_called_what_it_is(results):
    found = headline(renamed(results, {"pscost": "default"}), "default")
    assert "of SCIP's default" in found.sentence


def test_outside_the_competition_time_counts_once_something_is_solved(results):
    other = dataclasses.replace(results, protocol=replaced(results.protocol, settings="default"))
    assert headline(other, "pscost").verdict.goal == "gap"
    rows = tuple(dataclasses.replace(row, solved=True) for row in other.rows)
    assert headline(dataclasses.replace(other, rows=rows), "pscost").verdict.goal == "time"


def test_several_policies_share_the_probability_of_an_error(results):
    # The third is the first once more.
    third = [dataclasses.replace(r, policy="third") for r in results.rows if r.policy == "mostinf"]
    theirs = [record for record in results.records if record.job.policy == "mostinf"]
    more = dataclasses.replace(
        results, rows=(*results.rows, *third), records=(*results.records, *theirs)
    )
    alone, best = headline(results, "pscost").verdict, headline(more, "pscost")
    assert best.sentence.startswith("Of 2 policies compared with pscost the best is mostinf: ")
    assert best.verdict.confidence == 0.975
    assert best.verdict.ratio == alone.ratio
    wider = best.verdict.interval
    assert wider[0] <= alone.interval[0] <= alone.interval[1] <= wider[1]


def test_alone_there_is_nothing_to_say(results):
    mine = [row.policy == "pscost" for row in results.rows]
    lonely = dataclasses.replace(
        results,
        rows=tuple(row for row, keep in zip(results.rows, mine, strict=True) if keep),
        records=tuple(r for r, keep in zip(results.records, mine, strict=True) if keep),
    )
    assert headline(lonely, "pscost") is None
