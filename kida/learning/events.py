"""What a run tells while it goes on: one type per kind of event.

Whoever wants to know passes a :data:`Listener`, and looks at what it is given by its type::

    def listen(event: Event) -> None:
        match event:
            case Epoch(generation=generation, validation_loss=loss):
                print(generation, loss)
            case Warned(text=text):
                print(text)

    train(folder, config, listener=listen)

The default one, :func:`log_event`, hands all to Python's ``logging``. Events, but for ticks, are
also lines of the run's ``log.jsonl``, where the tag of the type is the field ``event``; a new kind
is a class here, or in a room above that has kinds of its own. Losses are as the configuration's
loss has them, times in seconds, generations and epochs counted from 1.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from kida.boundary import Count, Natural, Positive, Seconds
from kida.learning.records import EpisodeRecord

_log = logging.getLogger("kida.learning")


class Event(Struct, frozen=True, kw_only=True, tag_field="event"):
    """Something that has happened in a run."""


class Tick(Event, frozen=True, kw_only=True):
    """How far a step is, and no more: told, but not written to a run's log."""


Listener = Callable[[Event], None]


def log_event(event: Event) -> None:
    """Hand an event to the logger ``kida.learning``, as a warning, information or debugging."""
    level = logging.INFO
    if isinstance(event, Tick):
        level = logging.DEBUG
    elif isinstance(event, Warned):
        level = logging.WARNING
    _log.log(level, "%s", getattr(event, "text", event))


class Started(Event, frozen=True, kw_only=True, tag="started"):
    """A run begins, or goes on, with so many jobs at a time."""

    jobs: Count


class Warned(Event, frozen=True, kw_only=True, tag="warning"):
    """Something is not as it should be; the run goes on."""

    text: str


class Surveying(Event, frozen=True, kw_only=True, tag="survey"):
    """So many files are looked at: which are of use."""

    files: Natural


class FilesDivided(Event, frozen=True, kw_only=True, tag="instances"):
    """How many files are there to train on, to select by, and kept for tests."""

    train: Natural
    valid: Natural
    test: Natural


class Collecting(Event, frozen=True, kw_only=True, tag="collecting"):
    """A generation's episodes are played.

    Attributes
    ----------
    episodes, waiting
        Of the generation, and those of them that have not been played yet.
    acting
        Who branches at unrecorded nodes, in turns.
    """

    generation: Natural
    episodes: Natural
    waiting: Natural
    acting: tuple[str, ...]


class EpisodeEnded(
    EpisodeRecord, Event, frozen=True, kw_only=True, tag="episode", forbid_unknown_fields=False
):
    """An episode has been played; what came of it is its record's.

    Attributes
    ----------
    generation
        Whose episode it is.
    done, of
        Episodes that have ended since the collecting began or went on, and that will have.
    samples_per_second
        Of all these episodes.
    """

    generation: Natural
    done: Natural
    of: Natural
    samples_per_second: float


class CutShort(Event, frozen=True, kw_only=True, tag="cut_short"):
    """The collecting has ended early, with so many samples to train on: its time was over."""

    generation: Natural
    samples: Natural


class Training(Event, frozen=True, kw_only=True, tag="training"):
    """A network is trained.

    Attributes
    ----------
    samples, validation_samples
        To train on, and to validate on: of this and all earlier generations.
    uninformative
        Those left out, because all their candidates have one score.
    """

    generation: Natural
    samples: Natural
    validation_samples: Natural
    uninformative: Natural


class Step(Tick, frozen=True, kw_only=True, tag="step"):
    """How far an epoch is: ``samples`` of so many, their mean loss so far."""

    generation: Natural = 0
    epoch: Count
    samples: Natural
    of: Natural
    samples_per_second: Positive
    loss: float


class Epoch(Event, frozen=True, kw_only=True, tag="epoch"):
    """An epoch is over.

    Attributes
    ----------
    loss, validation_loss
        Mean over the epoch's training samples, and over the validation samples after it.
    validation_top1, validation_top5
        Shares of the validation samples in which the expert's choice is the network's first, or
        among its first five.
    validation_score_ratio
        The expert's score of the network's choice as a share of its best score, on average.
    """

    generation: Natural = 0
    epoch: Count
    learning_rate: float
    loss: float
    samples_per_second: float
    validation_loss: float
    validation_top1: float
    validation_top5: float
    validation_score_ratio: float


class Stopped(Event, frozen=True, kw_only=True, tag="stopped"):
    """The training has ended after this epoch, of more: the validation loss stood still."""

    generation: Natural = 0
    epoch: Count
    of: Count


class GenerationMade(Event, frozen=True, kw_only=True, tag="generation"):
    """A generation has its policy.

    Attributes
    ----------
    epochs
        Epochs of its training; 0 if it was made otherwise.
    validation_loss, validation_top1
        Those of the best epoch; None if it was made otherwise.
    """

    generation: Natural
    epochs: Natural = 0
    validation_loss: float | None = None
    validation_top1: float | None = None


class Kept(Event, frozen=True, kw_only=True, tag="kept"):
    """How often the best candidate is on a shortlist, by the length of the list."""

    by_model: Mapping[int, float]
    by_pseudocosts: Mapping[int, float]

    @property
    def sentences(self) -> list[str]:
        """The same for people, a sentence for each length."""
        return [
            f"the best candidate is on a list of {length}: {share:.1%} of the model's, "
            f"{self.by_pseudocosts[length]:.1%} of those by pseudocosts"
            for length, share in self.by_model.items()
        ]


class Selecting(Event, frozen=True, kw_only=True, tag="selecting"):
    """The policies of all generations are compared in the solver, and merged."""


class Solve(Tick, frozen=True, kw_only=True, tag="solve"):
    """How many solves of a comparison are done, of how many."""

    done: Natural
    of: Natural


class Rewarded(Event, frozen=True, kw_only=True, tag="reward"):
    """A policy has been measured in the solver.

    Attributes
    ----------
    reward, bound
        The mean dual bound over time: mirrored to minimisation, and in the user's objective. Of
        files, whose objectives are of any scale, the mean share of the best policy's rise above the
        root's bound, and None.
    """

    policy: str
    reward: float
    bound: float | None


class Barrier(Event, frozen=True, kw_only=True, tag="barrier"):
    """By how much the loss halfway between two merged generations is above their mean."""

    first: Natural
    second: Natural
    barrier: float


class RunFinished(Event, frozen=True, kw_only=True, tag="finished"):
    """The run's policy is in this folder."""

    policy: str


class Probing(Event, frozen=True, kw_only=True, tag="probing"):
    """SCIP's default solves some training instances, to see what a verdict can compare."""

    instances: Natural
    seconds: Seconds


class Proving(Event, frozen=True, kw_only=True, tag="proving"):
    """The policy is compared with SCIP's default on instances that the run has not seen.

    Attributes
    ----------
    settings, time_limit
        Under which both solve.
    instances
        Indices within the test split.
    seeds, solves
        Of each instance, and in all.
    expected
        Seconds that a solve will take on average, as far as is known.
    detectable
        The ratio that so many pairs prove as a rule; None if that is not known.
    """

    settings: str
    time_limit: Seconds
    instances: tuple[Natural, ...]
    seeds: Count
    solves: Natural
    expected: Seconds
    detectable: float | None = None


class ProofSolve(Tick, frozen=True, kw_only=True, tag="proof"):
    """How many solves of a verdict are done, of how many; ``kind``: ``results`` or ``probes``."""

    kind: str
    done: Natural
    of: Natural


class VerdictReached(Event, frozen=True, kw_only=True, tag="verdict"):
    """The verdict, in short and as a sentence; see :class:`kida.evaluation.verdict.Verdict`."""

    goal: str
    ratio: float
    interval: tuple[float, float]
    proven: bool
    text: str


def kinds() -> dict[Any, type[Event]]:
    """Return tag to type of all events that a run's log may hold."""
    return {kind.__struct_config__.tag: kind for kind in Event.__subclasses__()}
