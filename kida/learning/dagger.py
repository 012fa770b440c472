"""The loop over generations: collect, aggregate, train, and at the end inherit.

The steps themselves are in ``episodes``, ``train``, ``search`` (for generations that are made by
search on reward instead) and ``network.inheritance``; how the result is selected is in
``selection``, and where everything lies on disk in ``run``.
"""

import dataclasses
import itertools
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kida.boundary import replaced, write_json
from kida.errors import UserError
from kida.jobs.executor import open_executor
from kida.lab.search import check_library, search_generation
from kida.learning.config import RunConfig
from kida.learning.episodes import collect_generation, missing_shards
from kida.learning.plan import Plan
from kida.learning.run import Listener, Run
from kida.learning.samples import Aggregate
from kida.learning.selection import Selection, finished_card, select
from kida.network.architecture import Weights
from kida.network.card import Card
from kida.network.inheritance import interpolate, uniform_average
from kida.network.policy import Policy
from kida.solver.branching import check_parameters


def train(
    folder: Path,
    config: RunConfig,
    *,
    jobs: int = 1,
    threads: int | None = None,
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
        Worker processes.
    threads
        Threads of torch while training; None means as many as worker processes.
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
    final = folder / "policy"
    plan = Plan(config)
    if config.training.teacher not in ("", "previous"):
        Policy.load(config.training.teacher)  # refuses a missing one before any work
    # The latter are needed only after all generations, which a wrong name shall not cost.
    check_parameters({**config.collection.parameters, **config.inheritance.parameters})
    if config.search.generations:
        _check_search(config)
    run = Run(folder, config, listener)
    if (final / "card.json").exists():
        return final
    run.log("started", jobs=jobs)
    for number in range(1, config.generations + 1):
        make_generation(run, plan, number, jobs=jobs, threads=threads, scheduler=scheduler)
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


def make_generation(
    run: Run,
    plan: Plan,
    number: int,
    *,
    jobs: int = 1,
    threads: int | None = None,
    scheduler: str | None = None,
) -> None:
    """Make generation ``number``, or go on with it, or find it made; see :func:`train`."""
    # OpenMP's threads wait for each other by spinning, and on a machine with other work to do torch
    # gets tens of times slower by that. Read when torch is first imported, which is later.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if (run.successor(number) / "card.json").exists():
        return
    if number in run.config.search.generations:
        search_one(run, plan, number, jobs=jobs, threads=threads or jobs, scheduler=scheduler)
    else:
        collect_generation(run, plan, number, jobs=jobs, scheduler=scheduler)
        train_one(run, number, threads=threads or jobs)


def aggregate(run: Run, kind: str, number: int) -> Aggregate:
    """Return the ``"train"`` or ``"valid"`` samples of all generations up to ``number``."""
    plan = Plan(run.config)
    for generation in set(range(1, number + 1)) - set(run.config.search.generations):
        missing = missing_shards(run, plan, kind, generation)
        if missing:
            run.log(
                "warning",
                text=f"{len(missing)} of generation {generation}'s {kind} shards are missing, "
                f"{missing[0].name} among them: training goes on without them",
            )
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
    initial = run.folder / "initial"
    start = None
    if number > 1 and config.training.start == "previous":
        start = Policy.load(run.successor(number - 1)).weights
    elif number > 1 and (initial / "card.json").exists():
        start = Policy.load(initial).weights
    seed = int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0])
    network = initial_network(training, config.training, config.seed, start)
    teacher = None
    if config.training.teacher and not (config.training.teacher == "previous" and number == 1):
        previous = config.training.teacher == "previous"
        master = Policy.load(run.successor(number - 1) if previous else config.training.teacher)
        teacher = Network(master.card.architecture)
        teacher.load_weights(master.weights)
    if start is None and not (initial / "card.json").exists():
        Policy(network.weights(), _card(run, number)).save(initial)
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
    _hand_on(run, number, Policy(result.weights, _card(run, number)))
    best = min(result.history, key=lambda entry: entry["validation_loss"])
    run.log("generation", generation=number, epochs=len(result.history), **best)


def search_one(
    run: Run,
    plan: Plan,
    number: int,
    *,
    jobs: int = 1,
    threads: int = 1,
    scheduler: str | None = None,
) -> None:
    """Make generation ``number`` by search on reward and write its policy.

    A search from scratch in a run without an initial network first collects the generation's
    episodes: its prenorm statistics are fitted on their samples.
    """
    name, initial = run.config.search.start, run.folder / "initial"
    if name == "previous" and number > 1:
        start = Policy.load(run.successor(number - 1))
    elif name not in ("previous", "initial"):
        start = Policy.load(name)
    else:
        if not (initial / "card.json").exists():
            collect_generation(run, plan, number, jobs=jobs, scheduler=scheduler)
            _make_initial(run, number, threads)
        start = Policy.load(initial)
    if run.config.search.expert_depth is not None:
        card = replaced(start.card, expert_depth=run.config.search.expert_depth)
        start = Policy(start.weights, card)
    weights = search_generation(run, plan, number, start, jobs=jobs, scheduler=scheduler)
    card = replaced(
        start.card,
        recipe={"config": _plain(run.config), "generation": number},
        seeds=(run.config.seed,),
        scip_version=_scip_version(),
        results=(),
    )
    _hand_on(run, number, Policy(weights, card))
    run.log("generation", generation=number)


def report_barriers(run: Run, generations: Sequence[int]) -> None:
    """Log, for each pair of merged generations, how much higher the loss is halfway between them.

    Near 0 the two lie in one basin, as averaging assumes; far above it they should not have been
    merged (Frankle et al. 2020, arXiv:1912.05671).
    """
    from kida.learning.train import validate
    from kida.network.gnn import Network

    config = run.config.training
    validation = aggregate(run, "valid", run.config.generations)
    if not len(validation):
        return
    network = Network(Policy.load(run.generation(generations[0]) / "policy").card.architecture)

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


def _check_search(config: RunConfig) -> None:
    """Refuse what a run with search on reward cannot do, before any work."""
    check_library()
    imitated = len(config.search.generations) < config.generations
    if config.search.start not in ("previous", "initial"):
        card = Policy.load(config.search.start).card
        ours = (config.training.architecture, config.collection.candidates)
        if imitated and (card.architecture, card.candidates) != ours:
            reads = "with" if card.architecture.candidate_features else "without"
            raise UserError(
                f"search.start is a policy of embedding size {card.architecture.embedding_size} "
                f"{reads} statistics for the "
                f"{card.candidates} candidates, unlike the run's other generations: set "
                "training.embedding_size, training.statistics and collection.candidates"
            )
        if not imitated and config.inheritance.refit_prenorms:
            raise UserError(
                "inheritance.refit_prenorms needs samples, and a run of searches from a policy "
                "has none: leave it out"
            )


def _make_initial(run: Run, number: int, threads: int) -> None:
    """Write the initial network, its prenorms fitted on the samples so far."""
    import torch

    from kida.learning.train import initial_network

    torch.set_num_threads(threads)
    training = aggregate(run, "train", number)
    if not len(training):
        raise UserError("there are no informative train samples: raise collection.episodes")
    network = initial_network(training, run.config.training, run.config.seed)
    Policy(network.weights(), _card(run, number)).save(run.folder / "initial")


def _card(run: Run, number: int) -> Card:
    config = run.config
    return Card(
        config.training.architecture,
        candidates=config.collection.candidates,
        # Judged, and used, under the expert that it was trained below.
        expert_depth=config.collection.acting_expert_depth,
        parameters=config.collection.parameters,
        recipe={"config": _plain(config), "generation": number},
        seeds=(config.seed,),
        scip_version=_scip_version(),
    )


def _hand_on(run: Run, number: int, policy: Policy) -> None:
    """Write a generation's policy, and the average of the last ones if the run goes on from it."""
    options = run.config.inheritance
    policy.save(run.generation(number) / "policy")
    if options.iterate:
        first = max(1, number - options.count + 1)
        parents = [run.generation(n) / "policy" for n in range(first, number + 1)]
        merged = uniform_average([Policy.load(parent).weights for parent in parents])
        Policy(merged, policy.card).save(run.successor(number))


def _plain(config: RunConfig) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return content


def _scip_version() -> str:
    from kida.solver.versions import versions

    return versions()["scip"]


def _write_policy(run: Run, selection: Selection, folder: Path) -> None:
    template = Policy.load(run.generation(run.config.generations) / "policy").card
    card = replaced(
        finished_card(
            template,
            run.config.inheritance,
            selection.expert_depth,
            selection.expert_candidates,
        ),
        recipe={
            "config": _plain(run.config),
            "merged_generations": list(selection.generations),
            "validation_rewards": selection.rewards,
        },
    )
    Policy(selection.weights, card).save(folder)
