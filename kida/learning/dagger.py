"""The loop over generations: collect, aggregate, train, and at the end inherit.

The steps themselves are in ``episodes``, ``train`` and ``network.inheritance``; generations that
are made otherwise have their ``makers``. How the result is selected is in ``selection``, what is
checked before any work in ``preflight``, and where everything lies on disk in ``run``.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import structs

from kida.boundary import plain, replaced, write_json
from kida.errors import UserError
from kida.instances.family import SPLITS, Family
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.learning.config import RunConfig, TrainingConfig
from kida.learning.episodes import collect_generation, missing_shards
from kida.learning.events import (
    Barrier,
    FilesDivided,
    GenerationMade,
    Listener,
    RunFinished,
    Selecting,
    Started,
    Surveying,
    Training,
    Warned,
    log_event,
)
from kida.learning.inventory import Inventory, family_of_run, summary_of_left_out
from kida.learning.judge import Judge
from kida.learning.makers import Makers, identities, plan_of
from kida.learning.plan import Plan
from kida.learning.preflight import calm_threads, check_run
from kida.learning.run import Run
from kida.learning.samples import Aggregate
from kida.learning.selection import Selection, finished_card, select
from kida.learning.survey import survey
from kida.lock import locked
from kida.network.architecture import Weights
from kida.network.card import Card
from kida.network.inheritance import loss_barriers, uniform_average
from kida.network.policy import Policy, holds_policy
from kida.network.steering import Steering

if TYPE_CHECKING:
    from kida.network.gnn import Network

# Where no episode for validation has a sample, every so many of those for training validate.
_VALIDATING = 6


def train(
    folder: Path,
    config: RunConfig,
    *,
    makers: Makers | None = None,
    workers: Workers = ONE_AT_A_TIME,
    threads: int | None = None,
    listener: Listener = log_event,
) -> Path:
    """Run, or go on with, a training run to its end; return the final policy's folder.

    Parameters
    ----------
    folder
        The run folder.
    config
        What to do.
    makers
        Who makes generations otherwise than by imitation, by the generation's number.
    workers
        Where episodes and validation solves are done.
    threads
        Threads of torch while training; None means as many as there are workers here.
    listener
        Gets every event; by default, they go to Python's ``logging``.

    Raises
    ------
    UserError
        If the folder is another run's or in use, something that the run needs is not there
        (:func:`kida.learning.preflight.check_run`), nothing can be collected, or the training
        fails.
    """
    makers = makers or {}
    check_run(config, makers, threads=threads, run=folder)
    final = folder / "policy"
    with locked(folder):
        run = Run(folder, config, listener, identities(makers))
        if holds_policy(final):
            return final
        plan = plan_of(config, makers, _listed(run, workers))
        run.log(Started(jobs=workers.count))
        if config.kind == "relpscost":
            steering(run, plan, workers, threads or workers.count).save(final)
        else:
            for number in range(1, config.generations + 1):
                make_generation(run, plan, number, makers=makers, workers=workers, threads=threads)
            _inherit(run, plan, workers).save(final)
        run.log(RunFinished(policy=str(final)))
    return final


def steering(run: Run, plan: Plan, workers: Workers, threads: int) -> Steering:
    """Collect the run's samples, or find them, and return the model that is trained on them."""
    calm_threads()
    collect_generation(run, plan, 1, workers)
    import torch

    from kida.learning.steering import fit, rankings_of

    torch.set_num_threads(threads)
    training, validation = samples_of(run, plan, 1)
    run.log(_training(1, training, validation))
    config = run.config
    found = fit(rankings_of(training), rankings_of(validation), seed=config.seed)
    run.log(found.event)
    card = replaced(
        found.policy.card,
        recipe={"config": plain(config), **found.policy.card.recipe},
        parameters={**config.collection.parameters, **config.inheritance.parameters},
        scip_version=scip_version(),
    )
    policy = Steering(found.policy.weights, card)
    policy.save(run.generation(1) / "policy")
    return policy


def _listed(run: Run, workers: Workers) -> Family:
    """Return the run's family; of files, say which are used for what, and which are not."""

    def look(files: Sequence[Path]) -> dict[Path, str]:
        run.log(Surveying(files=len(files)))
        return survey(files, run.config.collection, run.folder / "survey", workers)

    found = family_of_run(run.config.family, run.folder, look)
    if isinstance(found, Inventory):
        run.log(FilesDivided(**{split: found.length(split) for split in SPLITS}))
        if found.left_out:
            what = f"left out of training and selection: {summary_of_left_out(found.left_out)}"
            run.log(Warned(text=what))
    return found


def make_generation(
    run: Run,
    plan: Plan,
    number: int,
    *,
    makers: Makers | None = None,
    workers: Workers = ONE_AT_A_TIME,
    threads: int | None = None,
    enough_episodes: Callable[[], bool] = lambda: False,
    enough_epochs: Callable[[], bool] = lambda: False,
) -> None:
    """Make generation ``number``, or go on with it, or find it made; see :func:`train`.

    ``enough_episodes`` and ``enough_epochs`` are asked after each of these whether it was the last,
    for whom the time is short.
    """
    calm_threads()
    if holds_policy(run.successor(number)):
        return
    maker = (makers or {}).get(number)
    if maker is not None:
        maker.make(run, plan, number, workers, threads or workers.count)
    else:
        collect_generation(run, plan, number, workers, enough_episodes)
        train_one(run, plan, number, threads=threads or workers.count, enough=enough_epochs)


def aggregate(run: Run, plan: Plan, kind: str, number: int) -> Aggregate:
    """Return the ``"train"`` or ``"valid"`` samples of all generations up to ``number``."""
    shards: list[Path] = []
    for generation in range(1, number + 1):
        folder = run.generation(generation) / "episodes"
        shards += sorted(folder.glob(f"{kind}_*.safetensors"))
        if str(generation) in run.identity.makers:
            continue
        missing = missing_shards(run, plan, kind, generation)
        if missing:
            text = (
                f"{len(missing)} of generation {generation}'s {kind} shards are missing, "
                f"{missing[0].name} among them: training goes on without them"
            )
            run.log(Warned(text=text))
    return Aggregate(shards, lambda text: run.log(Warned(text=text)))


def train_one(
    run: Run,
    plan: Plan,
    number: int,
    threads: int,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Train generation ``number`` on everything collected so far and write its policy."""
    import torch

    from kida.learning.train import train_generation

    torch.set_num_threads(threads)
    config = run.config
    training, validation = samples_of(run, plan, number)
    run.log(_training(number, training, validation))
    before = run.successor(number - 1) if number > 1 else None
    result = train_generation(
        training,
        validation,
        _start(run, training, number),
        config.training,
        seed=int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0]),
        checkpoint=run.generation(number) / "checkpoint.safetensors",
        teacher=_teacher(config.training, before),
        report=lambda event: run.report(structs.replace(event, generation=number)),
        enough=enough,
    )
    write_json(run.generation(number) / "training.json", result.history)
    hand_on(run, number, Policy(result.weights, _card(config, number)))
    best = min(result.history, key=lambda entry: entry["validation_loss"])
    run.log(
        GenerationMade(
            generation=number,
            epochs=len(result.history),
            validation_loss=best["validation_loss"],
            validation_top1=best["validation_top1"],
        )
    )


def _inherit(run: Run, plan: Plan, workers: Workers) -> Policy:
    """Return the policy that the run's generations are merged into."""
    run.log(Selecting())
    config, numbers = run.config, range(1, run.config.generations + 1)
    generations = {n: Policy.load(run.generation(n) / "policy") for n in numbers}
    judge = Judge(
        config.collection.settings,
        config.inheritance.time_limit,
        plan.selection(config.inheritance.instances),
        run.folder / "rewards",
        workers,
        run.report,
        config.collection.user_parameters,
    )
    selection = select(config.inheritance, [*generations.values()], judge, run.report)
    _report_barriers(run, plan, {n: generations[n] for n in selection.generations})
    return _finished(run, generations[config.generations].card, selection)


def write_initial(run: Run, plan: Plan, number: int, threads: int) -> None:
    """Write the initial network, its prenorms fitted on the samples of ``number`` generations."""
    import torch

    torch.set_num_threads(threads)
    _initial(run, _informative(run, plan, "train", number), number)


def hand_on(run: Run, number: int, policy: Policy) -> None:
    """Write a generation's policy, and the average of the last ones if the run goes on from it."""
    options = run.config.inheritance
    policy.save(run.generation(number) / "policy")
    if options.iterate:
        first = max(1, number - options.count + 1)
        parents = [run.generation(n) / "policy" for n in range(first, number + 1)]
        merged = uniform_average([Policy.load(parent).weights for parent in parents])
        Policy(merged, policy.card).save(run.successor(number))


def scip_version() -> str:
    """Return the version of SCIP that is used, such as ``"10.0.0"``."""
    from kida.solver.versions import versions

    return versions()["scip"]


def samples_of(run: Run, plan: Plan, number: int) -> tuple[Aggregate, Aggregate]:
    """Return what generation ``number`` trains on, and what it validates on: some of each.

    Raises
    ------
    UserError
        If there are too few samples for both.
    """
    training = _informative(run, plan, "train", number)
    validation = aggregate(run, plan, "valid", number)
    if len(validation):
        return training, validation
    # The few instances kept for validation may have no tree, or there was no time for them.
    full = sorted({reference.shard for reference in training.references})
    paths = [training.shards[shard].path for shard in full]
    held = paths[:: _VALIDATING if len(paths) > 1 else 1]
    if len(held) == len(paths):
        raise UserError(
            "there are no informative valid samples: begin a new run with more "
            "collection.episodes or collection.validation_episodes"
        )
    text = f"no episode for validation has a sample: {len(held)} of those for training validate"
    run.log(Warned(text=text))
    rest = [path for path in paths if path not in held]
    return Aggregate(rest), Aggregate(held)


def _training(number: int, training: Aggregate, validation: Aggregate) -> Training:
    return Training(
        generation=number,
        samples=len(training),
        validation_samples=len(validation),
        uninformative=training.uninformative + validation.uninformative,
    )


def _informative(run: Run, plan: Plan, kind: str, number: int) -> Aggregate:
    """Return :func:`aggregate`'s samples, of which there are some."""
    found = aggregate(run, plan, kind, number)
    if not len(found):
        raise UserError(
            f"there are no informative {kind} samples: begin a new run with more "
            "collection.episodes or collection.validation_episodes"
        )
    return found


def _start(run: Run, training: Aggregate, number: int) -> "Network":
    """Return the network from which generation ``number`` is trained, its prenorms fitted."""
    from kida.learning.train import initial_network

    config = run.config
    source = run.folder / "initial"
    if number > 1 and config.training.start == "previous":
        source = run.successor(number - 1)
    if number == 1 or not holds_policy(source):
        return _initial(run, training, number)
    weights = Policy.load(source).weights
    return initial_network(training, config.training, config.seed, weights)


def _initial(run: Run, training: Aggregate, number: int) -> "Network":
    """Return the network of random weights, and write it if the run has none yet."""
    from kida.learning.train import initial_network

    network = initial_network(training, run.config.training, run.config.seed)
    folder = run.folder / "initial"
    if not holds_policy(folder):
        Policy(network.weights(), _card(run.config, number)).save(folder)
    return network


def _teacher(config: TrainingConfig, before: Path | None) -> "Network | None":
    """Return the network to imitate beside the expert; ``before`` is the last generation's."""
    from kida.network.gnn import Network

    source = before if config.teacher == "previous" else config.teacher
    if not source:
        return None
    policy = Policy.load(source)
    teacher = Network(policy.card.shape)
    teacher.load_weights(policy.weights)
    return teacher


def _report_barriers(run: Run, plan: Plan, merged: dict[int, Policy]) -> None:
    """Log the loss barrier of each pair of merged generations, see :func:`loss_barriers`."""
    if len(merged) < 2:
        return
    from kida.learning.validation import validate
    from kida.network.gnn import Network

    config = run.config
    validation = aggregate(run, plan, "valid", config.generations)
    if not len(validation):
        return
    network = Network(next(iter(merged.values())).card.shape)

    def loss(weights: Weights) -> float:
        network.load_weights(weights)
        samples = (validation[number] for number in range(len(validation)))
        return validate(network, samples, config.training).loss

    numbers = list(merged)
    barriers = loss_barriers([policy.weights for policy in merged.values()], loss)
    for (first, second), barrier in barriers.items():
        run.log(Barrier(first=numbers[first], second=numbers[second], barrier=barrier))


def _card(config: RunConfig, number: int) -> Card:
    return Card(
        config.training.architecture,
        candidates=config.collection.candidates,
        # Below the strong branching and above SCIP's rules that it was trained between.
        expert_depth=config.collection.expert_depth,
        network_depth=config.collection.network_depth,
        shortlist=config.collection.shortlist,
        parameters=config.collection.parameters,
        recipe={"config": plain(config), "generation": number},
        seeds=(config.seed,),
        scip_version=scip_version(),
    )


def _finished(run: Run, last: Card, selection: Selection) -> Policy:
    """Return the run's result; what the card does not say of it is as in that of the ``last``."""
    recipe: dict[str, Any] = {
        "config": plain(run.config),
        "merged_generations": list(selection.generations),
        "validation_rewards": selection.rewards,
    }
    if run.identity.makers:
        recipe["makers"] = plain(run.identity.makers)
    depth, candidates = selection.expert_depth, selection.expert_candidates
    card = finished_card(last, run.config.inheritance, depth, candidates)
    return Policy(selection.weights, replaced(card, recipe=recipe))
