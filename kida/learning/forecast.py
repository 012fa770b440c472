"""How long a run will still take, about: from its configuration and from the events of its log.

A :class:`Forecast` is a listener. Before anything is measured it knows what the limits add up to
(:meth:`Forecast.at_most`); from the first episodes on it has an estimate (:meth:`Forecast.left`),
which every further event mends: seconds per episode are those of the generation under way or the
last one, and so are seconds per trained sample and the number of epochs. Before the first training
a few steps on the first samples are timed for that.
"""

import time
from dataclasses import dataclass
from pathlib import Path

from kida.learning.config import InheritanceConfig, RunConfig
from kida.learning.events import (
    Collecting,
    EpisodeEnded,
    Epoch,
    Event,
    GenerationMade,
    ProofSolve,
    Proving,
    RunFinished,
    Solve,
    Step,
    Training,
    VerdictReached,
)
from kida.learning.proof import PROBE_SECONDS, PROBES, TOTAL_SECONDS
from kida.learning.run import read_log
from kida.learning.samples import Aggregate

#: Episodes of a generation after which there is an estimate, and more if there are more jobs.
FIRST_EPISODES = 6
# What a process needs beside its solve, to start and to load what it needs.
_START_SECONDS = 2.0


@dataclass(frozen=True)
class Left:
    """Wall-clock seconds that are left, by what they are for."""

    episodes: float
    training: float
    selection: float
    verdict: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.episodes + self.training + self.selection + self.verdict


class Forecast:
    """How long a run will take; give it every event with :meth:`see`.

    Parameters
    ----------
    folder
        The run's, new or to go on with: what its log holds counts.
    config
        The run's.
    jobs, threads
        Solves at a time, and torch's threads.
    verdict
        Whether there will be one.
    """

    def __init__(
        self, folder: Path, config: RunConfig, jobs: int, threads: int, verdict: bool = True
    ) -> None:
        self._folder, self._config, self._jobs, self._threads = folder, config, jobs, threads
        self._verdict = TOTAL_SECONDS + PROBES * PROBE_SECONDS / jobs if verdict else 0.0
        options = config.inheritance
        self._solves = solves_to_select(options, config.generations)
        self._solve_seconds = (options.time_limit + _START_SECONDS) / jobs
        collection = config.collection
        self._planned = collection.episodes + collection.validation_episodes
        self._share = collection.episodes / self._planned
        #: The generation under way, counted from 1; behind the last one, all are made.
        self._generation = 1
        self._waiting = self._planned
        self._since = self._episode_seconds = self._sample_seconds = 0.0
        self._done = self._samples_seen = self._episodes_seen = 0
        self._samples: int | None = None
        # Of the generation in training: epochs done, with the part of the one under way.
        # The small model that steers SCIP's own branching takes seconds.
        self._trains = config.kind == "network"
        self._epoch = 0.0
        self._epochs = float(config.training.epochs) if self._trains else 0.0
        self._replaying = True
        for line in read_log(folder):
            if line.event is not None:
                self.see(line.event, line.time)
        self._replaying = False

    def at_most(self) -> Left:
        """Return what the limits add up to: of training, which has none, nothing."""
        episode = (self._config.collection.time_limit + _START_SECONDS) / self._jobs
        episodes = self._config.generations * self._planned * episode
        return Left(episodes, 0.0, self._solves * self._solve_seconds, self._verdict)

    def left(self) -> Left | None:
        """Return what is left, None while nothing has been measured."""
        later = max(0, self._config.generations - self._generation)
        made = self._generation > self._config.generations
        timed = self._episode_seconds and (self._sample_seconds or not self._trains)
        if not made and not timed:
            return None
        episodes = 0 if made else self._waiting + later * self._planned
        numbers = range(self._generation, self._config.generations + 1)
        drawn = sum(
            self._drawn(number)
            * (self._epochs - self._epoch if number == self._generation else self._epochs)
            for number in numbers
        )
        return Left(
            episodes * self._episode_seconds,
            max(0, drawn) * self._sample_seconds,
            self._solves * self._solve_seconds,
            self._verdict,
        )

    def _drawn(self, number: int) -> float:
        """Return how many samples an epoch of generation ``number`` has."""
        if self._samples is not None and number == self._generation:
            found = float(self._samples)
        else:
            each = self._samples_seen / max(self._episodes_seen, 1) * self._planned
            found = each * self._share * number
        return min(found, self._config.training.draws_per_epoch)

    def see(self, event: Event, now: float | None = None) -> None:
        """Take notice of an event, which was at ``now`` (s since 1970) if not just now."""
        now = time.time() if now is None else now
        match event:
            case Collecting(generation=generation, waiting=waiting):
                self._generation, self._waiting = generation, waiting
                self._since, self._done, self._epoch, self._samples = now, 0, 0.0, None
            case EpisodeEnded():
                self._see_episode(event, now)
            case Training(generation=generation, samples=samples):
                self._generation, self._waiting = generation, 0
                self._since, self._samples, self._epoch = now, samples, 0.0
            case Step(epoch=epoch, samples=samples, of=of):
                self._epoch = epoch - 1 + samples / max(of, 1)
                self._sample_seconds = self._sample_seconds or 1 / event.samples_per_second
            case Epoch(epoch=epoch):
                # With validation and all.
                if self._samples:
                    self._sample_seconds = (now - self._since) / self._drawn(self._generation)
                self._since, self._epoch = now, float(epoch)
            case GenerationMade(generation=generation, epochs=epochs):
                self._generation, self._waiting = generation + 1, self._planned
                # One that is made otherwise has none.
                self._epochs = float(epochs or self._epochs)
                self._epoch, self._samples = 0.0, None
            case Solve():
                self._solves = max(0, self._solves - 1)
            case RunFinished():
                self._generation, self._solves = self._config.generations + 1, 0
            case Proving() | ProofSolve() | VerdictReached():
                self._see_proof(event, now)

    def _see_episode(self, ended: EpisodeEnded, now: float) -> None:
        self._done, self._waiting = ended.done, ended.of - ended.done
        self._episodes_seen += 1
        self._samples_seen += ended.samples
        if self._done < max(FIRST_EPISODES, 2 * self._jobs):
            return
        # Half of what is being played now has been played.
        self._episode_seconds = (now - self._since) / (self._done + self._jobs / 2)
        if self._trains and not self._sample_seconds and not self._replaying:
            self._sample_seconds = self._timed(ended.generation)

    def _timed(self, number: int) -> float:
        """Return the seconds per sample of a few steps on what there is of a generation."""
        from kida.learning.train import seconds_per_sample

        episodes = self._folder / f"gen_{number:02d}" / "episodes"
        samples = Aggregate(sorted(episodes.glob("train_*.safetensors")))
        if not len(samples):
            return 0.0
        return seconds_per_sample(samples, self._config.training, self._threads)

    def _see_proof(self, event: Proving | ProofSolve | VerdictReached, now: float) -> None:
        match event:
            case Proving(solves=solves, expected=expected):
                self._verdict = solves * (expected + _START_SECONDS) / self._jobs
            case ProofSolve(kind="results", done=0):
                self._since = now
            case ProofSolve(kind="results", done=done, of=of) if done >= self._jobs:
                self._verdict = (now - self._since) / done * (of - done)
            case VerdictReached():
                self._verdict = 0.0


def solves_to_select(options: InheritanceConfig, generations: int) -> int:
    """Return how many solves a run's selection takes at most, see ``selection``."""
    compared = generations if options.method != "last" and generations > 1 else 0
    if compared:
        compared += generations if options.method == "greedy" else 1
    experts = sum(len(options.expert_candidates) if d >= 0 else 1 for d in options.expert_depths)
    return options.instances * (compared + (experts if experts > 1 else 0))
