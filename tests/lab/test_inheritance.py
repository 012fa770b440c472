"""The study of inheritance, every step of it, on a problem that is solved in a moment."""

from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from kida.boundary import write_json
from kida.errors import UserError
from kida.jobs.job import Stage
from kida.lab.hands import Hands
from kida.lab.heirs import RULES, SEARCHED
from kida.lab.inheritance import (
    DEFAULT,
    PRIMARY,
    RULED,
    RUNS,
    Replicate,
    best_of_others,
    study,
)
from kida.lab.inheritance_figure import figure
from kida.lab.inheritance_tables import markdown
from kida.lab.likeness import answers
from kida.lab.members import CELLS, SINGLE, Pool, drawn
from kida.lab.transfer import STARTS, transfer
from kida.lab.transfer import markdown as transfer_markdown
from kida.lab.yardstick import Yardstick
from kida.learning.config import read_config
from kida.learning.events import Solve
from kida.learning.plan import Plan
from kida.learning.run import Run
from kida.network.policy import Policy

OPTIONS = (
    "collection.episodes=2",
    "collection.validation_episodes=1",
    "collection.samples_per_episode=6",
    "collection.thinning=1",
    "training.embedding_size=8",
    "training.epochs=2",
    "training.prenorm_batches=1",
    'training.device="cpu"',
)


class Here(Hands):
    """Does jobs in this process: there are many short ones."""

    def run(self, jobs, ended, told=lambda job, news: None):
        for job in jobs:
            write_json(Path(job.record), job.run(Stage(None, lambda news: None)))
            ended(job, None)

    def each(self, function, arguments):
        for values in arguments:
            function(*values)


HERE = Here()


def pool_of(folder, family, *options) -> Pool:
    config = read_config(str(family), None, (*OPTIONS, *options))
    return Pool(Run(folder, config), Plan(config), epochs=2, draws=6, threads=1)


@pytest.fixture
def yardstick(tmp_path) -> Yardstick:
    return Yardstick("competition", None, tmp_path / "solves", HERE, lambda event: None)


def test_a_bootstrap_draws_as_many_some_of_them_twice():
    paths = list(range(50))
    found = drawn(paths, 3)
    assert len(found) == 50
    assert set(found) < set(paths)
    assert found == drawn(paths, 3) != drawn(paths, 4)


@pytest.mark.slow
def test_worth_is_in_nodes_or_in_the_bound_over_nodes(tmp_path, knapsack, make_policy, yardstick):
    draws = Plan(read_config(str(knapsack), None, OPTIONS)).selection(2)
    policies = [make_policy(0), make_policy(1)]
    worth = yardstick.worth(policies, draws)
    assert worth.shape == (2, 2)
    nodes = np.exp(-worth) - 10
    np.testing.assert_allclose(nodes, nodes.round(), atol=1e-6)
    assert (nodes >= 1).all()
    limited = Yardstick("competition", 60, tmp_path / "few", HERE, lambda event: None)
    rises = limited.worth(policies, draws)
    assert (rises >= 0).all()
    assert (rises > 0).any()
    assert limited.compared(policies, draws).mean() == pytest.approx(1)
    np.testing.assert_array_equal(yardstick.compared(policies, draws), worth)
    assert yardstick.level(worth[0]) == pytest.approx(np.exp(np.log(nodes[0] + 10).mean()) - 10)


def test_a_draw_without_a_worth_counts_for_nobody(monkeypatch, yardstick):
    table = np.arange(40.0).reshape(2, 20)
    table[1, 3] = np.nan
    monkeypatch.setattr(Yardstick, "worth", lambda self, policies, draws: table)
    assert yardstick.compared([None, None], range(20)).shape == (2, 19)
    table[0, 4:6] = np.nan
    with pytest.raises(UserError, match="3 of 20 draws have failed"):
        yardstick.compared([None, None], range(20))


@pytest.mark.slow
def test_every_network_is_made_once_and_measured(tmp_path, knapsack, yardstick, monkeypatch):
    # The search for coefficients in two iterations of one draw.
    monkeypatch.setattr("kida.lab.heirs.ITERATIONS", 2)
    monkeypatch.setattr("kida.lab.heirs.SEARCH_DRAWS", 1)
    pools = [
        pool_of(tmp_path / str(k) / "run", knapsack, "generations=2", f"seed={k}") for k in (0, 1)
    ]
    events = []
    yardstick = replace(yardstick, listener=events.append)

    def again():
        events.clear()
        replicates = []
        for number, pool in enumerate(pools):
            draws = pool.plan.selection(12)[6 * number :]
            replicates.append(Replicate(pool, draws[:2], draws[2:6]))
        return [*study(replicates, "".join(CELLS), 1, yardstick, HERE, events.append)]

    first, both, content = again()
    pool = pools[0]
    assert [each["replicates"] for each in (first, both, content)] == [1, 2, 2]
    assert content["members"] == {cell: [f"{cell}_1", f"{cell}_2"] for cell in CELLS}
    rules = {(row["cell"], row["heir"]): row["replicates"] for row in content["rows"]}
    averages = {(cell, rule) for cell in CELLS for rule in ("weights", "logits")}
    single = {("b", what) for what in SINGLE.values()}
    further = {("d", rule) for rule in RULES if ("d", rule) not in averages}
    further |= {("e", what) for what in RUNS.values()}
    assert rules == dict.fromkeys(averages | single, 2) | dict.fromkeys(further, 1)
    assert {(row["cell"], row["heir"]) for row in both["rows"]} == averages | single
    assert (first["draws"], content["draws"]) == (4, 8)
    named = {*chain(*content["members"].values()), *(row["name"] for row in content["rows"])}
    assert named == content["networks"].keys() == content["levels"].keys()
    assert [named >= worths.keys() for worths in content["worths"]] == [True, True]
    assert content["default"].keys() == {DEFAULT, "e_weights", "draws"}
    sure = [event.text for event in events if "cross-entropy of d" in getattr(event, "text", "")]
    assert len(sure) == 2
    _the_wide_network_is_the_mean_of_its_members(pool)
    # Members of one training go on from each other; the others differ as their cells say.
    one, other = (pool.load(f"a_{k}").weights for k in (1, 2))
    assert any((one[name] != other[name]).any() for name in one)
    text = markdown(content)
    assert all(f"| {cell} | {what} |" in text for cell, what in CELLS.items())
    told = {(row["cell"], row["heir"], versus) for row in content["rows"] for versus in row}
    assert told >= set(PRIMARY)
    assert {row["heir"] for row in content["rows"] if row.get("declined")} <= {SEARCHED}
    declined = sum(row.get("declined", False) for row in content["rows"])
    assert text.count("**") == 2 * len(PRIMARY)
    assert text.count("*") - 2 * text.count("**") == 2 * (len(RULED) - declined)
    (axes,) = figure(content).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        f"{row['cell']}: {row['heir']}" for row in content["rows"]
    ]
    assert again() == [first, both, content]
    assert not any(isinstance(event, Solve) for event in events)


def _the_wide_network_is_the_mean_of_its_members(pool):
    samples, config = pool.validation(), pool.config
    each = [answers(Policy.load(pool.path(f"d_{k}")), samples, config).logits for k in (1, 2)]
    wide = answers(Policy.load(pool.path("d_logits")), samples, config).logits
    np.testing.assert_allclose(wide, np.mean(each, axis=0), rtol=1e-3, atol=1e-3)


def test_the_best_member_is_chosen_on_other_draws():
    worths = np.array([[9.0, 1, 9, 1], [2, 4, 2, 4], [0, 0, 0, 0]])
    # Even draws choose the first for the odd ones, on which it is worth 1; odd ones the second.
    np.testing.assert_array_equal(best_of_others(worths), [2, 1, 2, 1])
    np.testing.assert_array_equal(best_of_others(worths[:, :1]), [9])


@pytest.mark.slow
def test_starts_are_compared_on_a_family_that_none_has_seen(tmp_path, knapsack, yardstick):
    pools = {
        name: pool_of(tmp_path / name, knapsack, "generations=1", f"seed={seed}")
        for seed, name in enumerate(("one", "other"), start=1)
    }
    unseen = pool_of(tmp_path / "unseen", knapsack, "generations=1")
    draws = unseen.plan.selection(2)
    content = transfer(pools, unseen, (1, 2), yardstick, draws, HERE, lambda event: None)
    found = {(row["start"], row["episodes"]) for row in content["rows"]}
    # Nothing without an episode is nothing.
    assert found == {(start, n) for start in STARTS for n in (0, 1, 2)} - {("nothing", 0)}
    assert "| heir | 2 (" in transfer_markdown(content)
