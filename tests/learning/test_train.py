import json
import math

import numpy as np
import pytest
import torch
from msgspec.structs import replace
from safetensors import safe_open
from safetensors.torch import save_file

from kida.boundary import plain
from kida.errors import UserError
from kida.learning.config import TrainingConfig
from kida.learning.events import Epoch, Stopped
from kida.learning.losses import batches, collate
from kida.learning.samples import Aggregate, write_shard
from kida.learning.train import (
    choose_device,
    initial_network,
    seconds_per_sample,
    train_generation,
)
from kida.learning.validation import Validation, validate
from kida.network.architecture import Architecture
from kida.network.gnn import Network

pytestmark = pytest.mark.slow

QUICK = TrainingConfig(
    embedding_size=16,
    candidate_features=False,
    epochs=4,
    edges_per_batch=40_000,
    prenorm_batches=2,
    device="cpu",
)


# A step per sample, so that an epoch's word on the loss counts.
STEPS = {"edges_per_batch": 5_000, "epochs": 30, "patience": 2}


@pytest.fixture(scope="module")
def aggregate(samples, tmp_path_factory) -> Aggregate:
    path = tmp_path_factory.mktemp("shards") / "a.safetensors"
    write_shard(path, samples)
    found = Aggregate([path])
    assert len(found) >= 10
    return found


def trained(aggregate, folder, config=QUICK, epochs=None, name="checkpoint", **options):
    network = initial_network(aggregate, config, seed=0)
    chosen = replace(config, epochs=epochs or config.epochs)
    path = folder / f"{name}.safetensors"
    return train_generation(
        aggregate, aggregate, network, chosen, seed=1, checkpoint=path, **options
    )


def assert_same_weights(first, second):
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


@pytest.mark.parametrize("loss", ["hard", "soft"])
def test_training_lowers_every_loss(aggregate, tmp_path, loss):
    config = replace(QUICK, loss=loss, label_smoothing=0.02, epochs=6)
    before = validate(
        initial_network(aggregate, config, seed=0),
        (aggregate[k] for k in range(len(aggregate))),
        config,
    )
    result = trained(aggregate, tmp_path, config)
    assert min(entry["validation_loss"] for entry in result.history) < before.loss
    assert all(np.isfinite(array).all() for array in result.weights.values())
    for entry in result.history:
        assert 0 <= entry["validation_top1"] <= entry["validation_top5"] <= 1
        assert 0 <= entry["validation_score_ratio"] <= 1


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_validation_loss_that_is_not_finite_is_refused(aggregate, tmp_path, monkeypatch, wrong):
    # Nothing of the samples or the network is wrong: the measure alone is replaced.
    def measured(*arguments):
        return Validation(loss=wrong, top1=0, top5=0, score_ratio=0)

    monkeypatch.setattr("kida.learning.train.validate", measured)
    with pytest.raises(UserError, match=f"validation loss is {wrong} in epoch 1: begin a new run"):
        trained(aggregate, tmp_path)
    assert not (tmp_path / "checkpoint.safetensors").exists()


def test_training_repeats_and_resumes_to_the_bit(aggregate, tmp_path):
    config = replace(QUICK, average_decay=0.9, epochs=4)
    whole = trained(aggregate, tmp_path, config, name="whole")
    again = trained(aggregate, tmp_path, config, name="again")
    assert_same_weights(whole.weights, again.weights)
    trained(aggregate, tmp_path, config, epochs=2, name="parts")
    resumed = trained(aggregate, tmp_path, config, name="parts")
    assert_same_weights(whole.weights, resumed.weights)
    untimed = [
        [{k: v for k, v in entry.items() if k != "samples_per_second"} for entry in r.history]
        for r in (whole, resumed)
    ]
    assert untimed[0] == untimed[1]


def test_an_epoch_ends_in_its_middle_when_time_is_up(aggregate, tmp_path, monkeypatch):
    monkeypatch.setattr("kida.learning.train._FIRST_STEPS", 3)
    asked = []

    def enough() -> bool:
        asked.append(len(asked))
        return True

    config = replace(QUICK, **STEPS)
    assert len(trained(aggregate, tmp_path, config, enough=enough).history) == 1
    # After the fourth step, and after what there is of the epoch.
    assert len(asked) == 2


def test_a_network_with_candidate_features_trains_too(aggregate, tmp_path):
    config = replace(QUICK, candidate_features=True, average_decay=0.5, epochs=6)
    plain = Network(Architecture(8))  # a teacher without them
    result = trained(aggregate, tmp_path, config, teacher=plain)
    assert result.weights["output_module.0.weight"].shape == (16, 25)
    assert result.history[-1]["validation_loss"] < result.history[0]["validation_loss"]
    start = initial_network(aggregate, config, seed=0).weights()["output_module.0.weight"]
    assert (result.weights["output_module.0.weight"][:, 16:] != start[:, 16:]).any()


def test_a_teacher_pulls_towards_its_choices(aggregate, tmp_path):
    torch.manual_seed(5)
    teacher = Network(Architecture(24))
    teacher.fit_prenorms([batch.graphs for batch in batches([aggregate[0]], 1)])
    batch = collate([aggregate[k] for k in range(len(aggregate))])

    def distance(weights):
        student = Network(QUICK.architecture)
        student.load_weights(weights)
        with torch.no_grad():
            target = batch.padded(teacher(batch.graphs)).softmax(1)
            found = batch.padded(student(batch.graphs)).log_softmax(1)
        return float(-(target * found.masked_fill(~batch.present, 0)).sum(1).mean())

    alone = trained(aggregate, tmp_path, name="alone")
    config = replace(QUICK, teacher="somebody", teacher_weight=20.0)
    taught = trained(aggregate, tmp_path, config, name="taught", teacher=teacher)
    assert distance(taught.weights) < distance(alone.weights)


def test_every_sample_is_drawn_before_one_repeats():
    from kida.learning.train import _draw

    count = 10
    drawn = np.concatenate([_draw(count, epoch, 4, 7) for epoch in range(5)])
    assert sorted(drawn[:count]) == sorted(drawn[count:]) == list(range(count))
    assert drawn[:count].tolist() != drawn[count:].tolist()


def test_training_stops_when_the_loss_is_not_finite(aggregate, tmp_path):
    config = replace(QUICK, learning_rate=1e30)
    with pytest.raises(UserError, match="epoch 1, batch 2: begin a new run with a lower"):
        trained(aggregate, tmp_path, config)


def test_a_full_disk_keeps_the_checkpoint_before(aggregate, tmp_path, full_disk):
    trained(aggregate, tmp_path, epochs=1)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    with full_disk(20_000), pytest.raises(UserError, match=r"cannot write .*checkpoint"):
        trained(aggregate, tmp_path, epochs=2)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_checkpoint_is_named(aggregate, tmp_path):
    (tmp_path / "checkpoint.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="is damaged"):
        trained(aggregate, tmp_path)


def _without(name):
    return lambda state, tensors: tensors.pop(name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state, tensors: state.update(epoch="two"), "epoch"),
        (lambda state, tensors: state["history"].append({"epoch": 2}), "history"),
        (_without("best/output_module.2.weight"), "best weights are not of this network"),
        (_without("optimizer/0/exp_avg"), "moments"),
        (lambda state, tensors: tensors["optimizer/0/step"].fill_(-3), "steps"),
        (lambda state, tensors: tensors.update({"optimizer/0/exp_avg": torch.ones(1)}), "shape"),
    ],
)
def test_a_checkpoint_that_cannot_be_gone_on_from_is_named(aggregate, tmp_path, change, message):
    trained(aggregate, tmp_path, epochs=1)
    path = tmp_path / "checkpoint.safetensors"
    with safe_open(path, framework="pt") as file:
        state = json.loads(file.metadata()["state"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(state, tensors)
    save_file(tensors, path, metadata={"state": json.dumps(state)})
    with pytest.raises(UserError, match=rf"is damaged \(.*{message}.*remove it"):
        trained(aggregate, tmp_path, epochs=2)


def test_early_stopping_keeps_the_best_epoch(aggregate, tmp_path):
    config = replace(QUICK, learning_rate=0.5, **STEPS)
    network = initial_network(aggregate, config, seed=0)
    events = []
    result = train_generation(
        *(aggregate, aggregate, network, config),
        seed=1,
        checkpoint=tmp_path / "c.safetensors",
        report=events.append,
    )
    losses = [entry["validation_loss"] for entry in result.history]
    assert len(losses) < 30
    assert events[-1] == Stopped(epoch=len(losses), of=30)
    measured = validate(network, (aggregate[k] for k in range(len(aggregate))), config)
    assert measured.loss == pytest.approx(min(losses), rel=1e-6)
    # The learning rate has fallen once, halfway through the epochs that brought nothing.
    rates = [entry["learning_rate"] for entry in result.history]
    assert rates[-2:] == [pytest.approx(0.3 * rates[-3])] * 2
    assert rates[-4] == rates[-3]


def drawn(losses):
    """Return what stands for the measure of validation: these losses, one after the other."""
    waiting = iter(losses)
    return lambda *arguments: Validation(loss=next(waiting), top1=0, top5=0, score_ratio=0)


def test_epochs_that_differ_by_noise_alone_end_a_training(aggregate, tmp_path, monkeypatch):
    # Better by less than one in a hundred again and again: nothing is learned any more.
    losses = [3.0, 2.9, *(2.899 - 0.001 * k for k in range(20))]
    config = replace(QUICK, **STEPS | {"patience": 3, "epochs": 20})
    monkeypatch.setattr("kida.learning.train.validate", drawn(losses))
    result = trained(aggregate, tmp_path, config)
    assert [entry["epoch"] for entry in result.history] == list(range(1, 9))
    rates = [entry["learning_rate"] for entry in result.history]
    assert rates == pytest.approx([1e-3] * 5 + [3e-4] * 3)


def test_epochs_of_few_steps_are_not_given_up(aggregate, tmp_path, monkeypatch):
    # One step each: their losses hardly differ, whatever there is to learn.
    config = replace(QUICK, edges_per_batch=10**9, epochs=20)
    monkeypatch.setattr("kida.learning.train.validate", drawn(3.0 * 0.999**k for k in range(20)))
    result = trained(aggregate, tmp_path, config)
    assert len(result.history) == 20
    assert {entry["learning_rate"] for entry in result.history} == {1e-3}


def test_a_slow_but_steady_fall_goes_on(aggregate, tmp_path, monkeypatch):
    # What the epochs win adds up, within the patience, to more than noise.
    config = replace(QUICK, **STEPS | {"patience": 3, "epochs": 12})
    monkeypatch.setattr("kida.learning.train.validate", drawn(3.0 * 0.997**k for k in range(12)))
    result = trained(aggregate, tmp_path, config)
    assert len(result.history) == 12


def test_a_training_that_stops_early_resumes_to_the_bit(aggregate, tmp_path):
    config = replace(QUICK, learning_rate=0.5, **STEPS)
    whole = trained(aggregate, tmp_path, config, name="whole")
    last = len(whole.history)
    for stop in (last - 3, last - 1):
        name = f"parts{stop}"
        trained(aggregate, tmp_path, config, epochs=stop, name=name)
        resumed = trained(aggregate, tmp_path, config, name=name)
        assert len(resumed.history) == last
        assert_same_weights(whole.weights, resumed.weights)
    # Killed after its last epoch: no further one is begun.
    again = trained(aggregate, tmp_path, config, name="whole")
    assert again.history == whole.history
    assert_same_weights(whole.weights, again.weights)


def test_seconds_per_sample_are_measured(aggregate):
    found = seconds_per_sample(aggregate, QUICK, threads=1)
    assert 0 < found < 60


def test_reports_are_plain_data(aggregate, tmp_path):
    events = []
    trained(aggregate, tmp_path, epochs=1, report=events.append)
    assert isinstance(events[-1], Epoch)
    json.dumps(plain(events))
    assert math.isfinite(events[-1].loss)


@pytest.mark.parametrize("name", ["abacus", "meta", ""])
def test_a_device_that_cannot_compute_is_refused(name):
    with pytest.raises(UserError, match=f"cannot use the device '{name}'"):
        choose_device(name)
