"""Playing a generation's episodes on many processes or machines, whatever happens to some of them.

What an episode is belongs in ``collect``; which ones are played, in ``plan``.
"""

import dataclasses
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from kida.boundary import write_json
from kida.errors import UserError
from kida.files import atomic_path
from kida.jobs.executor import Workers
from kida.learning.collect import Episode, EpisodeRecord, play
from kida.learning.config import first_difference
from kida.learning.plan import Draw, Plan
from kida.learning.run import Run, read_run, sample_count
from kida.learning.samples import bad_file


def collect_generation(
    run: Run, plan: Plan, number: int, *, jobs: int = 1, scheduler: str | None = None
) -> None:
    """Play the episodes of generation ``number`` that are not on disk yet.

    An episode that fails, or whose worker dies, is played once more, alone; if it fails again,
    that is written down beside the shards and the run goes on without it.

    Raises
    ------
    UserError
        If none of the generation's training episodes gave a sample, or an instance is unusable.
    """
    collection = run.config.collection
    turns = collection.first_acting if number == 1 else collection.acting
    if number == 1:
        collection = replace(collection, expert_candidates=collection.first_expert_candidates)
    folder = run.generation(number) / "episodes"
    waiting: list[Episode] = []
    total = 0
    for kind in ("train", "valid"):
        for position, draw in enumerate(plan.episodes(kind, number)):
            total += 1
            path = _shard_file(folder, kind, draw)
            # The two cycles are nested, so that everybody acts at every thinning.
            lap, place = divmod(position, len(collection.thinning))
            acting = turns[lap % len(turns)]
            policy = str(run.successor(number - 1)) if acting == "network" else None
            if not (path.exists() or _failure_file(path).exists()):
                waiting.append(
                    Episode(
                        instance=draw.instance,
                        seed=draw.seed,
                        acting=acting,
                        policy=policy,
                        options=collection,
                        thinning=collection.thinning[place],
                        path=path,
                    )
                )
    run.log("collecting", generation=number, episodes=total, waiting=len(waiting), acting=turns)
    tally = _Tally(run, number, len(waiting))
    with Workers(jobs, scheduler) as workers:
        failed = workers.run(
            play, [(episode,) for episode in waiting], lambda _, record: tally.finished(record)
        )
    for position, error in failed.items():
        tally.give_up(waiting[position], error)
    if not any(sample_count(path) for path in folder.glob("train_*.safetensors")):
        raise UserError(
            f"generation {number} gave no training samples: {run.config.family} is solved at the "
            f"root, collection.time_limit is too short, or all episodes failed (see {folder})"
        )


def missing_shards(run: Run, plan: Plan, kind: str, number: int) -> list[Path]:
    """Return the shards that were neither given up nor set aside, and yet are not on disk."""
    folder = run.generation(number) / "episodes"
    paths = [_shard_file(folder, kind, draw) for draw in plan.episodes(kind, number)]
    return [
        path
        for path in paths
        if not (path.exists() or _failure_file(path).exists() or bad_file(path).exists())
    ]


def share_episodes(source: Path, run: Run, generations: Iterable[int]) -> None:
    """Give ``run`` the episodes of the run in ``source``, so that it does not play them again.

    They are hard links, or copies where there are none, and the run goes on as if they were its
    own: but in those of later generations the other run's networks acted.

    Parameters
    ----------
    source
        A run that differs in ``training`` and ``inheritance`` only.
    run
        The run that gets them; what it has is left alone.
    generations
        Numbers of the generations to share.

    Raises
    ------
    UserError
        If the other run plays other episodes, or nothing can be written.
    """
    theirs = read_run(source).config
    ours = replace(run.config, training=theirs.training, inheritance=theirs.inheritance)
    if difference := first_difference(ours, theirs):
        raise UserError(f"{run.folder} cannot share the episodes of {source}: {difference}")
    for number in generations:
        played = source / run.generation(number).name / "episodes"
        for path in (*played.glob("train_*"), *played.glob("valid_*")):
            target = run.generation(number) / "episodes" / path.name
            if not target.exists():
                with atomic_path(target) as temporary:
                    try:
                        os.link(path, temporary)
                    except OSError:
                        shutil.copyfile(path, temporary)


class _Tally:
    """Counts and reports the episodes of one generation."""

    def __init__(self, run: Run, number: int, total: int) -> None:
        self._run = run
        self._number = number
        self._total = total
        self._started = time.perf_counter()
        self._done = 0
        self._samples = 0

    def finished(self, record: EpisodeRecord) -> None:
        self._done += 1
        self._samples += record.samples
        self._run.log(
            "episode",
            generation=self._number,
            done=self._done,
            of=self._total,
            samples_per_second=self._samples / (time.perf_counter() - self._started),
            **dataclasses.asdict(record),
        )

    def give_up(self, episode: Episode, error: Exception) -> None:
        name, seed = episode.instance.name, episode.seed
        write_json(
            _failure_file(episode.path), {"instance": name, "seed": seed, "error": repr(error)}
        )
        self._done += 1
        self._run.log(
            "warning", text=f"the episode on {name}, seed {seed}, failed twice: {error!r}"
        )


def _shard_file(folder: Path, kind: str, draw: Draw) -> Path:
    return folder / f"{kind}_{draw.instance.index:06d}_{draw.seed}.safetensors"


def _failure_file(path: Path) -> Path:
    return path.with_suffix(".failed.json")
