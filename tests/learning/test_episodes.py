import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kida.errors import UserError
from kida.learning import episodes
from kida.learning.config import read_config
from kida.learning.events import Collecting, CutShort, Warned
from kida.learning.plan import Plan
from kida.learning.records import record_of
from kida.learning.run import Run, status
from kida.learning.samples import Shard

pytestmark = pytest.mark.slow

SMALL = (
    "generations=1",
    "collection.episodes=2",
    "collection.validation_episodes=1",
    "collection.samples_per_episode=4",
    "collection.thinning=[1]",
    "collection.probability_by_depth=[0.5]",
)
CONFIG = read_config("item_placement", None, SMALL)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def write_easy(folder: Path, count: int) -> None:
    """Write instances that presolving solves."""
    from pyscipopt import Model

    model = Model()
    model.hideOutput()
    variables = [model.addVar(vtype="B", obj=-1) for _ in range(3)]
    model.addCons(variables[0] + variables[1] + variables[2] <= 1)
    folder.mkdir(parents=True)
    for index in range(count):
        model.writeProblem(str(folder / f"easy{index}.mps"), verbose=False)


def test_a_family_solved_at_the_root_is_refused(tmp_path):
    write_easy(tmp_path / "family", 3)
    config = read_config(str(tmp_path / "family"), None, SMALL)
    run = Run(tmp_path / "run", config)
    with pytest.raises(UserError, match="gave no training samples"):
        episodes.collect_generation(run, Plan(config), 1)
    assert status(tmp_path / "run")[0]["empty"] == 3


def test_instances_solved_at_the_root_are_skipped_and_counted(tmp_path, knapsack):
    write_easy(tmp_path / "family" / "train", 2)
    for index in range(2):
        shutil.copy(knapsack, tmp_path / "family" / "train" / f"hard{index}.mps")
    settings = [*SMALL, "collection.episodes=3", "collection.probability_by_depth=[1]"]
    config = read_config(str(tmp_path / "family"), None, settings)
    run = Run(tmp_path / "run", config)
    episodes.collect_generation(run, Plan(config), 1)
    (generation,) = status(tmp_path / "run")
    assert (generation["episodes"], generation["of"], generation["failed"]) == (4, 4, 0)
    assert generation["empty"] == 2
    assert generation["samples"] > 0


def test_what_there_is_has_to_do_when_time_is_up(tmp_path):
    settings = ["collection.episodes=4", "collection.validation_episodes=2"]
    config = read_config("item_placement", None, [*SMALL, *settings])
    events: list[dict] = []
    run, plan = Run(tmp_path / "run", config, events.append), Plan(config)
    episodes.collect_generation(run, plan, 1, enough=lambda: True)
    (generation,) = status(tmp_path / "run")
    assert 1 <= generation["episodes"] < 6
    assert isinstance(events[-1], CutShort)
    assert episodes.missing_shards(run, plan, "train", 1) == []
    episodes.collect_generation(run, plan, 1)
    assert status(tmp_path / "run")[0]["episodes"] == generation["episodes"]


def test_the_first_generation_has_an_expert_of_its_own(tmp_path):
    settings = [
        "generations=2",
        "collection.episodes=1",
        "collection.first_expert_candidates=3",
        'collection.acting=["random"]',
    ]
    config = read_config("item_placement", None, [*SMALL, *settings])
    run = Run(tmp_path / "run", config)
    for number, evaluated in ((1, True), (2, False)):
        episodes.collect_generation(run, Plan(config), number)
        path = next((run.generation(number) / "episodes").glob("train_*.safetensors"))
        sample = Shard(path).sample(0)
        assert len(sample.candidates) > 3
        assert (np.isfinite(sample.scores).sum() == 3) == evaluated


SCORES = """
import os, pathlib, signal, sys

def dies(node):
    # A worker is called with the path of the record that it is to write.
    if pathlib.Path(sys.argv[1]).name.startswith("valid"):
        os.kill(os.getpid(), signal.SIGKILL)
    return node.scores
"""


def test_a_dying_process_costs_its_episode_only(tmp_path, monkeypatch):
    (tmp_path / "kida_dying_scores.py").write_text(SCORES)
    monkeypatch.chdir(tmp_path)
    settings = [*SMALL, "collection.expert_score=kida_dying_scores:dies"]
    config = read_config("item_placement", None, settings)
    events: list[dict] = []
    run = Run(tmp_path / "run", config, events.append)
    episodes.collect_generation(run, Plan(config), 1)
    names = [Path(name).name for name in files(tmp_path / "run") if "episodes" in name]
    assert [(name[:5], name.partition(".")[2]) for name in names] == [
        *2 * [("train", "json"), ("train", "safetensors")],
        ("valid", "failed.json"),
    ]
    failure = json.loads((tmp_path / "run" / "gen_01" / "episodes" / names[-1]).read_text())
    assert failure["instance"].startswith("item_placement_")
    assert "killed by SIGKILL" in failure["error"]
    warnings = [event for event in events if isinstance(event, Warned)]
    assert len(warnings) == 1
    assert "failed twice" in warnings[0].text
    assert status(tmp_path / "run")[0]["failed"] == 1
    # It is not tried for ever: the next start leaves it alone.
    events.clear()
    episodes.collect_generation(run, Plan(config), 1)
    assert [event.waiting for event in events] == [0]


def test_an_instance_that_cannot_be_read_ends_the_run(tmp_path):
    (tmp_path / "family").mkdir()
    for index in range(3):
        (tmp_path / "family" / f"torn{index}.mps").write_text("ROWS\n x")
    config = read_config(str(tmp_path / "family"), None, SMALL)
    run = Run(tmp_path / "run", config)
    with pytest.raises(UserError, match=r"torn\d\.mps"):
        episodes.collect_generation(run, Plan(config), 1)
    # Once the file is whole, its episode is played.
    assert status(tmp_path / "run")[0]["failed"] == 0


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """A run whose generation's episodes are played."""
    folder = tmp_path_factory.mktemp("runs") / "collected"
    episodes.collect_generation(Run(folder, CONFIG), Plan(CONFIG), 1)
    return folder


def test_an_episode_is_done_when_its_record_is_there(collected, tmp_path):
    folder, events = tmp_path / "run", []
    shutil.copytree(collected, folder)
    run = Run(folder, CONFIG, events.append)
    home = run.generation(1) / "episodes"
    before = {path: path.stat().st_mtime_ns for path in home.iterdir()}
    episodes.collect_generation(run, Plan(CONFIG), 1)
    assert [event.waiting for event in events] == [0]
    assert {path: path.stat().st_mtime_ns for path in home.iterdir()} == before
    # Killed between the shard and its record, or in the middle of the latter's writing.
    first, second, third = sorted(home.glob("*.json"))
    samples = [record_of(path).samples for path in (first, second)]
    first.unlink()
    second.write_text(second.read_text()[:-20])
    shutil.copy(third, third.with_name(f".12ab.{third.name}"))
    assert status(folder)[0]["episodes"] == 1
    episodes.collect_generation(run, Plan(CONFIG), 1)
    assert [event.waiting for event in events if isinstance(event, Collecting)] == [0, 2]
    assert [record_of(path).samples for path in (first, second)] == samples
    assert third.stat().st_mtime_ns == before[third]


def played_by_another(folder: Path) -> Run:
    """Return a run with a file in place of every kind that its first generation may have."""
    run = Run(folder, CONFIG)
    home = run.generation(1) / "episodes"
    home.mkdir(parents=True)
    for name in (
        "train_1_0.safetensors",
        "train_1_0.json",
        "valid_2_0.failed.json",
        ".9.train_3_0.safetensors",
    ):
        (home / name).write_text(name)
    return run


def test_episodes_are_shared_as_links(tmp_path):
    theirs = played_by_another(tmp_path / "theirs")
    wide = [*SMALL, "training.embedding_size=16", "inheritance.iterate=true"]
    ours = Run(tmp_path / "ours", read_config("item_placement", None, wide))
    for _ in range(2):
        episodes.share_episodes(theirs.folder, ours, [1])
        home = ours.generation(1) / "episodes"
        # What was being written is not an episode.
        assert sorted(path.name for path in home.iterdir()) == [
            "train_1_0.json",
            "train_1_0.safetensors",
            "valid_2_0.failed.json",
        ]
    assert (home / "train_1_0.safetensors").samefile(
        theirs.generation(1) / "episodes" / "train_1_0.safetensors"
    )


def test_other_episodes_are_not_shared(tmp_path):
    theirs = played_by_another(tmp_path / "theirs")
    config = read_config("item_placement", None, [*SMALL, "collection.episodes=3"])
    with pytest.raises(UserError, match=r"cannot share .*collection\.episodes is 2 there"):
        episodes.share_episodes(theirs.folder, Run(tmp_path / "ours", config), [1])
