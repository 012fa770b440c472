"""Figures of real runs show the numbers they should."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the extra plot is not installed")

from kida.boundary import replaced
from kida.evaluation.plots import (
    FIGURES,
    _Styles,
    bound_over_time,
    gains,
    instances_over_time,
    profile,
    speed,
    time_split,
)
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
    styles = _Styles([f"policy {number}" for number in range(40)])
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
