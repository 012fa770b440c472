"""The study of inheritance, every step of it, on a problem that is solved in a moment."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from kida.boundary import write_json
from kida.errors import UserError
from kida.jobs.job import Stage
from kida.jobs.run import Workers
from kida.lab.inheritance import DEFAULT, PRIMARY, SINGLE, markdown, study
from kida.lab.likeness import answers
from kida.lab.members import CELLS, Pool, drawn
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


class Here(Workers):
    """Does jobs in this process: there are many short ones."""

    def run(self, jobs, ended, told=lambda job, news: None):
        for job in jobs:
            write_json(Path(job.record), job.run(Stage(None, lambda news: None)))
            ended(job, None)


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
    monkeypatch.setattr("kida.lab.heirs._ITERATIONS", 2)
    monkeypatch.setattr("kida.lab.heirs._DRAWS", 1)
    pool = pool_of(tmp_path / "run", knapsack, "generations=2")
    draws = pool.plan.selection(4)
    events = []

    def again():
        events.clear()
        return study(pool, yardstick, draws[:2], draws[2:], HERE, events.append)

    content = again()
    assert content["members"] == {cell: [f"{cell}_1", f"{cell}_2"] for cell in CELLS}
    rules = {(row["cell"], row["heir"]) for row in content["rows"]}
    assert {("a", "weights"), ("d", "distilled logits"), ("b", SINGLE["ema"])} <= rules
    assert content["draws"] == 2
    named = {*chain(*content["members"].values()), *(row["name"] for row in content["rows"])}
    assert named == content["networks"].keys()
    assert {*named, DEFAULT} == content["worths"].keys() == content["levels"].keys()
    sure = [event.text for event in events if "cross-entropy of d" in getattr(event, "text", "")]
    assert len(sure) == 1
    _the_wide_network_is_the_mean_of_its_members(pool)
    # Members of one training go on from each other; the others differ as their cells say.
    first, second = (Policy.load(pool.path(f"a_{k}")).weights for k in (1, 2))
    assert any((first[name] != second[name]).any() for name in first)
    text = markdown(content)
    assert all(f"| {cell} | {what} |" in text for cell, what in CELLS.items())
    named = {(row["cell"], row["heir"], versus) for row in content["rows"] for versus in row}
    assert named >= set(PRIMARY)
    assert text.count("**") == 2 * len(PRIMARY)
    assert again() == content
    assert not any(isinstance(event, Solve) for event in events)


def _the_wide_network_is_the_mean_of_its_members(pool):
    samples, config = pool.validation(), pool.config
    each = [answers(Policy.load(pool.path(f"d_{k}")), samples, config).logits for k in (1, 2)]
    wide = answers(Policy.load(pool.path("d_logits")), samples, config).logits
    np.testing.assert_allclose(wide, np.mean(each, axis=0), rtol=1e-3, atol=1e-3)


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
