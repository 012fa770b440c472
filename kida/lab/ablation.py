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
from kida.jobs.executor import open_executor
from kida.lab.search import check_library
from kida.learning.config import RunConfig, read_config
from kida.learning.dagger import make_generation
from kida.learning.episodes import share_episodes
from kida.learning.plan import Plan
from kida.learning.run import Event, Run
from kida.learning.selection import Judge, finished_card
from kida.network.architecture import Weights
from kida.network.inheritance import greedy_soup, uniform_average
from kida.network.policy import Policy

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
class Candidate:
    """A variant with everything that follows from the recipe.

    Attributes
    ----------
    variant, config
        What is made, and the configuration of its run.
    run
        Folder of that run; several candidates may have the same.
    policy
        Folder of the policy; equal candidates have the same.
    expert_depth
        See :class:`Variant`.
    """

    variant: Variant
    config: RunConfig
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
) -> list[Candidate]:
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
    found: list[Candidate] = []
    for variant in variants:
        own = [option.replace(BASE, str(base_policy)) for option in variant.options]
        config = read_config(family, recipe, [*options, *own])
        name, depth = slug(variant.name), variant.expert_depth
        if depth is None:
            depth = config.inheritance.expert_depths[0]
        candidate = Candidate(
            variant, config, folder / "runs" / name, folder / "policies" / name, depth
        )
        for other in reversed(found):
            if other.config == config:
                candidate = dataclasses.replace(candidate, run=other.run)
        for other in found:
            if candidate.makes() == other.makes():
                candidate = dataclasses.replace(candidate, policy=other.policy)
        found.append(candidate)
    return found


def make_policies(
    candidates: Sequence[Candidate],
    *,
    jobs: int = 1,
    listener: Callable[[str, Event], None] = lambda run, event: None,
) -> list[Path]:
    """Make, or go on making, the policy of every candidate; return their folders in that order.

    Candidates that turn out to be the same policy, such as a greedy soup of one, have the same
    folder.

    Parameters
    ----------
    candidates
        From :func:`expand`.
    jobs
        Worker processes, and threads while training.
    listener
        Gets every event of a run, after the run's name.

    Raises
    ------
    UserError
        See :func:`kida.learning.dagger.train`.
    """
    if any(candidate.config.search.generations for candidate in candidates):
        check_library()
    folders: dict[str, Path] = {}
    found = []
    for candidate in candidates:
        if not (candidate.policy / "card.json").exists():
            _make(candidate, candidates[0], jobs, listener)
        identity = Policy.load(candidate.policy).identity()
        found.append(folders.setdefault(identity, candidate.policy))
    return found


def _make(
    candidate: Candidate, base: Candidate, jobs: int, listener: Callable[[str, Event], None]
) -> None:
    """Make one policy."""
    variant, config = candidate.variant, candidate.config
    run = Run(candidate.run, config, lambda event: listener(candidate.run.name, event))
    if candidate.run != base.run and candidate.shared:
        share_episodes(base.run, run, range(1, candidate.shared + 1))
    plan = Plan(config)
    for number in range(1, max(variant.merged) + 1):
        make_generation(run, plan, number, jobs=jobs)
    parents = [Policy.load(run.generation(number) / "policy") for number in variant.merged]
    card = finished_card(
        parents[-1].card,
        config.inheritance,
        candidate.expert_depth,
        config.inheritance.expert_candidates[0],
    )
    weights, members = [parent.weights for parent in parents], variant.merged
    if variant.greedy:
        merged, members = _greedy(run, plan, [Policy(w, card) for w in weights], members, jobs)
    else:
        merged = uniform_average(weights)
    recipe = {**card.recipe, "merged_generations": list(members)}
    Policy(merged, replaced(card, recipe=recipe)).save(candidate.policy)


def _greedy(
    run: Run, plan: Plan, parents: Sequence[Policy], numbers: Sequence[int], jobs: int
) -> tuple[Weights, tuple[int, ...]]:
    """Return the greedy soup by reward on the recipe's selection instances, and who is in it."""
    draws = plan.selection(run.config.inheritance.instances)
    with open_executor(jobs) as executor:
        judge = Judge(run.config, draws, run.folder / "rewards", executor, run.report)
        soup = greedy_soup(
            [parent.weights for parent in parents],
            judge.race(parents, keep=len(parents)),
            lambda weights: judge.race([Policy(weights, parents[-1].card)])[0],
        )
    return soup.weights, tuple(sorted(numbers[member] for member in soup.members))
