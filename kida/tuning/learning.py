"""Learning within what is left of the time: generations of ``kida train``, sized by the survey.

Episodes are played under the levers that have won and under the user's settings, so that the
network sees what it will see. One generation comes first, and more if there is time: on two of the
problems that were measured the first was as good as the third (docs/tuning.md).
"""

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from kida.boundary import Count, Natural, Positive, Seconds, find_json, replaced, write_json
from kida.errors import UserError
from kida.jobs.run import Workers
from kida.learning.config import CollectionConfig, InheritanceConfig, RunConfig, TrainingConfig
from kida.learning.dagger import hand_on, make_generation, samples_of
from kida.learning.events import Listener, Warned, log_event
from kida.learning.inventory import INVENTORY_FILE, Inventory
from kida.learning.makers import Makers, identities, plan_of
from kida.learning.plan import Plan
from kida.learning.preflight import calm_threads, check_run
from kida.learning.records import records_in
from kida.learning.run import Run
from kida.network.policy import Policy, holds_policy
from kida.network.steering import Steering, load_policy
from kida.parameters import ParameterValue
from kida.tuning.clock import Clock
from kida.tuning.config import TuneConfig
from kida.tuning.files import Division
from kida.tuning.levers import LEAST_SHARE
from kida.tuning.survey import Survey

_ENDED_FILE = "ended.json"
#: Generations at most, that of a former tuning not counted.
MOST_GENERATIONS = 3
#: Episodes of a generation at most, and those there must be time for; a sixth of them validate.
MOST_EPISODES, LEAST_EPISODES = 240, 8
#: Samples with which a generation's collecting ends.
ENOUGH_SAMPLES = 1200
# Episodes that there should be time for, even if all are cut off.
_WANTED_EPISODES = 28
# Seconds of search after the root of an episode.
_SHORTEST, _LONGEST = 4.0, 40.0
# Strong branching makes a solve so many times as long as SCIP's own, or more.
_SLOWDOWN = 6.0
# Where SCIP needs so many seconds per node, or strong branching of all candidates of one so many,
# it is asked about a few in the first generation, too: an episode is too short for more.
_SLOW_NODE, _SLOW_EXPERT, _FEW_CANDIDATES = 0.05, 0.5, 16
# A small tree is recorded whole, a large one thinly too: samples from all of it.
_THINNING = ((3000, (1.0, 0.1, 0.01)), (300, (1.0, 0.3)), (0, (1.0,)))
# Of a generation's time, the episodes' share.
_COLLECTING = 0.6
# A further generation needs this share of what the one before took: its network needs fewer labels.
_AGAIN = 0.7
# Batches as small as KIDA's, since there are few samples to make steps of.
_TRAINING = TrainingConfig(epochs=40, patience=3, edges_per_batch=60_000)


class Effort(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is collected, see :class:`kida.learning.config.CollectionConfig`.

    Attributes
    ----------
    episodes, validation_episodes
        Of a generation.
    seconds
        Of an episode at most.
    thinning
        Factors on the probability of recording a node.
    first_candidates
        Of the first generation's expert; 0 for all.
    """

    episodes: Count
    validation_episodes: Count
    seconds: Seconds
    thinning: tuple[Positive, ...]
    first_candidates: Natural = 0


def effort(survey: Survey, seconds: float, cores: int) -> Effort | None:
    """Return what can be collected in so many wall-clock seconds; None if that is too little."""
    # Most end long before: episodes are played until time is up, or there are enough samples.
    available = _COLLECTING * seconds * cores
    root = 1.2 * survey.root_seconds
    aside = max(survey.seconds_aside, 0.5) + root
    longest = min(_LONGEST, max(_SHORTEST, available / _WANTED_EPISODES - aside))
    tree = max(statistics.mean(f.seconds - f.root_seconds for f in survey.files), 0.1)
    if available / (aside + min(longest, _SLOWDOWN * tree)) < LEAST_EPISODES:
        return None
    validation = round(MOST_EPISODES / 6)
    nodes = [(f.seconds - f.root_seconds) / max(f.nodes, 1) for f in survey.files if f.branched]
    node = statistics.median(nodes or [0.0])
    seen = min(survey.nodes, longest / max(node, 1e-4))
    return Effort(
        episodes=MOST_EPISODES - validation,
        validation_episodes=validation,
        seconds=root + longest,
        thinning=next(thinning for least, thinning in _THINNING if seen >= least),
        first_candidates=_FEW_CANDIDATES if node > _SLOW_NODE else 0,
    )


class SlowExpertError(Exception):
    """Strong branching of all candidates of a node takes too long for an episode."""


def with_few_candidates(planned: Effort) -> Effort:
    """Return the effort with an expert that is asked about a few candidates from the start."""
    return replaced(planned, first_candidates=_FEW_CANDIDATES)


def run_config(
    config: TuneConfig,
    planned: Effort,
    parameters: Mapping[str, ParameterValue],
    generations: int,
) -> RunConfig:
    """Return the configuration of the training run inside a tuning."""
    return RunConfig(
        family=config.problems,
        seed=config.seed,
        generations=generations,
        collection=CollectionConfig(
            episodes=planned.episodes,
            validation_episodes=planned.validation_episodes,
            time_limit=planned.seconds,
            thinning=planned.thinning,
            first_expert_candidates=planned.first_candidates,
            settings=config.settings,
            parameters=parameters,
            user_parameters=config.user_parameters,
        ),
        training=_TRAINING,
        inheritance=InheritanceConfig(method="last"),
    )


class Ended(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many generations there were when learning ended: later starts, with more time, add none.

    What has raced since was one of these.
    """

    generations: Count


class Learned(NamedTuple):
    """What was learned: the generations' networks, and a model that steers SCIP's branching."""

    networks: tuple[Policy, ...] = ()
    steering: Steering | None = None


class Former:
    """Makes the first generation of a round: the network of the round before, handed on."""

    held_out = 0

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def identity(self) -> dict[str, Any]:
        """Return what tells it from another."""
        return {"former": self._policy.identity()}

    def check(self, config: RunConfig, number: int) -> None:
        """Refuse a run whose networks are of another shape."""
        card = self._policy.card
        if (card.architecture, card.candidates) != (
            config.training.architecture,
            config.collection.candidates,
        ):
            raise UserError(
                "the former policy's network is of another shape than those of this kida; begin a "
                "new tuning with another --out"
            )

    def make(self, run: Run, plan: Plan, number: int, workers: Workers, threads: int) -> None:
        """Hand the former network on."""
        hand_on(run, number, self._policy)


def learn(
    config: TuneConfig,
    division: Division,
    survey: Survey,
    planned: Effort,
    parameters: Mapping[str, ParameterValue],
    clock: Clock,
    folder: Path,
    *,
    workers: Workers,
    threads: int | None = None,
    former: Policy | None = None,
    listener: Listener = log_event,
) -> Learned:
    """Learn while there is time; return what came of it.

    Parameters
    ----------
    config, division, survey
        The tuning's.
    planned
        See :func:`effort`.
    parameters
        Of the levers that have won.
    clock
        Says when to stop.
    folder
        Of the training run.
    workers, threads, listener
        See :func:`kida.learning.dagger.train`.
    former
        A network to go on with.

    Raises
    ------
    UserError
        If nothing can be collected, or the training fails.
    SlowExpertError
        If the first episodes show it: begin again, with few candidates and in another folder.
    """
    makers: Makers = {} if former is None else {1: Former(former)}
    first, last = 1 + len(makers), MOST_GENERATIONS + len(makers)
    wanted = run_config(config, planned, parameters, last)
    check_run(wanted, makers, threads=threads)
    source = division.source
    run = Run(folder, wanted, listener, identities(makers))
    if isinstance(source, Inventory):
        source = _learnable(source, survey)
        write_json(folder / INVENTORY_FILE, source)
    plan = plan_of(wanted, makers, source)
    if former is not None:
        make_generation(run, plan, 1, makers=makers, workers=workers, threads=threads)
    ended = _ended(folder)
    if ended is not None:
        last = first + ended.generations - 1
    found: list[Policy] = []
    for number in range(first, last + 1):
        policy = run.generation(number) / "policy"
        if not holds_policy(policy):
            if found and clock.left_for("learning") < _AGAIN * run.seconds_worked(number - 1):
                break
            _make(run, plan, number, clock, workers, threads)
        found.append(Policy.load(policy))
    write_json(folder / _ENDED_FILE, Ended(generations=len(found)))
    steering = None
    if survey.shares.get("strong branching", 0.0) >= LEAST_SHARE:
        steering = _steering(run, plan, first + len(found) - 1, threads or workers.count)
    return Learned(tuple(found), steering)


def _ended(folder: Path) -> Ended | None:
    return find_json(folder / _ENDED_FILE, Ended, "what a tuning's learning ended with")


def _make(
    run: Run, plan: Plan, number: int, clock: Clock, workers: Workers, threads: int | None
) -> None:
    """Make a generation in the time there is; say why, if no episode gave a sample."""
    try:
        make_generation(
            run,
            plan,
            number,
            workers=workers,
            threads=threads,
            enough_episodes=_collected(run, number, clock),
            enough_epochs=_until(clock, clock.left_for("learning")),
        )
    except UserError as error:
        played = records_in(run.generation(number) / "episodes")
        if any(record.samples for record in played) or len(played) < LEAST_EPISODES:
            raise
        why = (
            "the files are not linear (there SCIP's own rules branch, whatever is learned), or "
            "their trees are too small"
        )
        if any(record.expert_decisions for record in played):
            why = "strong branching of a single node takes longer than an episode has"
        raise UserError(f"{len(played)} episodes gave no sample: {why}") from error


def _steering(run: Run, plan: Plan, number: int, threads: int) -> Steering | None:
    """Return a model that steers SCIP's own branching, trained in seconds on the same samples."""
    home = run.folder / "steering"
    if not holds_policy(home):
        calm_threads()
        import torch

        from kida.learning.steering import fit, rankings_of

        torch.set_num_threads(threads)
        try:
            training, validation = map(rankings_of, samples_of(run, plan, number))
            fit(training, validation, seed=run.config.seed).policy.save(home)
        except UserError as error:
            run.log(Warned(text=f"SCIP's own branching is not steered: {error}"))
            return None
    policy = load_policy(home)
    assert isinstance(policy, Steering)
    return policy


def _collected(run: Run, number: int, clock: Clock) -> Callable[[], bool]:
    """Return what tells whether a generation has samples enough, or no more time for them."""
    over = _until(clock, _COLLECTING * clock.left_for("learning"))
    folder = run.generation(number) / "episodes"
    asks_all = number == 1 and run.config.collection.first_expert_candidates == 0

    def enough() -> bool:
        played = records_in(folder)
        samples = sum(record.samples for record in played)
        if asks_all and len(played) >= LEAST_EPISODES and samples < ENOUGH_SAMPLES:
            asked = sum(record.expert_decisions for record in played)
            seconds = sum(record.expert_seconds for record in played) / max(asked, 1)
            if seconds > _SLOW_EXPERT:
                raise SlowExpertError(
                    f"strong branching of a node takes {seconds:.1f} s; it is asked about the "
                    f"{_FEW_CANDIDATES} most promising candidates instead"
                )
        # Of nonlinear problems, or those solved at the root, none will ever come.
        hopeless = len(played) >= LEAST_EPISODES and not samples
        return over() or hopeless or samples >= ENOUGH_SAMPLES

    return enough


def _until(clock: Clock, seconds: float) -> Callable[[], bool]:
    end = clock.used + seconds
    return lambda: clock.used >= end


def _learnable(inventory: Inventory, survey: Survey) -> Inventory:
    """Return the list without the training files that are known to be solved at the root."""
    at_root = {file.name for file in survey.files if not file.branched}
    train = tuple(entry for entry in inventory.files["train"] if entry.name not in at_root)
    if not train:
        raise UserError("every training file is solved at the root: there is nothing to learn from")
    return Inventory(
        name=inventory.name,
        files={**inventory.files, "train": train, "test": ()},
        left_out=inventory.left_out,
    )
