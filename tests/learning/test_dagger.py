import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import kida
from kida.boundary import plain
from kida.errors import UserError
from kida.instances.registry import instances
from kida.learning import dagger
from kida.learning.config import read_config
from kida.learning.dagger import train
from kida.learning.events import (
    Collecting,
    EpisodeEnded,
    Epoch,
    GenerationMade,
    Rewarded,
    Tick,
    Warned,
)
from kida.learning.events import kinds as kinds_of_events
from kida.learning.plan import Plan
from kida.learning.run import Run, read_log, read_run, status
from kida.learning.tensorboard import CURVES
from kida.network.architecture import Architecture
from kida.network.policy import Policy
from kida.solver.problem import open_model

pytestmark = pytest.mark.slow

SMALL = (
    "generations=2",
    "collection.episodes=2",
    "collection.validation_episodes=1",
    "collection.samples_per_episode=4",
    "collection.thinning=[1]",
    "collection.probability_by_depth=[0.5]",
    "training.embedding_size=8",
    "training.epochs=2",
    "training.prenorm_batches=1",
    "training.device=cpu",
    "inheritance.instances=1",
    "inheritance.time_limit=0.5",
    "inheritance.expert_depths=[-1, 2]",
    'inheritance.parameters={"nodeselection/bfs/maxplungedepth"=0}',
)
CONFIG = read_config("item_placement", None, SMALL)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, list[dict]]:
    """A run from beginning to end, and its events."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    events: list[dict] = []
    assert train(folder, CONFIG, listener=events.append) == folder / "policy"
    return folder, events


def test_a_run_leaves_policies_and_a_log(whole):
    folder, events = whole
    policy = Policy.load(folder / "policy")
    recipe = policy.card.recipe
    assert policy.card.candidates == "fractional"
    assert policy.card.expert_depth in (-1, 2)
    # It was played without them, and is used with them.
    assert Policy.load(folder / "gen_02" / "policy").card.parameters == {}
    assert policy.card.parameters == {"nodeselection/bfs/maxplungedepth": 0}
    assert recipe["config"]["collection"]["episodes"] == 2
    assert set(recipe["merged_generations"]) <= {1, 2}
    assert {"generation 1", "generation 2", "merged"} <= set(recipe["validation_rewards"])
    assert policy.card.scip_version.startswith("10.")
    logged = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    kinds = [entry["event"] for entry in logged]
    assert kinds.count("episode") == 6
    assert kinds.count("epoch") == 4
    assert kinds[-1] == "finished"
    for entry in logged:
        assert set(CURVES.get(kinds_of_events()[entry["event"]], {})) <= set(entry)
    # What was told is what can be read again.
    told = [event for event in events if not isinstance(event, Tick)]
    assert told == [line.event for line in read_log(folder)]
    assert [plain(event) for event in told if isinstance(event, EpisodeEnded)] == [
        {name: value for name, value in entry.items() if name != "time"}
        for entry in logged
        if entry["event"] == "episode"
    ]
    acting = [entry["acting"] for entry in logged if entry["event"] == "collecting"]
    assert acting == [["pscost"], ["network"]]
    assert read_run(folder).config == CONFIG
    assert kinds.count("barrier") == (len(recipe["merged_generations"]) > 1)
    # Nothing half-written is left over.
    assert not [name for name in files(folder) if "/." in name or name.startswith(".")]


def test_merged_weights_are_the_average_of_the_generations(whole):
    folder, _ = whole
    policy = Policy.load(folder / "policy")
    members = policy.card.recipe["merged_generations"]
    parents = [Policy.load(folder / f"gen_{n:02d}" / "policy").weights for n in members]
    for name, array in policy.weights.items():
        average = np.mean([parent[name] for parent in parents], axis=0)
        np.testing.assert_allclose(array, average, rtol=1e-5, atol=1e-6)


def test_a_finished_run_does_nothing(whole):
    folder, _ = whole
    before = {name: (folder / name).stat().st_mtime_ns for name in files(folder)}
    assert train(folder, CONFIG) == folder / "policy"
    assert {name: (folder / name).stat().st_mtime_ns for name in files(folder)} == before


def test_an_interrupted_run_goes_on_to_the_same_networks(whole, tmp_path):
    folder = tmp_path / "run"
    played = 0
    for moment in (EpisodeEnded, Epoch, GenerationMade, Rewarded, None):

        def listen(event, moment=moment):
            nonlocal played
            played += isinstance(event, EpisodeEnded)
            if moment is not None and isinstance(event, moment):
                raise KeyboardInterrupt

        if moment is None:
            train(folder, CONFIG, listener=listen)
        else:
            with pytest.raises(KeyboardInterrupt):
                train(folder, CONFIG, listener=listen)
    # Nothing finished is done again; an episode on disk before its event was seen has none.
    assert played <= 6
    for number in ("gen_01", "gen_02"):
        expected = Policy.load(whole[0] / number / "policy").weights
        for name, array in Policy.load(folder / number / "policy").weights.items():
            np.testing.assert_array_equal(array, expected[name])


def test_iterated_inheritance_goes_on_from_the_average(whole, tmp_path):
    # The first generation's episodes and network do not depend on it, and are taken over.
    config = read_config("item_placement", None, [*SMALL, "inheritance.iterate=true"])
    run, plan = Run(tmp_path / "run", config), Plan(config)
    shutil.copytree(whole[0] / "gen_01", run.generation(1))
    shutil.copytree(whole[0] / "gen_02" / "episodes", run.generation(2) / "episodes")
    assert run.successor(1).name == "merged"
    dagger.train_one(run, plan, 1, threads=1)
    alone, merged = (Policy.load(run.generation(1) / name).weights for name in ("policy", "merged"))
    for name, array in merged.items():
        np.testing.assert_array_equal(array, alone[name])
    dagger.train_one(run, plan, 2, threads=1)
    first, second = (Policy.load(run.generation(n) / "policy").weights for n in (1, 2))
    merged = Policy.load(run.successor(2)).weights
    for name, array in merged.items():
        np.testing.assert_allclose(array, (first[name] + second[name]) / 2, atol=1e-6)


def test_candidate_features_make_a_policy_that_branches(tmp_path):
    options = (
        "training.candidate_features=true",
        "training.teacher=previous",
        "training.epochs=1",
        "collection.episodes=1",
        "collection.samples_per_episode=2",
        "inheritance.iterate=true",
        "inheritance.method=last",
        "inheritance.expert_depths=-1",
    )
    config = read_config("item_placement", None, [*SMALL, *options])
    policy = Policy.load(train(tmp_path / "run", config))
    assert policy.card.architecture == Architecture(8, candidate_features=True)
    assert json.loads((tmp_path / "run/policy/card.json").read_text())["schema_version"] == 2
    (instance,) = instances("item_placement", split="valid", start=3, count=1)
    model = open_model(instance)
    model.hideOutput()
    model.setParam("limits/nodes", 10)
    brancher = kida.attach(model, policy)
    model.optimize()
    assert brancher.statistics.network_decisions > 3
    model.free()


def test_another_configuration_is_refused(whole):
    other = read_config("item_placement", None, [*SMALL, "training.epochs=3"])
    with pytest.raises(UserError, match=r"training\.epochs is 2 there and 3 here"):
        train(whole[0], other)


class Copied:
    """Makes a generation by taking over somebody's policy."""

    held_out = 3

    def __init__(self, source: Path) -> None:
        self.source = source

    def identity(self):
        return {"copied": str(self.source)}

    def check(self, config, number):
        if not (self.source / "card.json").exists():
            raise UserError(f"generation {number} has nothing to copy")

    def make(self, run, plan, number, workers, threads):
        dagger.hand_on(run, number, Policy.load(self.source))


def test_a_generation_may_be_made_by_somebody_else(whole, tmp_path):
    source = whole[0] / "gen_02" / "policy"
    config = read_config(
        "item_placement",
        None,
        [*SMALL, "inheritance.method=last", "inheritance.expert_depths=-1"],
    )
    events: list[dict] = []
    folder = tmp_path / "run"
    # The first generation's episodes are those of the whole run.
    Run(folder, config, makers={"2": Copied(source).identity()})
    shutil.copytree(whole[0] / "gen_01" / "episodes", folder / "gen_01" / "episodes")
    train(folder, config, makers={2: Copied(source)}, listener=events.append)
    kinds = [type(event) for event in events]
    assert (kinds.count(Collecting), kinds.count(Warned)) == (1, 0)
    assert Policy.load(folder / "gen_02/policy").identity() == Policy.load(source).identity()
    assert Policy.load(folder / "policy").card.recipe["makers"] == {"2": {"copied": str(source)}}
    assert [entry["of"] for entry in status(folder)] == [3, 0]
    with pytest.raises(UserError, match=r"makers\.2\.copied"):
        train(folder, config)
    with pytest.raises(UserError, match="another configuration"):
        train(folder, config, makers={2: Copied(whole[0] / "gen_01" / "policy")})


def test_status(whole, tmp_path):
    first, second = status(whole[0])
    assert (first["episodes"], first["of"], first["samples"], first["epochs"]) == (3, 3, 12, 2)
    assert first["finished"]
    assert second["finished"]
    assert second["validation_loss"] > 0
    assert (first["failed"], first["empty"]) == (0, 0)
    # A training under way shows as far as its checkpoint.
    run = tmp_path / "run"
    shutil.copytree(whole[0], run)
    shutil.rmtree(run / "gen_02" / "policy")
    (run / "gen_02" / "training.json").unlink()
    assert status(run)[1] == {**second, "finished": False}


def test_missing_shards_are_named(whole, tmp_path):
    events: list[dict] = []
    run, plan = Run(tmp_path / "run", CONFIG, events.append), Plan(CONFIG)
    shutil.copytree(whole[0] / "gen_01", run.generation(1))
    assert len(dagger.aggregate(run, plan, "train", 1).shards) == 2
    assert not events
    first, second = sorted((run.generation(1) / "episodes").glob("train_*.safetensors"))
    first.unlink()
    assert len(dagger.aggregate(run, plan, "train", 1).shards) == 1
    assert [type(event) for event in events] == [Warned]
    assert first.name in events[0].text
    # A damaged one is set aside once, and then no longer missed.
    second.write_bytes(b"")
    assert len(dagger.aggregate(run, plan, "train", 1).shards) == 0
    assert "set aside" in events[-1].text
    dagger.aggregate(run, plan, "train", 1)
    assert "1 of generation 1's train shards are missing" in events[-1].text


def test_training_episodes_validate_where_no_other_has_a_sample(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole[0], folder)
    for path in (folder / "gen_01" / "episodes").glob("valid_*.safetensors"):
        path.unlink()
    events: list[dict] = []
    run = Run(folder, CONFIG, events.append)
    training, validation = dagger.samples_of(run, Plan(CONFIG), 1)
    assert len(training) > 0
    assert len(validation) > 0
    assert not {shard.path for shard in training.shards} & {s.path for s in validation.shards}
    assert "1 of those for training validate" in events[-1].text
