"""Figures of real runs show the numbers they should."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra plot is not installed")

from kida.boundary import replaced
from kida.evaluation.drawing import Styles, short
from kida.evaluation.plots import (
    FIGURES,
    bound_over_time,
    gains,
    instances_over_time,
    profile,
    speed,
    time_split,
)
from kida.evaluation.records import Failed
from kida.evaluation.results import Results, load_results


@pytest.fixture
def results(results_folder) -> Results:
    return load_results([results_folder])


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_can_be_drawn(name, results, tmp_path):
    figure = FIGURES[name][1](results, "pscost")
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5000


def test_the_mean_rise_is_of_the_recorded_bounds(results):
    # One run is given a jump of its bound: 2 higher, 0.5 s after the root's end.
    records = list(results.records)
    jump = records[0].result.trajectory
    root, last = jump.root_end_wall, jump.dual[-1]
    changed = {
        "wall": [0.0, root, root + 0.5],
        "cpu": [0.0, root, root + 0.5],
        "dual": [-1e20, last, last + 2],
        "primal": [1e20] * 3,
        "nodes": [0, 1, 2],
    }
    result = replaced(records[0].result, trajectory=replaced(jump, **changed))
    records[0] = replaced(records[0], result=result)
    policy = results.rows[0].policy
    figure = bound_over_time(dataclasses.replace(results, records=tuple(records)), "pscost")
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert set(lines) == {"mostinf", "pscost"}
    times, rise = lines[policy].get_data()
    np.testing.assert_allclose(rise[times < 0.49], 0, atol=1e-9)
    # Over two instances the mean rises by half of it.
    np.testing.assert_allclose(rise[times > 0.51], 1)


def test_policies_differ_without_colour(results):
    (axes,) = bound_over_time(results, "pscost").axes
    assert len({line.get_linestyle() for line in axes.get_lines()}) == 2


def test_each_instance_has_its_panel(results):
    figure = instances_over_time(results, "pscost")
    titles = [axes.get_title() for axes in figure.axes if axes.get_visible()]
    assert titles == ["item_placement_10000", "item_placement_10001"]


def test_the_scatter_pairs_rewards(results):
    (axes,) = gains(results, "pscost").axes
    (marks,) = axes.collections
    expected = [
        [other.cumulated_reward, row.cumulated_reward - other.cumulated_reward]
        for row, other in zip(results.rows[::2], results.rows[1::2], strict=True)
    ]
    np.testing.assert_allclose(marks.get_offsets(), expected)


def test_profiles_are_of_time_once_something_is_solved(results):
    assert "reward" in profile(results, "pscost").axes[0].get_xlabel()
    rows = [dataclasses.replace(row, solved=row.policy == "pscost") for row in results.rows]
    (axes,) = profile(dataclasses.replace(results, rows=tuple(rows)), "pscost").axes
    assert "time to optimality" in axes.get_xlabel()
    heights = {line.get_label(): max(line.get_ydata()) for line in axes.get_lines()}
    assert heights == {"mostinf": 0, "pscost": 1}


def test_a_run_that_failed_counts_in_a_profile(results):
    rows = [dataclasses.replace(row, solved=True) for row in results.rows]
    lost = next(k for k, row in enumerate(rows) if row.policy == "mostinf")
    failure = Failed(job=results.records[lost].job, error="it crashed")
    found = dataclasses.replace(
        results,
        rows=tuple(rows[:lost] + rows[lost + 1 :]),
        records=results.records[:lost] + results.records[lost + 1 :],
        failures=(failure,),
    )
    (axes,) = profile(found, "pscost").axes
    heights = {line.get_label(): max(line.get_ydata()) for line in axes.get_lines()}
    assert heights == {"mostinf": 0.5, "pscost": 1}


def test_shares_of_time_add_up_to_one(results):
    (axes,) = time_split(results, "pscost").axes
    widths = np.array([bar.get_width() for bar in axes.patches]).reshape(-1, 2)
    np.testing.assert_allclose(widths.sum(axis=0), 1)
    assert (widths >= 0).all()
    assert widths[0].min() > 0  # the nodes' LPs


def test_speed_is_nodes_after_the_root(results):
    (axes,) = speed(results, "pscost").axes
    drawn = sorted(
        x for line in axes.get_lines() if line.get_marker() != "None" for x in line.get_xdata()
    )
    expected = sorted(row.nodes / (row.wall_time - row.root_time) for row in results.rows)
    np.testing.assert_allclose(drawn, expected)


def test_where_there_is_nothing_to_draw(results):
    one = [row for row in results.rows if row.policy == "pscost"]
    lonely = dataclasses.replace(results, rows=tuple(one))
    assert gains(lonely, "pscost") is None
    apart = [row for row in results.rows if (row.policy == "pscost") == row.instance.endswith("0")]
    chosen = [results.records[results.rows.index(row)] for row in apart]
    disjoint = dataclasses.replace(results, rows=tuple(apart), records=tuple(chosen))
    assert bound_over_time(disjoint, "pscost") is None
    assert profile(disjoint, "pscost") is None


def test_no_two_policies_look_alike():
    styles = Styles([f"policy {number}" for number in range(40)])
    looks = {(styles.colour[name], styles.line[name]) for name in styles.colour}
    marks = {(styles.colour[name], styles.marker[name]) for name in styles.colour}
    assert len(looks) == len(marks) == 40


def test_time_ends_where_the_last_run_does(results):
    protocol = replaced(results.protocol, time_limit=900.0)
    long = dataclasses.replace(results, protocol=protocol)
    (axes,) = bound_over_time(long, "pscost").axes
    last = max(
        record.result.trajectory.wall[-1] - record.result.trajectory.bounds().root_end()
        for record in results.records
    )
    assert axes.lines[0].get_xdata()[-1] == pytest.approx(last)
    assert last < 2.0


def ended_after(results: Results, seconds: list[float]) -> Results:
    """Give each run this length after the root node; its bound rises by 1 halfway."""
    records = []
    for record, length in zip(results.records, seconds, strict=True):
        old = record.result.trajectory
        root = old.root_end_wall
        times = [0.0, root, root + length / 2, root + length]
        last = old.dual[-1]
        changed = {
            "wall": times,
            "cpu": times,
            "dual": [-1e20, last, last + 1, last + 1],
            "primal": [1e20] * 4,
            "nodes": [0, 1, 2, 3],
        }
        result = replaced(record.result, trajectory=replaced(old, **changed))
        records.append(replaced(record, result=result))
    protocol = replaced(results.protocol, time_limit=900.0)
    return dataclasses.replace(results, records=tuple(records), protocol=protocol)


def test_time_is_logarithmic_where_runs_differ_by_tens(results):
    alike = bound_over_time(ended_after(results, [10.0, 30.0, 20.0, 90.0]), "pscost").axes[0]
    assert alike.get_xscale() == "linear"
    assert alike.get_xlim() == pytest.approx((0, 90))
    apart = ended_after(results, [2.0, 30.0, 20.0, 90.0])
    axes = bound_over_time(apart, "pscost").axes[0]
    assert axes.get_xscale() == "log"
    assert "logarithmic" in axes.get_xlabel()
    assert axes.get_xlim() == pytest.approx((0.2, 90.0))
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert {"0.2", "1", "10", "50"} <= set(labels)
    # The rise is still counted from the root's end, which the axis does not show.
    assert {round(line.get_ydata()[-1], 6) >= 1.0 for line in axes.get_lines()} == {True}
    assert all(panel.get_xscale() == "log" for panel in instances_over_time(apart, "pscost").axes)


def test_lines_bear_their_names_and_no_two_overlap(results):
    (axes,) = bound_over_time(ended_after(results, [10.0] * 4), "pscost").axes
    assert sorted(text.get_text() for text in axes.texts) == ["mostinf", "pscost"]
    places = sorted(text.xyann[1] for text in axes.texts)
    assert places[1] - places[0] >= 0.05
    assert axes.get_legend() is None


def test_long_names_show_their_ends():
    assert short("runs/mine/policy") == "runs/mine/policy"
    assert short("/a/very/long/path/to/runs/mine/policy", 16) == "\u2026uns/mine/policy"
