"""Playing a generation's episodes on many processes or machines, whatever happens to some of them.

What an episode is belongs in ``collect``; which ones are played, in ``plan``.
"""

import dataclasses
import time
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from kida.errors import UserError
from kida.files import write_json
from kida.learning.collect import Episode, EpisodeRecord, play
from kida.learning.plan import Plan
from kida.learning.run import Run, sample_count
from kida.parallel import open_executor


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
    folder = run.generation(number) / "episodes"
    waiting: list[Episode] = []
    total = 0
    for kind in ("train", "valid"):
        for position, draw in enumerate(plan.episodes(kind, number)):
            total += 1
            path = folder / f"{kind}_{draw.instance.index:06d}_{draw.seed}.safetensors"
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
    suspects: list[Episode] = []
    while waiting:
        failed, waiting = _play(waiting, tally, jobs, scheduler)
        suspects += failed
    for episode in suspects:
        failed, rest = _play([episode], tally, 1, scheduler)
        for again in failed + rest:
            tally.give_up(again)
    if not any(sample_count(path) for path in folder.glob("train_*.safetensors")):
        raise UserError(
            f"generation {number} gave no training samples: {run.config.family} is solved at the "
            f"root, collection.time_limit is too short, or all episodes failed (see {folder})"
        )


class _Tally:
    """Counts and reports the episodes of one generation."""

    def __init__(self, run: Run, number: int, total: int) -> None:
        self._run = run
        self._number = number
        self._total = total
        self._started = time.perf_counter()
        self._done = 0
        self._samples = 0
        self._errors: dict[Path, str] = {}

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

    def failed(self, episode: Episode, error: Exception) -> None:
        self._errors[episode.path] = repr(error)

    def give_up(self, episode: Episode) -> None:
        error = self._errors[episode.path]
        name, seed = episode.instance.name, episode.seed
        write_json(_failure_file(episode.path), {"instance": name, "seed": seed, "error": error})
        self._done += 1
        self._run.log("warning", text=f"the episode on {name}, seed {seed}, failed twice: {error}")


def _play(
    episodes: list[Episode], tally: _Tally, jobs: int, scheduler: str | None
) -> tuple[list[Episode], list[Episode]]:
    """Play episodes; return those that failed, and those that a worker's death left undone."""
    failed: list[Episode] = []
    with open_executor(jobs, scheduler) as executor:
        futures: dict[Future[EpisodeRecord], Episode] = {
            executor.submit(play, episode): episode for episode in episodes
        }
        for future in as_completed(futures):
            episode = futures[future]
            try:
                tally.finished(future.result())
            except UserError:
                raise
            except BrokenProcessPool as error:
                # The pool works in order: the episodes being played are the first undone ones.
                undone = [e for e in episodes if not e.path.exists() and e not in failed]
                for suspect in undone[:jobs]:
                    tally.failed(suspect, error)
                return failed + undone[:jobs], undone[jobs:]
            # Whatever SCIP or a worker does wrong costs one episode, not the run.
            except Exception as error:
                tally.failed(episode, error)
                failed.append(episode)
    return failed, []


def _failure_file(path: Path) -> Path:
    return path.with_suffix(".failed.json")
