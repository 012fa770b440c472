"""Ablations: which policies to compare with a recipe's, and how they are made on few episodes.

A :class:`Variant` says what it does otherwise than the base recipe: options, which generations are
merged, how deep strong branching decides. Variants that only train otherwise are trained on the
base's episodes; equal ones are made once. On disk, every step skipped if its output is there::

    OUT/runs/NAME/        the training run of the first variant that needs it, see ``run``
    OUT/policies/NAME/    what is compared

Which variants there are belongs in ``scripts/``; comparing their policies, in
``kida.lab.sections``.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kida.boundary import replaced
from kida.evaluation.records import slug
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.lab.evolution import check_library
from kida.lab.search import searches
from kida.lab.search_config import read_search
from kida.learning.config import RunConfig
from kida.learning.dagger import make_generation
from kida.learning.episodes import share_episodes
from kida.learning.events import Event
from kida.learning.inventory import family_of_run
from kida.learning.judge import Judge
from kida.learning.makers import Makers, identities, plan_of
from kida.learning.plan import Plan
from kida.learning.preflight import check_run
from kida.learning.run import Run
from kida.learning.selection import finished_card
from kida.lock import locked
from kida.network.architecture import Weights
from kida.network.inheritance import greedy_soup, uniform_average
from kida.network.policy import Policy, holds_policy

#: Stands in an option for the base policy's folder.
BASE = "{base}"


@dataclass(frozen=True)
class Variant:
    """A policy to compare, as its difference from the base recipe's.

    Attributes
    ----------
    section, name
        Where its row is in the table, and what it says there. No two variants have one name.
    options
        Assignments as ``--set`` takes them; ``{base}`` in one is the base policy's folder.
    merged
        The generations whose weights are averaged; none after them is made.
    greedy
        Whether those of the greedy soup are averaged instead, out of ``merged``.
    expert_depth
        Depth to which strong branching decides in the policy; by default the first one of the
        recipe's ``inheritance.expert_depths``.
    shared
        The first so many generations have the base's episodes; by default all.
    reference
        Name of another variant that the policy is compared with, beside the base.
    """

    section: str
    name: str
    options: tuple[str, ...] = ()
    merged: tuple[int, ...] = (1, 2, 3)
    greedy: bool = False
    expert_depth: int | None = None
    shared: int | None = None
    reference: str | None = None


@dataclass(frozen=True)
class Entrant:
    """A variant with everything that follows from the recipe.

    Attributes
    ----------
    variant, config, makers
        What is made, the configuration of its run, and who makes generations of it otherwise than
        by imitation.
    run
        Folder of that run; several entrants may have the same.
    policy
        Folder of the policy; equal entrants have the same.
    expert_depth
        See :class:`Variant`.
    """

    variant: Variant
    config: RunConfig
    makers: Makers
    run: Path
    policy: Path
    expert_depth: int

    def makes(self) -> tuple[Path, tuple[int, ...], bool, int]:
        """Return what decides which policy it is."""
        return self.run, self.variant.merged, self.variant.greedy, self.expert_depth

    @property
    def shared(self) -> int:
        """The number of generations whose episodes are the base's."""
        last = max(self.variant.merged)
        return last if self.variant.shared is None else self.variant.shared


def expand(
    family: str, recipe: Path, options: Sequence[str], variants: Sequence[Variant], folder: Path
) -> list[Entrant]:
    """Return what each variant means; the first one is the base.

    Parameters
    ----------
    family, recipe, options
        The base's configuration, see :func:`kida.learning.config.read_config`.
    variants
        What to compare.
    folder
        Where everything is kept.

    Raises
    ------
    UserError
        If a configuration is not valid.
    ValueError
        If two variants have one name.
    """
    if len({variant.name for variant in variants}) < len(variants):
        raise ValueError("two variants have one name")
    base_policy = folder / "policies" / slug(variants[0].name)
    found: list[Entrant] = []
    for variant in variants:
        own = [option.replace(BASE, str(base_policy)) for option in variant.options]
        config, search = read_search(family, recipe, [*options, *own])
        name, depth = slug(variant.name), variant.expert_depth
        if depth is None:
            depth = config.inheritance.expert_depths[0]
        entrant = Entrant(
            variant,
            config,
            searches(search),
            folder / "runs" / name,
            folder / "policies" / name,
            depth,
        )
        for other in reversed(found):
            if (other.config, other.makers) == (config, entrant.makers):
                entrant = dataclasses.replace(entrant, run=other.run)
        for other in found:
            if entrant.makes() == other.makes():
                entrant = dataclasses.replace(entrant, policy=other.policy)
        found.append(entrant)
    return found


def make_policies(
    entrants: Sequence[Entrant],
    *,
    workers: Workers = ONE_AT_A_TIME,
    listener: Callable[[str, Event], None] = lambda run, event: None,
) -> list[Path]:
    """Make, or go on making, the policy of every entrant; return their folders in that order.

    Entrants that turn out to be the same policy, such as a greedy soup of one, have the same
    folder.

    Parameters
    ----------
    entrants
        From :func:`expand`.
    workers
        Worker processes, and threads while training.
    listener
        Gets every event of a run, after the run's name.

    Raises
    ------
    UserError
        See :func:`kida.learning.dagger.train`.
    """
    for entrant in entrants:
        if entrant.makers:
            check_library()
        # Those that need the base's policy are checked when that is made.
        if not any(BASE in option for option in entrant.variant.options):
            check_run(entrant.config, entrant.makers)
    folders: dict[str, Path] = {}
    found = []
    for entrant in entrants:
        if not holds_policy(entrant.policy):
            with locked(entrant.run):
                _make(entrant, entrants[0], workers, listener)
        identity = Policy.load(entrant.policy).identity()
        found.append(folders.setdefault(identity, entrant.policy))
    return found


def _make(
    entrant: Entrant, base: Entrant, workers: Workers, listener: Callable[[str, Event], None]
) -> None:
    """Make one policy."""
    variant, config, makers = entrant.variant, entrant.config, entrant.makers
    check_run(config, makers)
    run = Run(
        entrant.run,
        config,
        lambda event: listener(entrant.run.name, event),
        identities(makers),
    )
    if entrant.run != base.run and entrant.shared:
        share_episodes(base.run, run, range(1, entrant.shared + 1))
    plan = plan_of(config, makers, family_of_run(config.family, entrant.run))
    for number in range(1, max(variant.merged) + 1):
        make_generation(run, plan, number, makers=makers, workers=workers)
    parents = [Policy.load(run.generation(number) / "policy") for number in variant.merged]
    card = finished_card(
        parents[-1].card,
        config.inheritance,
        entrant.expert_depth,
        config.inheritance.expert_candidates[0],
    )
    weights, members = [parent.weights for parent in parents], variant.merged
    if variant.greedy:
        merged, members = _greedy(run, plan, [Policy(w, card) for w in weights], members, workers)
    else:
        merged = uniform_average(weights)
    recipe = {**card.recipe, "merged_generations": list(members)}
    Policy(merged, replaced(card, recipe=recipe)).save(entrant.policy)


def _greedy(
    run: Run, plan: Plan, parents: Sequence[Policy], numbers: Sequence[int], workers: Workers
) -> tuple[Weights, tuple[int, ...]]:
    """Return the greedy soup by reward on the recipe's selection instances, and who is in it."""
    draws = plan.selection(run.config.inheritance.instances)
    judge = Judge(
        run.config.collection.settings,
        run.config.inheritance.time_limit,
        draws,
        run.folder / "rewards",
        workers,
        run.report,
        run.config.collection.user_parameters,
    )
    soup = greedy_soup(
        [parent.weights for parent in parents],
        judge.race(parents, keep=len(parents)),
        lambda weights: judge.race([Policy(weights, parents[-1].card)])[0],
    )
    return soup.weights, tuple(sorted(numbers[member] for member in soup.members))
