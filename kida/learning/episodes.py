"""Playing a generation's episodes on many cores or machines, whatever happens to some of them.

What an episode is belongs in ``collect``; which ones are played, in ``plan``.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from msgspec.structs import asdict, replace

from kida.boundary import read_json, write_json
from kida.errors import UserError
from kida.files import atomic_path
from kida.jobs.job import Failure, Job
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.learning.collect import Episode
from kida.learning.config import CollectionConfig, first_difference
from kida.learning.events import Collecting, CutShort, EpisodeEnded, Warned
from kida.learning.plan import Draw, Plan
from kida.learning.records import (
    EpisodeRecord,
    failure_file,
    record_file,
    record_of,
    records_in,
)
from kida.learning.run import Run, read_run
from kida.learning.samples import bad_file
from kida.rule import Acting

#: In the folder of a generation's episodes: that no more are played, because time was up.
CUT_FILE = "cut_short.json"


class _TimeIsUpError(Exception):
    """No more episodes are wanted."""


def collect_generation(
    run: Run,
    plan: Plan,
    number: int,
    workers: Workers = ONE_AT_A_TIME,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Play the episodes of generation ``number`` that are not on disk yet.

    An episode that fails, or whose process dies, is played once more; if it fails again, that is
    written down beside the shards and the run goes on without it.

    Parameters
    ----------
    run, plan, number, workers
        The run, what it plays, which generation, and where.
    enough
        Asked after every episode: whether what there is has to do. What is being played then is
        lost, and the generation stays as it is.

    Raises
    ------
    UserError
        If none of the generation's training episodes gave a sample, or an instance is unusable.
    """
    episodes = _episodes(run, plan, number)
    waiting = [episode for episode in episodes if not _ended(Path(episode.shard))]
    folder = run.generation(number) / "episodes"
    if (folder / CUT_FILE).exists():
        waiting = []
    turns = _turns(run.config.collection, number)
    run.log(
        Collecting(
            generation=number, episodes=len(episodes), waiting=len(waiting), acting=tuple(turns)
        )
    )
    tally = _Tally(run, number, len(waiting))

    def ended(job: Job, failure: Failure | None) -> None:
        tally.ended(job, failure)
        if enough():
            raise _TimeIsUpError

    try:
        workers.run(_mixed(waiting), ended)
    except _TimeIsUpError:
        write_json(folder / CUT_FILE, {"samples": _samples(folder, "train")})
        run.log(CutShort(generation=number, samples=_samples(folder, "train")))
    if not any(record.samples for record in records_in(folder, "train")):
        raise UserError(
            f"generation {number} gave no training samples: {run.config.family} is solved at the "
            f"root, collection.time_limit is too short, or all episodes failed (see {folder})"
        )


def _samples(folder: Path, kind: str) -> int:
    return sum(record.samples for record in records_in(folder, kind))


def _mixed(episodes: Sequence[Episode]) -> list[Episode]:
    """Spread the episodes for validation evenly, so that there are some whenever it ends."""
    kinds: dict[bool, list[Episode]] = {True: [], False: []}
    for episode in episodes:
        kinds[Path(episode.shard).name.startswith("valid_")].append(episode)
    places = [
        ((place + 0.5) / len(kind), episode)
        for kind in kinds.values()
        for place, episode in enumerate(kind)
    ]
    return [episode for _, episode in sorted(places, key=lambda pair: pair[0])]


def _turns(collection: CollectionConfig, number: int) -> tuple[Acting, ...]:
    return collection.first_acting if number == 1 else collection.acting


def _episodes(run: Run, plan: Plan, number: int) -> list[Episode]:
    """Return all episodes of a generation, those for training first."""
    collection = run.config.collection
    turns = _turns(collection, number)
    if number == 1:
        collection = replace(collection, expert_candidates=collection.first_expert_candidates)
    folder = run.generation(number) / "episodes"
    found = []
    for kind in ("train", "valid"):
        for position, draw in enumerate(plan.episodes(kind, number)):
            shard = _shard_file(folder, kind, draw).absolute()
            # The two cycles are nested, so that everybody acts at every thinning.
            lap, place = divmod(position, len(collection.thinning))
            acting = turns[lap % len(turns)]
            acts = run.successor(number - 1).absolute() if acting == "network" else None
            found.append(
                Episode(
                    record=str(record_file(shard)),
                    patience=2 * collection.time_limit + 3600,
                    instance=draw.instance,
                    seed=draw.seed,
                    acting=acting,
                    policy=None if acts is None else str(acts),
                    options=collection,
                    thinning=collection.thinning[place],
                    shard=str(shard),
                    folder=str(Path.cwd()),
                )
            )
    return found


def missing_shards(run: Run, plan: Plan, kind: str, number: int) -> list[Path]:
    """Return the shards that were neither given up nor set aside, and yet are not on disk."""
    folder = run.generation(number) / "episodes"
    if (folder / CUT_FILE).exists():
        return []
    paths = [_shard_file(folder, kind, draw) for draw in plan.episodes(kind, number)]
    return [
        path
        for path in paths
        if not (path.exists() or failure_file(path).exists() or bad_file(path).exists())
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

    def ended(self, job: Job, failure: Failure | None) -> None:
        assert isinstance(job, Episode)
        if failure is not None and failure.by_user:
            raise UserError(failure.error)
        self._done += 1
        if failure is not None:
            self._give_up(job, failure)
            return
        record = read_json(Path(job.record), EpisodeRecord, "an episode's record")
        self._samples += record.samples
        self._run.log(
            EpisodeEnded(
                generation=self._number,
                done=self._done,
                of=self._total,
                samples_per_second=self._samples / (time.perf_counter() - self._started),
                **asdict(record),
            )
        )

    def _give_up(self, episode: Episode, failure: Failure) -> None:
        name, seed = episode.instance.name, episode.seed
        write_json(
            failure_file(Path(episode.shard)),
            {"instance": name, "seed": seed, "error": failure.error},
        )
        how = "failed" if failure.timed_out else "failed twice"
        self._run.log(Warned(text=f"{episode.label}, {how}: {failure.reason}"))


def _shard_file(folder: Path, kind: str, draw: Draw) -> Path:
    return folder / f"{kind}_{draw.instance.index:06d}_{draw.seed}.safetensors"


def _ended(shard: Path) -> bool:
    """Return whether an episode need not be played: it is done, or given up."""
    return failure_file(shard).exists() or record_of(shard) is not None
