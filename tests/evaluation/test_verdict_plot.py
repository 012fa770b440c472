"""The figure of a verdict shows its numbers."""

import dataclasses

import pytest

pytest.importorskip("matplotlib", reason="the extra plot is not installed")

from kida.boundary import replaced
from kida.evaluation.headline import Headline, headline
from kida.evaluation.results import load_results
from kida.evaluation.verdict import Pair
from kida.evaluation.verdict_plot import draw_verdict


@pytest.fixture
def found(results_folder) -> Headline:
    return headline(load_results([results_folder]), "pscost")


def made(found: Headline, goal: str, pairs: list[Pair], ratio: float) -> Headline:
    interval = (ratio / 2, ratio * 1.5)
    verdict = replaced(
        found.verdict, goal=goal, ratio=ratio, interval=interval, proven=interval[1] < 1
    )
    return dataclasses.replace(found, verdict=verdict, pairs=tuple(pairs))


def marks(figure) -> dict[str, float]:
    (axes,) = figure.axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    drawn = {}
    for line in axes.get_lines():
        if line.get_marker() != "None":
            drawn[names[round(line.get_ydata()[0])]] = float(line.get_xdata()[0])
    return drawn


def test_marks_are_ratios_of_seconds(found):
    pairs = [Pair("x", 0, 2.0, 4.0), Pair("y", 0, 3.0, 3.0), Pair("z", 0, 6.0, 4.0)]
    drawn = marks(draw_verdict(made(found, "bound", pairs, 0.9)))
    assert drawn == pytest.approx({"x": 0.5, "y": 1.0, "z": 1.5})
    # Of times it is how many times faster.
    drawn = marks(draw_verdict(made(found, "time", pairs, 0.9)))
    assert drawn == pytest.approx({"x": 2.0, "y": 1.0, "z": 4 / 6})


def test_the_better_side_bears_the_policys_name(found):
    for goal, side in (("bound", "\u2190 mostinf"), ("time", "\u2190 pscost")):
        figure = draw_verdict(made(found, goal, [Pair("x", 0, 2.0, 4.0)] * 2, 0.5))
        texts = [text.get_text() for text in figure.axes[0].texts]
        assert any(text.startswith(side) for text in texts)


def test_of_few_instances_the_runs_are_shown_and_of_many_no_names(found):
    seeds = [Pair("x", seed, 1.0 + seed, 2.0) for seed in range(3)]
    drawn = marks(draw_verdict(made(found, "gap", seeds, 0.9)))
    assert set(drawn) == {"seed 0", "seed 1", "seed 2"}
    both = [Pair(name, seed, 1.0, 2.0) for name in "xy" for seed in range(2)]
    drawn = marks(draw_verdict(made(found, "gap", both, 0.9)))
    assert set(drawn) == {"x, seed 0", "x, seed 1", "y, seed 0", "y, seed 1"}
    many = [Pair(f"instance {k}", 0, 1.0, 2.0) for k in range(40)]
    (axes,) = draw_verdict(made(found, "gap", many, 0.9)).axes
    assert not axes.get_yticklabels()
    assert axes.get_ylabel() == "40 instances"


def test_one_pair_has_no_interval(found):
    verdict = replaced(found.verdict, ratio=0.5, interval=(0.0, 1e20), proven=False)
    pairs = (Pair("x", 0, 1.0, 2.0),)
    (axes,) = draw_verdict(dataclasses.replace(found, verdict=verdict, pairs=pairs)).axes
    assert not axes.patches
