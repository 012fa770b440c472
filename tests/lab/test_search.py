import json
import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from pyscipopt import Model, quicksum

from kida.cli import main
from kida.errors import UserError
from kida.lab import search
from kida.lab.search import Evolution, fitness_of, search_generation, seconds_of, space
from kida.learning.config import SearchConfig, read_config
from kida.learning.dagger import train
from kida.learning.plan import Plan
from kida.learning.run import Run, status
from kida.learning.selection import measure
from kida.learning.tensorboard import CURVES
from kida.network.architecture import Architecture, shapes
from kida.network.card import Card
from kida.network.policy import Policy

# Looked up by workers, which import this module and see `search.measure` replaced by its own.
MEASURE = measure


def policy(seed: int, size: int = 8, **card) -> Policy:
    architecture = Architecture(size)
    generator = np.random.default_rng(seed)
    weights = {
        name: generator.standard_normal(shape).astype(np.float32)
        for name, shape in shapes(architecture).items()
    }
    return Policy(weights, Card(architecture, **card))


START = policy(0).weights
PARAMETERS = [name for name in START if name.endswith((".weight", ".bias"))]
READOUT = [f"output_module.{name}" for name in ("0.weight", "0.bias", "2.weight")]


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
def config(knapsacks, tmp_path_factory):
    start = tmp_path_factory.mktemp("start")
    policy(0, expert_depth=1, expert_candidates=3).save(start)
    settings = (
        "generations=1",
        "search.generations=1",
        f"search.start='{start}'",
        "search.population=4",
        "search.iterations=3",
        "search.instances=2",
        "search.first_seconds=0.05",
        "search.last_seconds=0.2",
        "search.comparison=2",
        "inheritance.expert_depths=1",
    )
    return read_config(str(knapsacks), None, settings)


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory) -> tuple[Path, list[dict]]:
    """A run that is a search from a policy, and its events."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    events: list[dict] = []
    train(folder, config, jobs=2, listener=events.append)
    return folder, events


def record(folder: Path, iteration: int) -> dict:
    return json.loads((folder / f"gen_01/search/iteration_{iteration:04d}.json").read_text())


def of_kind(events: list[dict], kind: str) -> list[dict]:
    return [event for event in events if event["event"] == kind]


@pytest.mark.parametrize(
    ("parameters", "dimension", "changed"),
    [
        ("all", sum(START[name].size for name in PARAMETERS), set(PARAMETERS)),
        ("subspace", 5, set(PARAMETERS)),
        ("readout", 8 * 8 + 8 + 8, set(READOUT)),
        ("neurons", 17 * 8, set(PARAMETERS) - {"output_module.2.weight"}),
    ],
)
def test_the_origin_is_the_start_and_a_step_is_relative(parameters, dimension, changed):
    options = SearchConfig(parameters=parameters, dimension=5)
    found = space(START, options, seed=1)
    assert found.dimension == dimension
    origin = found.weights(np.zeros(dimension))
    assert list(origin) == list(START)
    for name, array in START.items():
        np.testing.assert_array_equal(origin[name], array)
    step = 0.1 * np.random.default_rng(2).standard_normal(dimension)
    moved = Policy(found.weights(step), Card(Architecture(8))).weights
    again = space(START, options, seed=1).weights(step)
    assert {name for name in START if (moved[name] != START[name]).any()} == changed
    for name in changed:
        np.testing.assert_array_equal(moved[name], again[name])
    joined, before = (
        np.concatenate([weights[name].ravel() for name in changed]) for weights in (moved, START)
    )
    change = np.sqrt(np.mean((joined - before) ** 2) / np.mean(before**2))
    assert change == pytest.approx(0.1, rel=0.6)


def test_a_zero_bias_moves_with_its_layer():
    start = {**START, "output_module.0.bias": np.zeros(8, np.float32)}
    found = space(start, SearchConfig(parameters="readout"), 0)
    moved = found.weights(np.ones(found.dimension))["output_module.0.bias"]
    assert 0.5 < moved[0] < 1.5


def test_subspaces_follow_from_the_seed():
    options = SearchConfig(parameters="subspace", dimension=3)
    first, second = (space(START, options, seed).weights(np.ones(3)) for seed in (1, 2))
    assert (first["output_module.0.weight"] != second["output_module.0.weight"]).any()


@pytest.mark.parametrize("dimension", [10, 150])
def test_the_evolution_climbs_a_hill(dimension):
    options = SearchConfig(population=16, sigma=0.3, learning_rate=1.0)
    evolution = Evolution(dimension, options, 0)
    peak = np.full(dimension, 0.5)

    def height(point):
        return -float(np.sum((point - peak) ** 2))

    for _ in range(200):
        points = evolution.ask()
        np.testing.assert_allclose(points[0] + points[8], 2 * evolution.mean, atol=1e-12)
        evolution.tell(points, np.array([height(point) for point in points]))
    assert height(evolution.mean) > 0.05 * height(np.zeros(dimension))


def test_noise_alone_keeps_the_step_size_and_no_difference_keeps_everything():
    options = SearchConfig(population=8)
    evolution = Evolution(50, options, 0)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    generator = np.random.default_rng(1)
    for _ in range(100):
        evolution.tell(evolution.ask(), generator.standard_normal(8))
    # Selecting both of a pair would have shrunk it to 0.03.
    assert 0.04 < evolution.sigma < 0.2
    mean, sigma = evolution.mean, evolution.sigma
    evolution.tell(evolution.ask(), np.full(8, 3.0))
    np.testing.assert_array_equal(evolution.mean, mean)
    assert evolution.sigma == sigma
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_fitness_is_in_units_of_each_instances_gain():
    # The second instance's gains are a thousand times the first one's, and count the same.
    rewards = np.array([[1.1, 1000.0], [1.3, 0.0]])
    roots = np.array([[1.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(fitness_of(rewards, roots, "gain"), [1.25, 0.75])
    np.testing.assert_allclose(fitness_of(rewards, roots, "rank"), [0.75, 0.75])


@pytest.mark.parametrize("kind", ["gain", "rank"])
def test_failures_are_the_worst_and_rounding_counts_nothing(kind):
    nan = np.nan
    rewards = np.array([[1.0, nan, 5.0], [3.0, nan, 5.0 + 1e-10], [nan, nan, 5.0]])
    fitness = fitness_of(rewards, np.array([[0.0, nan, 5.0 - 1e-9]] * 3), kind)
    assert fitness[0] == fitness[2] < fitness[1]
    with pytest.raises(ValueError, match="every solve failed"):
        fitness_of(np.full((2, 2), nan), np.zeros((2, 2)), kind)


def test_episodes_grow_geometrically():
    options = SearchConfig(iterations=3, first_seconds=1, last_seconds=16)
    assert [seconds_of(options, number) for number in range(3)] == pytest.approx([1, 4, 16])
    assert seconds_of(SearchConfig(iterations=1), 0) == 5


def test_a_search_is_a_generation(whole, config):
    folder, events = whole
    result = Policy.load(folder / "policy")
    assert (result.card.expert_depth, result.card.architecture.embedding_size) == (1, 8)
    generation = Policy.load(folder / "gen_01" / "policy")
    assert generation.card.expert_candidates == 3
    assert generation.card.recipe["generation"] == 1
    kinds = [event["event"] for event in events]
    assert kinds.count("search_iteration") == 3
    for kind in ("search_iteration", "searched"):
        assert all(set(CURVES[kind]) <= set(event) for event in events if event["event"] == kind)
    assert kinds.count("trial") == 3 * 4 * 2 + 2 * 2
    assert "collecting" not in kinds
    names = {path.name for path in (folder / "gen_01" / "search").iterdir()}
    assert names == {"start", "comparison", *(f"iteration_000{k}.json" for k in (1, 2, 3))}
    first = record(folder, 1)
    assert np.shape(first["rewards"]) == np.shape(first["roots"]) == (4, 2)
    assert (np.array(first["rewards"]) >= np.array(first["roots"]) - 1e-3).all()
    assert first["lengths"][0] == pytest.approx(first["lengths"][2])
    played = {tuple(draw) for k in (1, 2, 3) for draw in record(folder, k)["draws"]}
    assert len(played) == 6
    verdict = of_kind(events, "searched")[0]
    start = Policy.load(config.search.start)
    same = all((generation.weights[name] == start.weights[name]).all() for name in START)
    assert same == (verdict["kept"] == "start")
    entry = status(folder)[0]
    assert entry["iterations"] == (3, 3)
    assert (entry["episodes"], entry["of"], entry["finished"]) == (0, 0, True)


def test_a_resumed_search_proposes_the_same_to_the_bit(whole, config, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole[0], folder)
    shutil.rmtree(folder / "gen_01" / "policy")
    shutil.rmtree(folder / "policy")
    compared = folder / "gen_01" / "search" / "comparison"
    results = {path.name for path in compared.iterdir()}
    shutil.rmtree(compared)
    # All iterations are there: only their result is found again.
    events: list[dict] = []
    run = Run(folder, config, events.append)
    start = policy(7)  # the folder's copy counts
    search_generation(run, Plan(config), 1, start)
    assert {path.name for path in compared.iterdir()} == results
    assert len(of_kind(events, "trial")) == 4
    # The last one is missing: it has the same candidates.
    shutil.rmtree(compared)
    last = record(folder, 3)
    (folder / "gen_01/search/iteration_0003.json").unlink()
    search_generation(run, Plan(config), 1, start)
    assert record(folder, 3)["lengths"] == last["lengths"]
    assert record(folder, 3)["draws"] == last["draws"]


def test_an_interrupted_search_loses_no_finished_solve(whole, config, tmp_path):
    folder = tmp_path / "run"
    trials = 0

    def listen(event):
        nonlocal trials
        if event["event"] == "trial":
            trials += 1
            if trials in (3, 10):
                raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train(folder, config, listener=listen)
    kept = {
        path: path.stat().st_mtime_ns for path in folder.glob("gen_01/search/work/*/*/*_*.json")
    }
    assert len(kept) >= 2
    assert trials == 10

    class StopError(Exception):
        pass

    def look(event):
        if event["event"] == "trial":
            assert {path: path.stat().st_mtime_ns for path in kept} == kept
            raise StopError

    with pytest.raises(StopError):
        train(folder, config, listener=look)
    assert record(folder, 1)["lengths"] == record(whole[0], 1)["lengths"]


def crash_on_first(instance, seed, folder, settings, time_limit, path):
    """Measure, unless it is the first candidate: then die as a crashing solver does."""
    home = Path(folder)
    if home.parent.parent.name == "work" and home == min(home.parent.iterdir()):
        os.kill(os.getpid(), signal.SIGKILL)
    return MEASURE(instance, seed, folder, settings, time_limit, path)


def refuse(*_):
    raise RuntimeError("SCIP: unspecified error!")


def test_a_failing_candidate_is_the_worst_of_its_iteration(config, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "measure", crash_on_first)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    events: list[dict] = []

    class EnoughError(Exception):
        pass

    def listen(event):
        events.append(event)
        if event["event"] == "search_iteration":
            raise EnoughError

    run = Run(tmp_path / "run", config, listen)
    with pytest.raises(EnoughError):
        search_generation(run, Plan(config), 1, policy(0))
    found = record(tmp_path / "run", 1)
    assert len(found["failures"]) == 2
    worst = found["failures"][0]["candidate"]
    assert found["rewards"][worst] == [None, None]
    assert sum(row.count(None) for row in found["rewards"]) == 2
    assert found["fitness"][worst] == min(found["fitness"])
    assert all("BrokenProcessPool" in failure["error"] for failure in found["failures"])
    assert len(of_kind(events, "warning")) == 2


def test_a_search_in_which_everything_fails_is_refused(config, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "measure", refuse)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    run = Run(tmp_path / "run", config)
    with pytest.raises(UserError, match=r"every solve of iteration 1 .*unspecified error"):
        search_generation(run, Plan(config), 1, policy(0))


def test_foreign_and_damaged_records_are_refused(whole, config, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole[0], folder)
    file = folder / "gen_01/search/iteration_0002.json"
    run = Run(folder, config)
    content = json.loads(file.read_text())
    content["lengths"][0] += 1
    file.write_text(json.dumps(content))
    with pytest.raises(UserError, match="does not belong to this search"):
        search_generation(run, Plan(config), 1, policy(0))
    file.write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        search_generation(run, Plan(config), 1, policy(0))


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
    events: list[dict] = []
    folder = tmp_path / "run"
    train(folder, read_config(str(knapsacks), None, settings), listener=events.append)
    # From scratch: the first generation's samples are for the initial network's statistics.
    acting = [event["acting"] for event in of_kind(events, "collecting")]
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
    assert [entry["iterations"] for entry in status(folder)] == [(1, 1), None, (1, 1)]
    measured = {event["policy"] for event in of_kind(events, "reward")}
    assert {"generation 1", "generation 2", "generation 3"} <= measured


def test_the_command_tunes_a_policy_and_shows_how_far_it_is(config, tmp_path, capsys):
    folder = tmp_path / "run"
    settings = (
        "generations=1",
        "search.generations=1",
        f"search.start='{config.search.start}'",
        "search.parameters=subspace",
        "search.dimension=2",
        "search.population=4",
        "search.iterations=1",
        "search.instances=1",
        "search.first_seconds=0.1",
        "search.last_seconds=0.1",
        "search.comparison=1",
        "inheritance.expert_depths=-1",
    )
    command = ["train", config.family, "--out", str(folder), "--jobs", "1"]
    assert main(command + [part for setting in settings for part in ("--set", setting)]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "generation 1: search on reward over 2 parameters (subspace)" in output
    assert "iteration 1, 0.1 s: mean dual bound" in output
    assert "is kept" in output
    assert main(["train", "--status", str(folder)]) == 0
    assert "1/1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["search.start=nobody"], "no policy 'nobody'"),
        (["generations=2", "search.start='{start}'"], "embedding size 8 .* unlike the run's other"),
        (
            [
                "generations=2",
                "search.start='{start}'",
                "training.embedding_size=8",
                "training.statistics=true",
            ],
            "without statistics .* unlike the run's other",
        ),
        (["search.start='{start}'", "inheritance.refit_prenorms=true"], "refit_prenorms needs"),
    ],
)
def test_impossible_searches_are_refused_before_any_work(config, tmp_path, settings, message):
    settings = [setting.format(start=config.search.start) for setting in settings]
    settings = ["generations=1", "search.generations=1", *settings]
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", read_config(config.family, None, settings))
    assert not (tmp_path / "run").exists()
