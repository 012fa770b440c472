"""Files that nothing can be learned from are found before any work, named, and left out."""

import json
import random
from pathlib import Path

import pytest
from pyscipopt import Model, quicksum

from kida.errors import UserError
from kida.instances.registry import instances
from kida.jobs.run import ONE_AT_A_TIME
from kida.learning.config import CollectionConfig, read_config
from kida.learning.dagger import train
from kida.learning.events import FilesDivided, Rewarded, Warned
from kida.learning.inventory import Inventory, family_of_run
from kida.learning.judge import Judge
from kida.learning.plan import Draw
from kida.learning.survey import survey

pytestmark = pytest.mark.slow

BAD = {
    "broken": "Minimize\n x\nSubject To\n c: x >= = 5\nEnd\n",
    "infeasible": "Minimize\n x + y\nSubject To\n c: x + y >= 5\n d: x + y <= 4\n"
    "Generals\n x y\nEnd\n",
    "nonlinear": "Maximize\n x + y\nSubject To\n c: [ x^2 + 3 x * y + y^2 ] <= 40.5\n"
    "Bounds\n x <= 9\n y <= 9\nGenerals\n x\nEnd\n",
    "root": "Maximize\n x + y\nSubject To\n c: x + y <= 4\nGenerals\n x y\nEnd\n",
    "unbounded": "Maximize\n x + y\nSubject To\n c: x - y <= 4\nGenerals\n x y\nEnd\n",
}
REASONS = {
    "broken": "not readable (SCIP cannot read",
    "infeasible": "infeasible",
    "nonlinear": "not linear",
    "root": "solved at the root",
    "unbounded": "infeasible or unbounded",
}


@pytest.fixture
def folder(tmp_path: Path, knapsacks) -> Path:
    folder = knapsacks(tmp_path / "mine", 5)
    for name, text in BAD.items():
        (folder / f"{name}.lp").write_text(text)
    return folder


@pytest.fixture
def knapsacks():
    """Return what fills a folder with small problems that need branching."""

    def fill(folder: Path, count: int) -> Path:
        folder.mkdir()
        for number in range(count):
            draw, model = random.Random(number), Model()
            model.hideOutput()
            x = [model.addVar(f"x{i}", "B") for i in range(50)]
            for _ in range(5):
                row = [draw.randint(5, 99) for _ in x]
                model.addCons(quicksum(a * v for a, v in zip(row, x, strict=True)) <= sum(row) // 2)
            gains = [draw.randint(5, 99) for _ in x]
            objective = quicksum(c * v for c, v in zip(gains, x, strict=True))
            model.setObjective(objective, "maximize")
            model.writeProblem(str(folder / f"small_{number}.mps"), verbose=False)
        return folder

    return fill


def test_each_kind_is_told_apart(folder, tmp_path):
    files = [Path(str(instance.path)) for instance in instances(str(folder), "all")]
    scratch = tmp_path / "scratch"
    found = survey(files, CollectionConfig(), scratch, ONE_AT_A_TIME)
    assert {file.stem for file in found} == set(BAD)
    for file, reason in found.items():
        assert reason.startswith(REASONS[file.stem])
    assert not scratch.exists()


def test_a_full_disk_is_no_fault_of_the_files(folder, tmp_path):
    files = [Path(str(instance.path)) for instance in instances(str(folder), "all")]
    scratch = tmp_path / "scratch"
    scratch.write_text("a file, where a folder is to be")
    with pytest.raises(UserError, match="cannot write"):
        survey(files, CollectionConfig(), scratch, ONE_AT_A_TIME)


def test_a_folder_of_nothing_else_is_refused(tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    for name in ("infeasible", "root"):
        (folder / f"{name}.lp").write_text(BAD[name])
    reasons = {folder.resolve() / f"{name}.lp": REASONS[name] for name in ("infeasible", "root")}
    with pytest.raises(UserError, match=r"can learn from: infeasible\.lp is infeasible; root"):
        family_of_run(str(folder), tmp_path / "run", lambda files: reasons)
    assert not (tmp_path / "run").exists()


def test_a_run_goes_on_without_them(folder, tmp_path):
    small = (
        "generations=1",
        "collection.episodes=2",
        "collection.validation_episodes=1",
        "collection.time_limit=3",
        "collection.samples_per_episode=8",
        "training.epochs=1",
        "training.draws_per_epoch=20",
        "training.embedding_size=8",
        "training.device=cpu",
        "inheritance.instances=2",
        "inheritance.time_limit=1",
        "inheritance.expert_depths=[-1, 2]",
    )
    events: list[dict] = []
    run = tmp_path / "run"
    train(run, read_config(str(folder), None, small), listener=events.append)
    warnings = [e.text for e in events if isinstance(e, Warned) and "left out" in e.text]
    (warning,) = warnings
    for name, reason in REASONS.items():
        assert f"{name}.lp is {reason}" in warning
    (counts,) = [event for event in events if isinstance(event, FilesDivided)]
    assert (counts.train, counts.valid, counts.test) == (3, 1, 1)
    content = json.loads((run / "instances.json").read_text())
    assert len(content["left_out"]) == len(BAD)
    found = family_of_run(str(folder), run)
    assert isinstance(found, Inventory)
    rewards = [event for event in events if isinstance(event, Rewarded)]
    assert rewards
    # Their objectives may be of any scale.
    assert all(event.bound is None and 0 <= event.reward <= 1 for event in rewards)


def test_what_turns_out_infeasible_in_the_selection_costs_that_draw_alone(
    tmp_path, knapsack, make_policy
):
    bad = tmp_path / "unit.lp"
    bad.write_text(BAD["infeasible"])
    events: list[dict] = []
    draws = [Draw(instances(str(path), "all")[0], 0) for path in (knapsack, bad)]
    folder, policies = tmp_path / "rewards", [make_policy(0), make_policy(1)]
    both = Judge("competition", 1.0, draws, folder, ONE_AT_A_TIME, events.append).race(policies)
    one = Judge("competition", 1.0, draws[:1], folder, ONE_AT_A_TIME).race(policies)
    assert both == one
    (warning,) = [event.text for event in events if isinstance(event, Warned)]
    assert warning == "unit is infeasible: it is left out of the selection"
    with pytest.raises(UserError, match="none of the instances to select by has a dual bound"):
        Judge("competition", 1.0, draws[1:], folder, ONE_AT_A_TIME).race(policies)
