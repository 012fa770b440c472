import json
import sys

import pytest
from msgspec.structs import replace

from kida.errors import UserError
from kida.learning.config import read_config
from kida.learning.events import EpisodeEnded, Epoch, Rewarded, Started, Step
from kida.learning.run import Run
from kida.learning.tensorboard import CURVES, TensorBoard

EPISODE = EpisodeEnded(
    generation=1,
    done=1,
    of=2,
    samples_per_second=1.5,
    instance="x",
    split="train",
    index=0,
    seed=0,
    acting="pscost",
    samples=4,
    nodes=100,
    decisions=50,
    expert_decisions=4,
    status="timelimit",
    seconds=2.0,
    root_seconds=0.5,
    expert_seconds=0.1,
    lp_seconds=1.0,
    dual_bound=3.0,
    reward=2.5,
)
EPOCH = Epoch(
    epoch=1,
    loss=1.25,
    learning_rate=1e-3,
    samples_per_second=50.0,
    validation_loss=1.5,
    validation_top1=0.5,
    validation_top5=0.75,
    validation_score_ratio=0.875,
)


def curves(folder):
    """Return the curves in a run's event files: name to steps and values."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return {
        tag: [
            (point.step, make_ndarray(point.tensor_proto).item(), point.wall_time)
            for point in found.Tensors(tag)
        ]
        for tag in found.Tags()["tensors"]
    }


def values(points):
    return [(step, value) for step, value, _ in points]


@pytest.fixture
def open_run(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra tensorboard is missing")

    def open_run(board):
        return Run(tmp_path / "run", read_config("item_placement"), board.show)

    return open_run


def test_events_become_curves(tmp_path, open_run):
    with TensorBoard(tmp_path / "run") as board:
        run = open_run(board)
        run.log(Started(jobs=1))
        run.log(EPISODE)
        run.log(replace(EPISODE, reward=None, samples=0))
        run.report(Step(epoch=1, samples=8, of=9, samples_per_second=1.0, loss=3.0))
        run.report(EPOCH)
        run.report(Rewarded(policy="generation 2", reward=6.5, bound=6.5))
        run.report(Rewarded(policy="merged", reward=7.0, bound=7.0))
        # On disk while the run goes on.
        found = curves(tmp_path / "run")
    assert values(found["episode/reward"]) == [(1, 2.5)]
    assert values(found["episode/samples"]) == [(1, 4), (2, 0)]
    assert values(found["epoch/loss"]) == [(1, 1.25)]
    assert values(found["epoch/validation_score_ratio"]) == [(1, 0.875)]
    assert values(found["selection/generation"]) == [(2, 6.5)]
    assert values(found["selection/merged"]) == [(1, 7.0)]
    assert len(found) == sum(map(len, CURVES.values())) + 2


def test_a_run_that_goes_on_continues_its_curves(tmp_path, open_run):
    folder = tmp_path / "run"
    with TensorBoard(folder) as board:
        run = open_run(board)
        for loss in (3.0, 2.0):
            run.report(replace(EPOCH, loss=loss))
        run.report(Rewarded(policy="generation 1", reward=6.0, bound=6.0))
    times = [json.loads(line)["time"] for line in (folder / "log.jsonl").read_text().splitlines()]
    # Without TensorBoard for a while; then killed while it wrote its log.
    run = Run(folder, read_config("item_placement"))
    run.report(replace(EPOCH, loss=1.0))
    with (folder / "log.jsonl").open("a") as file:
        file.write('{"event": "ep')
    with TensorBoard(folder) as board:
        run = open_run(board)
        run.log(Started(jobs=1))
        run.report(Rewarded(policy="generation 1", reward=6.0, bound=6.0))
        run.report(replace(EPOCH, loss=0.5))
    found = curves(folder)
    assert values(found["epoch/loss"]) == [(1, 3.0), (2, 2.0), (3, 1.0), (4, 0.5)]
    assert values(found["selection/generation"]) == [(1, 6.0)]
    assert [time for _, _, time in found["epoch/loss"]][:2] == times[:2]
    assert len(list((folder / "tensorboard").iterdir())) == 1


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)  # Python's way to say: not importable
    with pytest.raises(UserError, match=r"pip install '.\[tensorboard\]'"):
        TensorBoard(tmp_path / "run")


# TensorBoard's own thread is the first to meet it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_full_disk_is_named(tmp_path, open_run, full_disk):
    with TensorBoard(tmp_path / "run") as board, full_disk(5_000):
        run = open_run(board)
        with pytest.raises(UserError, match=r"cannot write the curves .*: free"):
            run_on(run)


def run_on(run):
    for _ in range(40):
        # Many curves, and a short line of the log, which would be full first.
        run.log(EPOCH)
