import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from pyscipopt import Model, quicksum

from kida.errors import UserError
from kida.evaluation.records import read_record
from kida.jobs.cores import available_cores
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.lab.climb import Climb, draws_of, held_out_draws
from kida.lab.events import Searched, SearchIteration, SearchSolve
from kida.lab.search import searches
from kida.lab.search_config import SearchConfig, read_search
from kida.learning.dagger import train
from kida.learning.events import Collecting, Event, Rewarded, Warned
from kida.learning.makers import identities, plan_of
from kida.learning.run import Run, status
from kida.network.architecture import Architecture, shapes
from kida.network.card import Card
from kida.network.policy import Policy

pytestmark = pytest.mark.slow


def policy(seed: int, size: int = 8, **card) -> Policy:
    architecture = Architecture(size)
    generator = np.random.default_rng(seed)
    weights = {
        name: generator.standard_normal(shape).astype(np.float32)
        for name, shape in shapes(architecture).items()
    }
    return Policy(weights, Card(architecture, **card))


START = policy(0).weights


@pytest.fixture(scope="module")
def knapsacks(tmp_path_factory) -> Path:
    """A folder of multi-dimensional knapsacks that take a few hundred nodes."""
    folder = tmp_path_factory.mktemp("knapsacks")
    generator = np.random.default_rng(0)
    for number in range(8):
        model = Model()
        model.hideOutput()
        model.setMaximize()
        sizes = generator.integers(10, 100, (5, 40))
        values = sizes.mean(0) + generator.integers(0, 20, 40)
        variables = [model.addVar(vtype="B", obj=float(value)) for value in values]
        for row in sizes:
            terms = (int(size) * variable for size, variable in zip(row, variables, strict=True))
            model.addCons(quicksum(terms) <= int(row.sum()) // 2)
        model.writeProblem(str(folder / f"knapsack{number}.mps"), verbose=False)
        model.free()
    return folder


@pytest.fixture(scope="module")
def searched(knapsacks, tmp_path_factory):
    """The configuration of a run that is a search from a policy, and of the search."""
    start = tmp_path_factory.mktemp("start")
    policy(0, expert_depth=1, expert_candidates=3).save(start)
    settings = (
        "generations=1",
        "search.generations=1",
        f"search.start='{start}'",
        "search.population=4",
        "search.iterations=2",
        "search.instances=2",
        "search.first_seconds=0.05",
        "search.last_seconds=0.2",
        "search.comparison=2",
        "inheritance.expert_depths=1",
    )
    return read_search(str(knapsacks), None, settings)


@pytest.fixture(scope="module")
def whole(searched, tmp_path_factory) -> tuple[Path, list[dict]]:
    """Its run, and the events."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    events: list[Event] = []
    config, options = searched
    workers = Workers(min(2, available_cores()))
    train(folder, config, makers=searches(options), workers=workers, listener=events.append)
    return folder, events


def opened(folder: Path, searched, listener=lambda event: None) -> Run:
    config, options = searched
    return Run(folder, config, listener, identities(searches(options)))


def climb(run: Run, searched, start: Policy) -> None:
    config, options = searched
    plan = plan_of(config, searches(options))
    Climb(run, plan, 1, options, start, ONE_AT_A_TIME).climb()


def record(folder: Path, iteration: int) -> dict:
    return json.loads((folder / f"gen_01/search/iteration_{iteration:04d}.json").read_text())


def solved(folder: Path) -> dict[str, set]:
    """Return which instances and seeds every policy has solved in a folder of `measure_all`."""
    found: dict[str, set] = {home.name: set() for home in (folder / "policies").iterdir()}
    for path in (folder / "results" / "runs").iterdir():
        job = read_record(path).job
        found[Path(job.policy).name].add((job.instance.name, job.seed))
    return found


def of_kind(events: list[Event], kind: type[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_search_is_a_generation(whole, searched):
    folder, events = whole
    result = Policy.load(folder / "policy")
    assert (result.card.expert_depth, result.card.architecture.embedding_size) == (1, 8)
    generation = Policy.load(folder / "gen_01" / "policy")
    assert generation.card.expert_candidates == 3
    assert generation.card.recipe["generation"] == 1
    assert generation.card.recipe["search"]["population"] == 4
    assert len(of_kind(events, SearchIteration)) == 2
    assert len(of_kind(events, SearchSolve)) == 2 * 4 * 2 + 2 * 2
    assert not of_kind(events, Collecting)
    names = {path.name for path in (folder / "gen_01" / "search").iterdir()}
    assert names == {"start", "comparison", *(f"iteration_000{k}.json" for k in (1, 2))}
    first = record(folder, 1)
    assert np.shape(first["rewards"]) == np.shape(first["roots"]) == (4, 2)
    assert (np.array(first["rewards"]) >= np.array(first["roots"]) - 1e-3).all()
    assert first["lengths"][0] == pytest.approx(first["lengths"][2])
    played = {tuple(draw) for k in (1, 2) for draw in record(folder, k)["draws"]}
    assert len(played) == 4
    verdict = of_kind(events, Searched)[0]
    start = Policy.load(searched[1].start)
    same = all((generation.weights[name] == start.weights[name]).all() for name in START)
    assert same == (verdict.kept == "start")
    entry = status(folder)[0]
    assert (entry["episodes"], entry["of"], entry["finished"]) == (0, 0, True)


def test_a_resumed_search_proposes_the_same_to_the_bit(whole, searched, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole[0], folder)
    shutil.rmtree(folder / "gen_01" / "policy")
    shutil.rmtree(folder / "policy")
    compared = folder / "gen_01" / "search" / "comparison"
    results = solved(compared)
    assert [len(runs) for runs in results.values()] == [2, 2]
    shutil.rmtree(compared)
    # All iterations are there: only their result is found again.
    events: list[Event] = []
    run = opened(folder, searched, events.append)
    start = policy(7)  # the folder's copy counts
    climb(run, searched, start)
    assert solved(compared) == results
    assert len(of_kind(events, SearchSolve)) == 4
    # The last one is missing: it has the same points.
    shutil.rmtree(compared)
    last = record(folder, 2)
    (folder / "gen_01/search/iteration_0002.json").unlink()
    climb(run, searched, start)
    assert record(folder, 2)["lengths"] == last["lengths"]
    assert record(folder, 2)["draws"] == last["draws"]


def test_an_interrupted_search_loses_no_finished_solve(whole, searched, tmp_path):
    folder = tmp_path / "run"
    config, makers = searched[0], searches(searched[1])
    trials = 0

    def listen(event):
        nonlocal trials
        if isinstance(event, SearchSolve):
            trials += 1
            if trials in (3, 10):
                raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(folder, config, makers=makers, listener=listen)
    kept = {
        path: path.stat().st_mtime_ns
        for path in folder.glob("gen_01/search/work/*/results/runs/*.json")
    }
    assert len(kept) >= 2
    assert trials == 10

    class StopError(Exception):
        pass

    def look(event):
        if isinstance(event, SearchSolve):
            assert {path: path.stat().st_mtime_ns for path in kept} == kept
            raise StopError

    with pytest.raises(StopError):
        train(folder, config, makers=makers, listener=look)
    assert record(folder, 1)["lengths"] == record(whole[0], 1)["lengths"]


def test_a_failing_point_is_the_worst_of_its_iteration(searched, tmp_path):
    work = tmp_path / "run" / "gen_01" / "search" / "work" / "0001"
    events: list[Event] = []

    class EnoughError(Exception):
        pass

    def listen(event):
        events.append(event)
        if isinstance(event, SearchIteration):
            raise EnoughError
        if isinstance(event, SearchSolve) and event.done == 1:
            # A point that was not the first to be solved with loses its weights.
            (first,) = (home for home, draws in solved(work).items() if draws)
            victim = next(home for home in (work / "policies").iterdir() if home.name != first)
            (victim / "weights.safetensors").write_bytes(b"")

    run = opened(tmp_path / "run", searched, listen)
    with pytest.raises(EnoughError):
        climb(run, searched, policy(0))
    found = record(tmp_path / "run", 1)
    assert len(found["failures"]) == 2
    worst = found["failures"][0]["point"]
    assert found["rewards"][worst] == [None, None]
    assert sum(row.count(None) for row in found["rewards"]) == 2
    assert found["fitness"][worst] == min(found["fitness"])
    assert all("weights.safetensors is truncated" in entry["error"] for entry in found["failures"])
    assert len(of_kind(events, Warned)) == 2


def test_a_search_in_which_everything_fails_is_refused(searched, tmp_path):
    (tmp_path / "torn").mkdir()
    for number in range(4):
        (tmp_path / "torn" / f"torn{number}.mps").write_text("ROWS\n x")
    settings = ("generations=1", "collection.episodes=1", "collection.validation_episodes=1")
    config, _ = read_search(str(tmp_path / "torn"), None, settings)
    torn = config, replace(searched[1], instances=1)
    run = opened(tmp_path / "run", torn)
    with pytest.raises(UserError, match=r"every solve of iteration 1 .*torn\d\.mps"):
        climb(run, torn, policy(0))


def test_foreign_and_damaged_records_are_refused(whole, searched, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole[0], folder)
    file = folder / "gen_01/search/iteration_0002.json"
    run = opened(folder, searched)
    content = json.loads(file.read_text())
    content["lengths"][0] += 1
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="does not belong to this search"):
        climb(run, searched, policy(0))
    file.write_text("{")
    with pytest.raises(UserError, match="remove it and all later ones"):
        climb(run, searched, policy(0))


def test_search_and_imitation_take_turns(knapsacks, tmp_path):
    settings = (
        "generations=3",
        "collection.episodes=2",
        "collection.validation_episodes=1",
        "collection.samples_per_episode=4",
        "collection.thinning=[1]",
        "collection.probability_by_depth=[0.5]",
        "training.embedding_size=8",
        "training.epochs=1",
        "training.prenorm_batches=1",
        "training.device=cpu",
        "search.generations=[1, 3]",
        "search.parameters=readout",
        "search.population=4",
        "search.iterations=1",
        "search.instances=1",
        "search.first_seconds=0.1",
        "search.last_seconds=0.1",
        "search.comparison=1",
        "search.expert_depth=0",
        "inheritance.iterate=true",
        "inheritance.instances=1",
        "inheritance.time_limit=0.1",
        "inheritance.expert_depths=[-1]",
    )
    events: list[Event] = []
    folder = tmp_path / "run"
    config, options = read_search(str(knapsacks), None, settings)
    train(folder, config, makers=searches(options), listener=events.append)
    # From scratch: the first generation's samples are for the initial network's statistics.
    acting = [event.acting for event in of_kind(events, Collecting)]
    assert [list(turns) for turns in acting] == [["pscost"], ["network"]]

    def weights(*parts):
        return Policy.load(folder.joinpath(*parts)).weights

    starts = [weights(f"gen_0{number}", "search", "start") for number in (1, 3)]
    expected = [weights("initial"), weights("gen_02", "merged")]
    merged = [weights(f"gen_0{number}", "policy") for number in (1, 2)]
    for name in START:
        for start, source in zip(starts, expected, strict=True):
            np.testing.assert_array_equal(start[name], source[name])
        np.testing.assert_allclose(
            expected[1][name], (merged[0][name] + merged[1][name]) / 2, atol=1e-6
        )
    for place in ("search/start", "policy"):
        assert Policy.load(folder / "gen_01" / place).card.expert_depth == 0
    assert [entry["of"] for entry in status(folder)] == [3, 3, 0]
    measured = {event.policy for event in of_kind(events, Rewarded)}
    assert {"generation 1", "generation 2", "generation 3"} <= measured


def test_another_search_is_refused(whole, searched):
    config, options = searched
    other = replace(options, population=6)
    with pytest.raises(UserError, match=r"makers\.1\.search\.population is 4 there and 6 here"):
        train(whole[0], config, makers=searches(other))
    with pytest.raises(UserError, match="another configuration"):
        train(whole[0], config)


def test_a_search_has_instances_of_its_own():
    settings = ("generations=4", "collection.episodes=8", "collection.validation_episodes=2")
    config, _ = read_search("item_placement", None, settings)
    options = SearchConfig(generations=(2, 4), iterations=3, instances=5, comparison=3)
    plan = plan_of(config, searches(options))
    played = [draw for n in (2, 4) for k in range(3) for draw in draws_of(plan, options, n, k)]
    assert len(set(played)) == len({d.instance for d in played}) == 30
    held = [draw for n in (2, 4) for draw in held_out_draws(plan, options, n)]
    assert len({d.instance for d in held}) == 6
    episodes = [
        draw for kind in ("train", "valid") for n in range(1, 5) for draw in plan.episodes(kind, n)
    ]
    groups = [{d.instance for d in draws} for draws in (played, held, episodes)]
    assert len(set.union(*groups)) == sum(len(group) for group in groups)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["search.start=nobody"], "no policy 'nobody'"),
        (["search.generations=2"], "generation 2 .* generations 1 to 1"),
        (["generations=2", "search.start='{start}'"], "embedding size 8 .* unlike the run's other"),
        (
            ["generations=2", "search.start='{start}'", "training.embedding_size=8"],
            "set training.embedding_size, training.candidate_features",
        ),
    ],
)
def test_impossible_searches_are_refused_before_any_work(searched, tmp_path, settings, message):
    settings = [setting.format(start=searched[1].start) for setting in settings]
    settings = ["generations=1", "search.generations=1", *settings]
    config, options = read_search(searched[0].family, None, settings)
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", config, makers=searches(options))
    assert not (tmp_path / "run").exists()


def test_a_missing_library_is_named(searched, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cma", None)  # Python's way to say: not importable
    with pytest.raises(UserError, match=r"pip install '.\[train\]'"):
        train(tmp_path / "run", searched[0], makers=searches(searched[1]))
