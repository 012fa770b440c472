"""The loop over generations: collect, aggregate, train, and at the end inherit.

Everything is on disk in the run folder, and every step is skipped if its output is there, so that
a run killed at any moment goes on where it was::

    RUN/config.json                  what this run is; another configuration is refused
    RUN/log.jsonl                    every event, one JSON object per line
    RUN/gen_01/episodes/*.safetensors
    RUN/gen_01/policy/               the generation's network, as models/ holds them
    RUN/gen_01/training.json         its metrics, epoch by epoch
    RUN/rewards/*.json               rewards in the solver, one file per solve
    RUN/policy/                      the result

The steps themselves are in ``collect``, ``train`` and ``network.inheritance``; how the result is
selected is in ``selection``.
"""

import contextlib
import dataclasses
import itertools
import json
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, cast

import numpy as np
from safetensors import SafetensorError, safe_open

from kida.errors import UserError
from kida.files import write_json
from kida.learning.collect import Episode, EpisodeRecord, play, record_of
from kida.learning.config import RUN_VERSION, RunConfig, config_from, first_difference
from kida.learning.plan import Plan
from kida.learning.samples import Aggregate
from kida.learning.selection import Selection, select
from kida.network.inheritance import interpolate, uniform_average
from kida.network.weights import Architecture, Card, Policy, Weights
from kida.parallel import open_executor

Event = dict[str, Any]
Listener = Callable[[Event], None]


class Run:
    """A run folder that belongs to one configuration.

    Parameters
    ----------
    folder
        Created if it is not there.
    config
        What the run is.
    listener
        Gets every event, for showing progress.

    Raises
    ------
    UserError
        If the folder holds something else, or a run of another configuration.
    """

    def __init__(
        self, folder: Path, config: RunConfig, listener: Listener = lambda event: None
    ) -> None:
        self.folder = folder
        self.config = config
        self._listener = listener
        file = folder / "config.json"
        if file.exists():
            difference = first_difference(config, read_run(folder))
            if difference is not None:
                raise UserError(
                    f"{folder} is a run of another configuration ({difference}): "
                    "give another --out, or the old configuration to go on with it"
                )
        elif folder.exists() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty and no training run: give another --out")
        else:
            write_json(file, {"run_version": RUN_VERSION, **dataclasses.asdict(config)})

    def generation(self, number: int) -> Path:
        """Return the folder of generation ``number``, counted from 1."""
        return self.folder / f"gen_{number:02d}"

    def successor(self, number: int) -> Path:
        """Return the policy folder from which the generation after ``number`` goes on."""
        return self.generation(number) / ("merged" if self.config.inheritance.iterate else "policy")

    def log(self, event: str, **fields: Any) -> None:
        """Append an event to the log and tell the listener."""
        entry = {"time": round(time.time(), 3), "event": event, **fields}
        try:
            with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise UserError(
                f"cannot write the log in {self.folder} ({error.strerror}): free some space"
            ) from error
        self._listener(entry)

    def report(self, event: Event) -> None:
        """Log an event, or only tell the listener what tells no more than how far a step is."""
        if event["event"] in ("step", "solve"):
            self._listener(event)
        else:
            self.log(**event)


def read_run(folder: Path) -> RunConfig:
    """Return the configuration of the run in ``folder``.

    Raises
    ------
    UserError
        If there is no run, or it is of another version.
    """
    file = folder / "config.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        version = content.pop("run_version")
    except FileNotFoundError:
        raise UserError(f"{folder} holds no training run (no config.json)") from None
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise UserError(f"{file} is no run's configuration ({error})") from error
    if version != RUN_VERSION:
        raise UserError(
            f"{folder} is a run of version {version}, and this kida writes {RUN_VERSION}: "
            "finish it with the kida that began it"
        )
    return config_from(content)


def train(
    folder: Path,
    config: RunConfig,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    listener: Listener = lambda event: None,
) -> Path:
    """Run, or go on with, a training run to its end; return the final policy's folder.

    Parameters
    ----------
    folder
        The run folder.
    config
        What to do.
    jobs
        Worker processes, and threads of torch.
    scheduler
        A Dask scheduler to play episodes on instead.
    listener
        Gets every event.

    Raises
    ------
    UserError
        If the folder is another run's, the family is unknown, nothing can be collected, or the
        training fails.
    """
    # OpenMP's threads wait for each other by spinning, and on a machine with other work to do torch
    # gets tens of times slower by that. Read when torch is first imported, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    final = folder / "policy"
    plan = Plan(config)
    if config.training.teacher not in ("", "previous"):
        Policy.load(config.training.teacher)  # refuses a missing one before any work
    run = Run(folder, config, listener)
    if (final / "card.json").exists():
        return final
    run.log("started", jobs=jobs)
    for number in range(1, config.generations + 1):
        if (run.successor(number) / "card.json").exists():
            continue
        collect_generation(run, plan, number, jobs=jobs, scheduler=scheduler)
        train_one(run, number, threads=jobs)
    run.log("selecting")
    with open_executor(jobs, scheduler) as executor:
        selection = select(
            config,
            [run.generation(number) / "policy" for number in range(1, config.generations + 1)],
            run.folder / "rewards",
            executor,
            run.report,
            _refit(run) if config.inheritance.refit_prenorms else lambda weights: weights,
        )
    if len(selection.generations) > 1:
        report_barriers(run, selection.generations)
    _write_policy(run, selection, final)
    run.log("finished", policy=str(final))
    return final


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
    if not any(_samples(path) for path in folder.glob("train_*.safetensors")):
        raise UserError(
            f"generation {number} gave no training samples: {run.config.family} is solved at the "
            f"root, collection.time_limit is too short, or all episodes failed (see {folder})"
        )


def aggregate(run: Run, kind: str, number: int) -> Aggregate:
    """Return the ``"train"`` or ``"valid"`` samples of all generations up to ``number``."""
    shards = [
        path
        for generation in range(1, number + 1)
        for path in sorted((run.generation(generation) / "episodes").glob(f"{kind}_*.safetensors"))
    ]
    return Aggregate(shards, lambda text: run.log("warning", text=text))


def train_one(run: Run, number: int, threads: int) -> None:
    """Train generation ``number`` on everything collected so far and write its policy."""
    import torch

    from kida.learning.train import initial_network, train_generation
    from kida.network.gnn import Network

    torch.set_num_threads(threads)
    config = run.config
    parts = {kind: aggregate(run, kind, number) for kind in ("train", "valid")}
    training, validation = parts["train"], parts["valid"]
    for kind, found in parts.items():
        if not len(found):
            raise UserError(
                f"there are no informative {kind} samples: raise collection.episodes "
                "or collection.validation_episodes"
            )
    run.log(
        "training",
        generation=number,
        samples=len(training),
        validation_samples=len(validation),
        uninformative=training.uninformative + validation.uninformative,
    )
    start = None
    if number > 1:
        shared = config.training.start == "shared"
        start = Policy.load(run.folder / "initial" if shared else run.successor(number - 1)).weights
    seed = int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0])
    network = initial_network(training, config.training, config.seed, start)
    teacher = None
    if config.training.teacher and not (config.training.teacher == "previous" and number == 1):
        previous = config.training.teacher == "previous"
        master = Policy.load(run.successor(number - 1) if previous else config.training.teacher)
        teacher = Network(master.card.architecture)
        teacher.load_weights(master.weights)
    card = Card(
        Architecture(config.training.embedding_size),
        candidates=config.collection.candidates,
        # Judged, and used, under the expert that it was trained below.
        expert_depth=config.collection.acting_expert_depth,
        recipe={"config": _plain(config), "generation": number},
        seeds=(config.seed,),
        scip_version=_scip_version(),
    )
    if number == 1 and not (run.folder / "initial" / "card.json").exists():
        Policy(network.weights(), card).save(run.folder / "initial")
    weights = None
    if config.training.sampling == "recent":
        age = [
            number
            - int(training.shards[reference.shard].path.parent.parent.name.removeprefix("gen_"))
            for reference in training.references
        ]
        weights = config.training.recency ** np.array(age, np.float64)
    result = train_generation(
        training,
        validation,
        network,
        config.training,
        seed=seed,
        checkpoint=run.generation(number) / "checkpoint.safetensors",
        sampling_weights=weights,
        teacher=teacher,
        report=lambda event: run.report({**event, "generation": number}),
    )
    write_json(run.generation(number) / "training.json", result.history)
    Policy(result.weights, card).save(run.generation(number) / "policy")
    if config.inheritance.iterate:
        first = max(1, number - config.inheritance.count + 1)
        parents = [run.generation(n) / "policy" for n in range(first, number + 1)]
        merged = uniform_average([Policy.load(parent).weights for parent in parents])
        Policy(merged, card).save(run.successor(number))
    best = min(result.history, key=lambda entry: entry["validation_loss"])
    run.log("generation", generation=number, epochs=len(result.history), **best)


def report_barriers(run: Run, generations: Sequence[int]) -> None:
    """Log, for each pair of merged generations, how much higher the loss is halfway between them.

    Near 0 the two lie in one basin, as averaging assumes; far above it they should not have been
    merged (Frankle et al. 2020, arXiv:1912.05671).
    """
    from kida.learning.train import validate
    from kida.network.gnn import Network

    config = run.config.training
    validation = aggregate(run, "valid", run.config.generations)
    network = Network(Architecture(config.embedding_size))

    def loss(weights: Weights) -> float:
        network.load_weights(weights)
        samples = (validation[number] for number in range(len(validation)))
        return validate(network, samples, config).loss

    parents = {n: Policy.load(run.generation(n) / "policy").weights for n in generations}
    ends = {n: loss(weights) for n, weights in parents.items()}
    for first, second in itertools.combinations(generations, 2):
        middle = loss(interpolate(parents[first], parents[second], 0.5))
        barrier = middle - (ends[first] + ends[second]) / 2
        run.log("barrier", first=first, second=second, barrier=barrier)


def _refit(run: Run) -> Callable[[Weights], Weights]:
    from kida.learning.train import initial_network

    training = aggregate(run, "train", run.config.generations)

    def refit(weights: Weights) -> Weights:
        return initial_network(training, run.config.training, run.config.seed, weights).weights()

    return refit


def status(folder: Path) -> list[dict[str, Any]]:
    """Return how far the run in ``folder`` is: one entry per generation.

    Each has the generation's number, its ``episodes`` played ``of`` so many, how many of these
    ``failed`` or were ``empty`` (no node was recorded, as when the root solves the instance), its
    ``samples``, the training ``epochs`` done, the lowest ``validation_loss`` or None, and whether
    it is ``finished``.

    Raises
    ------
    UserError
        If there is no run.
    """
    config = read_run(folder)
    collection = config.collection
    entries = []
    for number in range(1, config.generations + 1):
        generation = folder / f"gen_{number:02d}"
        samples = [_samples(path) for path in (generation / "episodes").glob("*.safetensors")]
        history = _history(generation)
        entries.append(
            {
                "generation": number,
                "episodes": len(samples),
                "of": collection.episodes + collection.validation_episodes,
                "failed": len(list((generation / "episodes").glob("*.failed.json"))),
                "empty": samples.count(0),
                "samples": sum(samples),
                "epochs": len(history),
                "validation_loss": min((e["validation_loss"] for e in history), default=None),
                "finished": (generation / "policy" / "card.json").exists(),
            }
        )
    return entries


def _history(generation: Path) -> list[dict[str, Any]]:
    """Return the metrics of the epochs done, whether or not the training is finished."""
    file, checkpoint = generation / "training.json", generation / "checkpoint.safetensors"
    history: list[dict[str, Any]] = []
    if file.exists():
        history = json.loads(file.read_text(encoding="utf-8"))
    elif checkpoint.exists():
        with contextlib.suppress(OSError, SafetensorError, KeyError, ValueError):
            header = cast(Any, safe_open(checkpoint, framework="numpy")).metadata()
            history = json.loads(header["state"])["history"]
    return history


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


def _samples(path: Path) -> int:
    record = record_of(path)
    return 0 if record is None else record.samples


def _plain(config: RunConfig) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return content


def _scip_version() -> str:
    from kida.versions import versions

    return versions()["scip"]


def _write_policy(run: Run, selection: Selection, folder: Path) -> None:
    template = Policy.load(run.generation(run.config.generations) / "policy").card
    card = dataclasses.replace(
        template,
        expert_depth=selection.expert_depth,
        recipe={
            "config": _plain(run.config),
            "merged_generations": list(selection.generations),
            "validation_rewards": selection.rewards,
        },
    )
    Policy(selection.weights, card).save(folder)
