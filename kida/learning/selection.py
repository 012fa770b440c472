"""Choosing the final policy by its reward in the solver.

Generations, merged networks and the depth to which strong branching helps are all compared by
solving, which is what a ``Judge`` does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kida.boundary import replaced
from kida.learning.config import InheritanceConfig
from kida.learning.events import Listener, Rewarded, log_event
from kida.learning.judge import Judge
from kida.network.architecture import Weights
from kida.network.card import Card
from kida.network.inheritance import best_parents, greedy_soup, uniform_average
from kida.network.policy import Policy
from kida.sense import sign


@dataclass(frozen=True, eq=False)
class Selection:
    """What was chosen.

    Attributes
    ----------
    weights
        Of the final network.
    generations
        The generations in it, counted from 1.
    expert_depth, expert_candidates
        For the policy's card.
    rewards
        What was measured: name to mean reward.
    """

    weights: Weights
    generations: tuple[int, ...]
    expert_depth: int
    expert_candidates: int
    rewards: dict[str, float]


def select(
    options: InheritanceConfig,
    generations: Sequence[Policy],
    judge: Judge,
    report: Listener = log_event,
) -> Selection:
    """Merge the generations and choose the expert's depth, by reward.

    Parameters
    ----------
    options
        How to merge, and which experts to try.
    generations
        The policies, first generation first.
    judge
        Measures rewards.
    report
        Gets an event for every policy measured.

    Returns
    -------
    Selection
        The merged network, or the best single one if that has the higher reward.
    """
    measured: dict[str, float] = {}

    def note(name: str, reward: float) -> None:
        measured[name] = reward
        bound = None if judge.relative else sign(judge.sense) * reward
        report(Rewarded(policy=name, reward=reward, bound=bound))

    first = len(generations) if options.method == "last" else 1
    numbers = range(first, len(generations) + 1)
    experts = _experts(options)
    parents = [_asking(generations[number - 1], options, *experts[0]) for number in numbers]
    rewards = [0.0]
    if len(parents) > 1:
        rewards = judge.race(parents, options.count)
        for number, reward in zip(numbers, rewards, strict=True):
            note(f"generation {number}", reward)
    chosen, members = _merge(options, parents, rewards, judge, note)
    expert = experts[0]
    if len(experts) > 1:
        rewards = judge.race([_asking(chosen, options, *expert) for expert in experts])
        for (depth, candidates), reward in zip(experts, rewards, strict=True):
            note(f"expert to depth {depth}, candidates {candidates or 'all'}", reward)
        expert = experts[best_parents(rewards, 1)[0]]
    merged = tuple(sorted(numbers[member] for member in members))
    return Selection(chosen.weights, merged, *expert, measured)


def _experts(options: InheritanceConfig) -> list[tuple[int, int]]:
    """Return the depths and lengths of the shortlist to try, those to compare under first."""
    return [
        (depth, candidates)
        for depth in options.expert_depths
        for candidates in (options.expert_candidates if depth >= 0 else (0,))
    ]


def _asking(policy: Policy, options: InheritanceConfig, depth: int, candidates: int) -> Policy:
    return Policy(policy.weights, finished_card(policy.card, options, depth, candidates))


def _merge(
    options: InheritanceConfig,
    parents: Sequence[Policy],
    rewards: Sequence[float],
    judge: Judge,
    note: Callable[[str, float], None],
) -> tuple[Policy, tuple[int, ...]]:
    """Return the merged policy, or the best parent if that is better, and who is in it."""
    card, weights = parents[-1].card, [parent.weights for parent in parents]
    if options.method == "greedy" and len(parents) > 1:
        best = best_parents(rewards, 1)[0]

        def gain(merged: Weights) -> float:
            """Return the reward beyond the best parent's, whose solves are there."""
            reward, of_best = judge.race([Policy(merged, card), parents[best]], keep=2)
            return reward - of_best

        soup = greedy_soup(weights, [reward - rewards[best] for reward in rewards], gain)
        members, merged = soup.members, soup.weights
    else:
        members = tuple(best_parents(rewards, options.count))
        merged = uniform_average([weights[member] for member in members])
    if len(members) == 1:
        return parents[members[0]], members
    found = Policy(merged, parents[members[0]].card)
    best = best_parents(rewards, 1)[0]
    # Together, so that both have the same instances; the parent's solves are there.
    reward, of_best = judge.race([found, parents[best]], keep=2)
    # Beside those of the parents, which raced on their own.
    note("merged", rewards[best] + reward - of_best)
    return (parents[best], (best,)) if of_best > reward else (found, members)


def finished_card(card: Card, options: InheritanceConfig, depth: int, candidates: int) -> Card:
    """Return the card under which a policy is judged and used.

    It asks strong branching down to ``depth``, -1 meaning never, and brings the parameters of
    ``options`` beside those it was trained under.
    """
    asked = depth >= 0
    return replaced(
        card,
        expert_depth=depth,
        expert_candidates=candidates if asked else 0,
        expert_iterations=options.expert_iterations if asked else 0,
        parameters={**card.parameters, **options.parameters},
    )
