"""What an ablation costs, part by part, before it is begun.

Rough: from how fast a machine was once, not from what is on disk already.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kida.learning.ablation import Candidate
from kida.learning.search import seconds_of


@dataclass(frozen=True)
class Pace:
    """How fast a machine is, for :func:`estimate`; seconds are those of one process.

    Attributes
    ----------
    first_episode, episode
        Seconds per episode of the first and of a later generation, at most the time limit.
    samples
        Informative samples per episode.
    training
        Samples per second in training at embedding size 32; taken as inverse to the size.
    start
        Seconds that a solve takes on top of its time limit: starting, and the root node.
    """

    first_episode: float
    episode: float
    samples: float
    training: float
    start: float


@dataclass(frozen=True)
class Part:
    """A part of the work, what it consists of, and the seconds that it is expected to take."""

    name: str
    work: str
    seconds: float


def estimate(candidates: Sequence[Candidate], pace: Pace, jobs: int) -> list[Part]:
    """Return what making the policies from nothing costs; the first candidate is the base."""
    base, done, parts = candidates[0], set[Path](), list[Part]()
    for candidate in candidates:
        if candidate.policy in done:
            continue
        done.add(candidate.policy)
        if candidate.run not in done:
            done.add(candidate.run)
            shared = candidate.shared if candidate.run != base.run else 0
            # What other candidates of the same run make further is counted here.
            last = max(max(c.variant.merged) for c in candidates if c.run == candidate.run)
            parts += _run_parts(candidate, last, shared, pace, jobs)
        if candidate.variant.greedy:
            options = candidate.config.inheritance
            solves = (2 * len(candidate.variant.merged) - 1) * options.instances
            seconds = solves * (options.time_limit + pace.start) / jobs
            work = f"{solves} solves of {options.time_limit:g} s"
            parts.append(Part(f"{candidate.variant.name}: rewards", work, seconds))
    return parts


def _run_parts(candidate: Candidate, last: int, shared: int, pace: Pace, jobs: int) -> list[Part]:
    """Return what the generations of one run up to ``last`` cost."""
    config, name = candidate.config, candidate.run.name
    collection, training, search = config.collection, config.training, config.search
    episodes = collection.episodes + collection.validation_episodes
    played, drawn, solves = 0, 0.0, 0
    collecting = training_seconds = searching = 0.0
    for number in range(1, last + 1):
        if number in search.generations:
            each = search.population * search.instances
            limits = [seconds_of(search, k) for k in range(search.iterations)]
            limits = [limit for limit in limits for _ in range(each)]
            limits += [search.last_seconds] * 2 * search.comparison
            solves += len(limits)
            searching += sum(limit + pace.start for limit in limits) / jobs
            continue
        if number > shared:
            expected = pace.first_episode if number == 1 else pace.episode
            # Strong branching over all candidates takes as long as it may.
            slow = collection.candidates == "unfixed"
            limit = collection.time_limit
            played += episodes
            collecting += episodes * (limit if slow else min(limit, expected)) / jobs
        samples = min(pace.samples * collection.episodes * number, training.draws_per_epoch)
        drawn += training.epochs * samples
    training_seconds = drawn / pace.training * training.embedding_size / 32
    parts = [
        Part(f"{name}: episodes", f"{played} episodes", collecting),
        Part(f"{name}: training", f"{drawn:,.0f} samples drawn", training_seconds),
        Part(f"{name}: search", f"{solves} short solves", searching),
    ]
    return [part for part in parts if part.seconds > 0]


def measuring(policies: int, draws: int, seconds: float, pace: Pace, jobs: int) -> Part:
    """Return what comparing the policies on so many draws costs."""
    rounds = math.ceil(policies * draws / jobs)
    work = f"{policies} policies, {draws} draws of {seconds:g} s"
    return Part("comparison", work, rounds * (seconds + pace.start))
