"""Training of one generation: samples in, weights out.

Plain torch: batches are filled by edges, the loss is taken over each node's candidates
(``losses``), AdamW steps, the learning rate falls on plateaus of the validation loss, and the best
epoch is kept. Every random choice follows from the seed and the epoch's number, and a checkpoint is
left after every epoch, so that an interrupted training continues to the same bits (on a CPU, with
the same number of threads). A new option is a field of ``config.TrainingConfig``.
"""

import json
import math
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from kida.errors import UserError
from kida.files import atomic_path
from kida.learning.config import TrainingConfig
from kida.learning.losses import LOSSES, batches, teacher_loss
from kida.learning.samples import Aggregate
from kida.network.architecture import Weights
from kida.network.gnn import Network
from kida.sample import Sample


@dataclass(frozen=True)
class Validation:
    """How a network does on samples; every number is a mean over them.

    Attributes
    ----------
    loss
        The training loss, without sample weights.
    top1, top5
        Share of samples with a best candidate as the first, or among the first five.
    score_ratio
        Strong-branching score of the network's choice / best score; unevaluated counts as 0.
    """

    loss: float
    top1: float
    top5: float
    score_ratio: float


@torch.no_grad()
def validate(network: Network, samples: Iterable[Sample], config: TrainingConfig) -> Validation:
    """Measure ``network`` on ``samples``."""
    network.eval()
    device = next(network.parameters()).device
    sums, count = np.zeros(4), 0
    for batch in batches(samples, config):
        batch = batch.to(device)
        logits = batch.padded(network(batch.graphs))
        first = logits.argsort(dim=1, descending=True, stable=True)[:, :5]
        scores = batch.scores.nan_to_num(0)
        best = scores.amax(1)
        ratio = scores.gather(1, first[:, :1])[:, 0] / best.clamp_min(1e-300)
        hits = batch.best.gather(1, first)
        sums += [
            float(LOSSES[config.loss](logits, batch, config).double().sum()),
            float(hits[:, 0].sum()),
            float(hits.any(1).sum()),
            float(ratio.clamp(0, 1).sum()),
        ]
        count += len(scores)
    return Validation(*(sums / max(count, 1)).tolist())


@dataclass
class _State:
    """What a training needs to continue, besides tensors."""

    epoch: int = 0
    learning_rate: float = 0.0
    best_loss: float = math.inf
    since_best: int = 0
    since_change: int = 0
    step: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """The weights of the best epoch, and one entry of metrics per epoch."""

    weights: Weights
    history: list[dict[str, Any]]


def choose_device(name: str) -> torch.device:
    """Return the device that the configuration names.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
    # What torch raises depends on why the device is not there.
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"torch cannot use the device {name!r}; use 'auto' or 'cpu'") from error
    return torch.device(name)


def initial_network(
    samples: Aggregate, config: TrainingConfig, seed: int, weights: Weights | None = None
) -> Network:
    """Return a network whose prenorm statistics are fitted on some of ``samples``.

    Parameters
    ----------
    samples
        At least one.
    config
        Architecture and number of batches.
    seed
        Of the parameters and of the choice of samples.
    weights
        Parameters to start from instead of random ones; their prenorm statistics are fitted anew.
    """
    torch.manual_seed(seed)
    network = Network(config.architecture, dropout=config.dropout)
    if weights is not None:
        network.load_weights(weights)
    order = np.random.default_rng([seed, 1]).permutation(len(samples))
    chosen = batches((samples[int(number)] for number in order), config, whole=True)
    network.eval()
    network.fit_prenorms(
        [batch.graphs for batch, _ in zip(chosen, range(config.prenorm_batches), strict=False)]
    )
    return network


def train_generation(
    training: Aggregate,
    validation: Aggregate,
    network: Network,
    config: TrainingConfig,
    *,
    seed: int,
    checkpoint: Path,
    sampling_weights: NDArray[np.float64] | None = None,
    teacher: Network | None = None,
    report: Callable[[dict[str, Any]], None] = lambda event: None,
) -> TrainingResult:
    """Train ``network`` until the epochs are over or the validation loss no longer falls.

    Parameters
    ----------
    training, validation
        The samples; the loss on the second decides.
    network
        Where to start; it is changed in place.
    config
        The options.
    seed
        Of the order of samples and of dropout.
    checkpoint
        A file written after every epoch; if it is there, training continues from it.
    sampling_weights
        Shape ``(len(training),)``: draw samples in proportion to them, with repetition, instead
        of going through the samples in random order.
    teacher
        The network of ``config.teacher``.
    report
        Called after every epoch with its metrics, and every few seconds with the samples done.

    Raises
    ------
    UserError
        If the loss becomes infinite or NaN.
    """
    device = choose_device(config.device)
    network.to(device)
    if teacher is not None:
        teacher.to(device).eval()
    optimizer = torch.optim.AdamW(
        network.parameters(), config.learning_rate, weight_decay=config.weight_decay
    )
    state = _State(learning_rate=config.learning_rate)
    kept = {"best": _copy(network), "average": _copy(network)}
    # What has not been drawn yet counts as an untrained network's loss on ten candidates.
    priorities = torch.full((len(training),), math.log(10), dtype=torch.float64)
    if checkpoint.exists():
        state, kept, saved = _restore(checkpoint, network, optimizer)
        if len(saved) == len(priorities):  # else a shard was lost meanwhile
            priorities = saved
    while state.epoch < config.epochs and state.since_best < config.stop_patience:
        for group in optimizer.param_groups:
            group["lr"] = state.learning_rate
        started = time.perf_counter()
        torch.manual_seed(_seed(seed, state.epoch))
        network.train()
        weights = priorities.numpy() if config.sampling == "prioritised" else sampling_weights
        order = _draw(len(training), state.epoch, config, seed, weights)
        loss_sum, done, last_report = 0.0, 0, started
        drawn = (training[int(number)] for number in order)
        for number, batch in enumerate(batches(drawn, config)):
            batch = batch.to(device)
            with _precision(config, device):
                scores = network(batch.graphs)
            logits = batch.padded(scores.float())
            losses = LOSSES[config.loss](logits, batch, config)
            if teacher is not None:
                losses = losses + config.teacher_weight * teacher_loss(logits, batch, teacher)
            loss = (losses * batch.weights).sum() / batch.weights.sum()
            value = loss.item()
            if not math.isfinite(value):
                raise UserError(
                    f"the training loss is {value} in epoch {state.epoch + 1}, batch {number + 1}:"
                    " begin a new run with a lower training.learning_rate; the finished generations"
                    " of this one are kept"
                )
            priorities[order[done : done + len(losses)]] = losses.detach().double().cpu()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            state.step += 1
            if config.average_decay:
                _follow(kept["average"], network, config.average_decay, state.step)
            loss_sum += value * len(losses)
            done += len(losses)
            now = time.perf_counter()
            if now - last_report > 1:
                last_report = now
                report(
                    {
                        "event": "step",
                        "epoch": state.epoch + 1,
                        "samples": done,
                        "of": len(order),
                        "samples_per_second": done / (now - started),
                        "loss": loss_sum / done,
                    }
                )
        seconds = time.perf_counter() - started
        current = _copy(network)
        if config.average_decay:
            network.load_state_dict(kept["average"])
        measured = validate(
            network, (validation[number] for number in range(len(validation))), config
        )
        candidate = _copy(network)
        network.load_state_dict(current)
        state.epoch += 1
        entry = {
            "epoch": state.epoch,
            "learning_rate": state.learning_rate,
            "loss": loss_sum / done,
            "samples_per_second": done / seconds,
            **{f"validation_{name}": number for name, number in asdict(measured).items()},
        }
        state.history.append(entry)
        if measured.loss < state.best_loss:
            state.best_loss, state.since_best, state.since_change = measured.loss, 0, 0
            kept["best"] = candidate
        else:
            state.since_best += 1
            state.since_change += 1
            if state.since_change >= config.patience:
                state.learning_rate *= config.plateau_factor
                state.since_change = 0
        _save(checkpoint, state, kept, priorities, network, optimizer)
        report({"event": "epoch", **entry})
    network.load_state_dict(kept["best"])
    return TrainingResult(network.weights(), state.history)


def _precision(config: TrainingConfig, device: torch.device) -> AbstractContextManager[Any]:
    if config.precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def _seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])


def _draw(
    count: int,
    epoch: int,
    config: TrainingConfig,
    seed: int,
    weights: NDArray[np.float64] | None,
) -> NDArray[np.int64]:
    """Return the epoch's samples: a stretch of one endless sequence of random permutations."""
    length = min(count, config.draws_per_epoch)
    if weights is not None:
        generator = np.random.default_rng([seed, epoch])
        return generator.choice(count, length, p=weights / weights.sum())
    start = epoch * length
    rounds = range(start // count, (start + length - 1) // count + 1)
    sequence = [np.random.default_rng([seed, number]).permutation(count) for number in rounds]
    first = start - rounds[0] * count
    return np.concatenate(sequence)[first : first + length]


def _copy(network: Network) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def _follow(average: dict[str, Tensor], network: Network, decay: float, step: int) -> None:
    # The first steps count more, or the average would remember the initial weights for long.
    decay = min(decay, step / (step + 9))
    for name, tensor in network.state_dict().items():
        average[name].lerp_(tensor, 1 - decay)


def _save(
    path: Path,
    state: _State,
    kept: dict[str, dict[str, Tensor]],
    priorities: Tensor,
    network: Network,
    optimizer: torch.optim.Optimizer,
) -> None:
    tensors = {f"network/{name}": tensor for name, tensor in _copy(network).items()}
    tensors["priorities"] = priorities
    for kind, weights in kept.items():
        tensors |= {f"{kind}/{name}": tensor.clone() for name, tensor in weights.items()}
    for number, parameter in enumerate(network.parameters()):
        for name, tensor in optimizer.state[parameter].items():
            tensors[f"optimizer/{number}/{name}"] = tensor
    # JSON has no infinity: no best loss yet is written as null.
    content = asdict(state) | {
        "best_loss": state.best_loss if math.isfinite(state.best_loss) else None
    }
    with atomic_path(path) as temporary:
        # Not `save_file`, to which a full disk is no OSError.
        temporary.write_bytes(
            safetensors.torch.save(tensors, metadata={"state": json.dumps(content)})
        )


def _restore(
    path: Path, network: Network, optimizer: torch.optim.Optimizer
) -> tuple[_State, dict[str, dict[str, Tensor]], Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            content = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(
            f"the checkpoint {path} is damaged ({error}): remove it, and this generation's "
            "training begins again"
        ) from error

    def part(prefix: str) -> dict[str, Tensor]:
        device = next(network.parameters()).device
        return {
            name.removeprefix(prefix): tensor.to(device)
            for name, tensor in tensors.items()
            if name.startswith(prefix)
        }

    network.load_state_dict(part("network/"))
    parameters = list(network.parameters())
    optimizer.load_state_dict(
        {
            "state": {number: part(f"optimizer/{number}/") for number in range(len(parameters))},
            "param_groups": optimizer.state_dict()["param_groups"],
        }
    )
    if content["best_loss"] is None:
        content["best_loss"] = math.inf
    kept = {kind: part(f"{kind}/") for kind in ("best", "average")}
    return _State(**content), kept, tensors["priorities"]
