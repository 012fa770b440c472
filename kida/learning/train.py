"""Training of one generation: samples in, weights out.

Plain torch: batches are filled by edges, the loss is taken over each node's candidates
(``losses``), AdamW steps, the learning rate falls on plateaus of the validation loss, and the best
epoch is kept. Every random choice follows from the seed and the epoch's number, and a checkpoint is
left after every epoch, so that an interrupted training continues to the same bits (on a CPU, with
the same number of threads). A new option is a field of ``config.TrainingConfig``.
"""

import itertools
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from msgspec import Meta
from msgspec.structs import replace
from numpy.typing import NDArray
from torch import Tensor

from kida.boundary import Natural, convert
from kida.errors import UserError
from kida.learning.checkpoint import damaged, read_checkpoint, write_checkpoint
from kida.learning.config import TrainingConfig
from kida.learning.events import Epoch, Listener, Step, Stopped, log_event
from kida.learning.losses import LOSSES, Batch, batches, teacher_loss
from kida.learning.records import EpochMetrics
from kida.learning.samples import Aggregate
from kida.learning.validation import Validation, validate
from kida.network.architecture import Weights
from kida.network.gnn import Network

# What the learning rate is multiplied by on a plateau of the validation loss.
_PLATEAU_FACTOR = 0.3
# By what share the validation loss must fall to be clearly better: about two standard errors of the
# difference between two trainings on 150 samples, see docs/method.md. Without a least share, epochs
# that differ by noise alone keep a training going to its last.
_CLEARLY = 0.01
# Steps that count as an epoch, at least, while a better loss is waited for: an epoch of few samples
# has fewer, and wins as little.
_LEAST_STEPS = 10
# Seconds between the reports within an epoch.
_REPORT_INTERVAL = 1.0
# Steps of a training at least, however little time there is.
_FIRST_STEPS = 20
# Weights that a checkpoint holds: those in training, the best epoch's, and their average.
_KEPT = ("network", "best", "average")


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training leaves.

    Attributes
    ----------
    weights
        Those of the best epoch.
    last
        Those of the last one.
    history
        One entry of metrics per epoch.
    """

    weights: Weights
    last: Weights
    history: list[dict[str, Any]]


def choose_device(name: str) -> torch.device:
    """Return the device that the configuration names.

    Raises
    ------
    UserError
        If there is none of that name, or it cannot compute.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.ones(1, device=name).sum().item()
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
    network = Network(config.architecture)
    if weights is not None:
        network.load_weights(weights)
    order = np.random.default_rng([seed, 1]).permutation(len(samples))
    drawn = (samples[int(number)] for number in order)
    chosen = batches(drawn, config.edges_per_batch, whole=True)
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
    teacher: Network | None = None,
    report: Listener = log_event,
    enough: Callable[[], bool] = lambda: False,
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
        Of the order of samples.
    checkpoint
        A file written after every epoch; if it is there, training continues from it.
    teacher
        The network of ``config.teacher``.
    report
        Called after every epoch with its metrics, and every few seconds with the samples done.
    enough
        Asked after every step but the first few whether it was the last one.

    Raises
    ------
    UserError
        If the loss becomes infinite or NaN.
    """
    trainer = _Trainer(network, config, seed, teacher, report)
    if checkpoint.exists():
        trainer.restore(checkpoint)
    state = trainer.state
    while state.epoch < config.epochs and not trainer.stalled:
        metrics = trainer.epoch(training, enough)
        measured = trainer.validation(validation)
        entry = trainer.keep(metrics, measured)
        trainer.save(checkpoint)
        report(Epoch(**entry))
        if enough():
            break
    if state.epoch < config.epochs and trainer.stalled:
        report(Stopped(epoch=state.epoch, of=config.epochs))
    last = trainer.last()
    network.load_state_dict(trainer.best)
    return TrainingResult(network.weights(), last, state.history)


def seconds_per_sample(samples: Aggregate, config: TrainingConfig, threads: int) -> float:
    """Return how long training takes per sample, by a few steps on ``samples``, at least one.

    On a CPU it is counted as if no other process were busy, since episodes may be.
    """
    torch.set_num_threads(threads)
    device = choose_device(config.device)
    network = initial_network(samples, replace(config, prenorm_batches=1), seed=0)
    trainer = _Trainer(network, config, 0, None, lambda event: None)
    every = (samples[number] for number in range(len(samples)))
    found = [b.to(device) for b in itertools.islice(batches(every, config.edges_per_batch), 3)]
    # What other processes take from this thread is not counted, nor that it waits for the others.
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    trainer.step(found[0], 0)  # the first one reserves memory
    started = clock()
    for number, batch in enumerate(found):
        trainer.step(batch, number)
    return max(clock() - started, 1e-6) / sum(map(len, found))


@dataclass
class _State:
    """What a training needs to continue, besides tensors."""

    epoch: Natural = 0
    learning_rate: Annotated[float, Meta(ge=0.0, le=1e9)] = 0.0
    best_loss: float = math.inf
    #: The loss when it was last clearly better, at which step, and the epochs since then.
    clear_loss: float = math.inf
    clear_step: Natural = 0
    since_clear: Natural = 0
    #: Whether the learning rate has fallen since then.
    fallen: bool = False
    step: Natural = 0
    history: list[dict[str, Any]] = field(default_factory=list)


class _Trainer:
    """A training under way: see :func:`train_generation`."""

    def __init__(
        self,
        network: Network,
        config: TrainingConfig,
        seed: int,
        teacher: Network | None,
        report: Listener,
    ) -> None:
        self._device = choose_device(config.device)
        self._network = network.to(self._device)
        self._teacher = None if teacher is None else teacher.to(self._device).eval()
        self._config = config
        self._seed = seed
        self._report = report
        self._optimizer = torch.optim.AdamW(
            network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self.state = _State(learning_rate=config.learning_rate)
        self.best = _copy(network)
        self._average = _copy(network)

    def epoch(self, samples: Aggregate, enough: Callable[[], bool]) -> dict[str, float]:
        """Go through one epoch's draw of ``samples``, or a part; return its metrics."""
        state = self.state
        for group in self._optimizer.param_groups:
            group["lr"] = state.learning_rate
        started = last_report = time.perf_counter()
        self._network.train()
        order = _draw(len(samples), state.epoch, self._config.draws_per_epoch, self._seed)
        drawn = (samples[int(number)] for number in order)
        total, done = 0.0, 0
        for number, batch in enumerate(batches(drawn, self._config.edges_per_batch)):
            total += self.step(batch.to(self._device), number) * len(batch)
            done += len(batch)
            # An epoch of large graphs takes many minutes.
            if number >= _FIRST_STEPS and enough():
                break
            now = time.perf_counter()
            if now - last_report > _REPORT_INTERVAL:
                last_report = now
                self._report(
                    Step(
                        epoch=state.epoch + 1,
                        samples=done,
                        of=len(order),
                        samples_per_second=done / (now - started),
                        loss=total / done,
                    )
                )
        seconds = time.perf_counter() - started
        return {"loss": total / done, "samples_per_second": done / seconds}

    def step(self, batch: Batch, number: int) -> float:
        """Take one step of the optimizer; return the mean loss of the batch's samples."""
        config = self._config
        logits = batch.padded(self._network(batch.graphs))
        losses = LOSSES[config.loss](logits, batch, config)
        if self._teacher is not None:
            losses = losses + config.teacher_weight * teacher_loss(logits, batch, self._teacher)
        loss = losses.mean()
        value = loss.item()
        if not math.isfinite(value):
            raise UserError(
                f"the training loss is {value} in epoch {self.state.epoch + 1}, batch {number + 1}:"
                " begin a new run with a lower training.learning_rate; the finished generations"
                " of this one are kept"
            )
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self.state.step += 1
        if config.average_decay:
            _follow(self._average, self._network, config.average_decay, self.state.step)
        return value

    def validation(self, samples: Aggregate) -> Validation:
        """Measure what an epoch left: the average of the weights, if one is kept."""
        current = _copy(self._network)
        self._network.load_state_dict(self._outcome())
        every = (samples[number] for number in range(len(samples)))
        measured = validate(self._network, every, self._config)
        self._network.load_state_dict(current)
        return measured

    def keep(self, metrics: dict[str, float], measured: Validation) -> dict[str, Any]:
        """Count the epoch, keep its weights if they are the best; return its entry of metrics.

        Raises
        ------
        UserError
            If the loss is infinite or NaN: no epoch would ever be the best.
        """
        state, config = self.state, self._config
        if not math.isfinite(measured.loss):
            raise UserError(
                f"the validation loss is {measured.loss} in epoch {state.epoch + 1}: begin a new"
                " run with a lower training.learning_rate, or look for values that are not finite"
                " in the samples; the finished generations of this one are kept"
            )
        state.epoch += 1
        entry = {
            "epoch": state.epoch,
            "learning_rate": state.learning_rate,
            **metrics,
            **{f"validation_{name}": number for name, number in asdict(measured).items()},
        }
        state.history.append(entry)
        if measured.loss < state.best_loss:
            state.best_loss = measured.loss
            self.best = {name: tensor.clone() for name, tensor in self._outcome().items()}
        state.since_clear += 1
        if measured.loss < (1 - _CLEARLY) * state.clear_loss:
            state.clear_loss, state.clear_step = measured.loss, state.step
            state.since_clear, state.fallen = 0, False
        elif self._stood_still(config.patience) and not state.fallen:
            state.learning_rate *= _PLATEAU_FACTOR
            state.fallen = True
        return entry

    @property
    def stalled(self) -> bool:
        """Whether the loss has stood still, and a lower learning rate has changed nothing."""
        return self._stood_still(2 * self._config.patience)

    def _stood_still(self, epochs: int) -> bool:
        """Return whether so many epochs of enough steps have brought nothing clear."""
        state = self.state
        steps = state.step - state.clear_step
        return state.since_clear >= epochs and steps >= epochs * _LEAST_STEPS

    def last(self) -> Weights:
        """Return what the last epoch left: the average of the weights, if one is kept."""
        self._network.load_state_dict(self._outcome())
        return self._network.weights()

    def _outcome(self) -> dict[str, Tensor]:
        """Return the weights that the epochs so far are worth."""
        return self._average if self._config.average_decay else _copy(self._network)

    def save(self, path: Path) -> None:
        """Write the checkpoint."""
        weights = (_copy(self._network), self.best, self._average)
        kept = dict(zip(_KEPT, weights, strict=True))
        write_checkpoint(path, asdict(self.state), kept, self._optimizer)

    def restore(self, path: Path) -> None:
        """Go on from the checkpoint."""
        content, kept = read_checkpoint(path, self._device, self._optimizer)
        try:
            state = convert(content, _State, "its state")
            convert(state.history, list[EpochMetrics], "its history")
        except UserError as error:
            raise damaged(path, str(error)) from error
        shapes = _shapes(self._network.state_dict())
        for kind in _KEPT:
            if _shapes(kept.get(kind, {})) != shapes:
                raise damaged(path, f"its {kind} weights are not of this network")
        self._network.load_state_dict(kept["network"])
        self.best, self._average = kept["best"], kept["average"]
        self.state = state


def _draw(count: int, epoch: int, draws_per_epoch: int, seed: int) -> NDArray[np.int64]:
    """Return the epoch's samples: a stretch of one endless sequence of random permutations."""
    length = min(count, draws_per_epoch)
    start = epoch * length
    rounds = range(start // count, (start + length - 1) // count + 1)
    sequence = [np.random.default_rng([seed, number]).permutation(count) for number in rounds]
    first = start - rounds[0] * count
    return np.concatenate(sequence)[first : first + length]


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in weights.items()}


def _copy(network: Network) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


@torch.no_grad()
def _follow(average: dict[str, Tensor], network: Network, decay: float, step: int) -> None:
    # The first steps count more, or the average would remember the initial weights for long.
    decay = min(decay, step / (step + 9))
    for name, tensor in network.state_dict().items():
        average[name].lerp_(tensor, 1 - decay)
