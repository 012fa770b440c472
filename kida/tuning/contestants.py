"""Who races: combinations of levers, and networks used in several ways, as policies on disk.

A policy that races is the one that is delivered if it wins: the same card, the same weights. To add
a way of using a network, add an entry to ``WAYS``.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kida.boundary import replaced
from kida.errors import UserError
from kida.learning.dagger import scip_version
from kida.network.card import Card
from kida.network.policy import Policy, holds_policy
from kida.network.steering import AnyPolicy, Steering, load_policy
from kida.tuning.lever_choice import beside_network, combined
from kida.tuning.levers import LEVERS, PSEUDOCOSTS, START
from kida.tuning.memory import Memory, remembered
from kida.tuning.standings import Contestant, Standing

#: What joins the names of levers, and of levers and a network.
PLUS = " + "
#: The name of SCIP's reliability branching, steered by a small model.
STEERED = "steered"


class Way(NamedTuple):
    """A way of using a network: what it means, what the card then says, and who else branches.

    ``leaves_some`` tells whether SCIP's own rules still decide somewhere.
    """

    meaning: str
    card: Mapping[str, Any]
    leaves_some: bool = False


#: Name to way, simplest first: of equals the first is taken.
WAYS: Mapping[str, Way] = MappingProxyType(
    {
        "network": Way("the network branches everywhere", {}),
        "network-top": Way(
            "the network branches down to depth 8, SCIP's reliability branching below",
            {"network_depth": 8},
            leaves_some=True,
        ),
        "network-shortlist": Way(
            "SCIP's reliability branching chooses among the network's best 6 candidates",
            {"shortlist": 6},
            leaves_some=True,
        ),
        "network-strong": Way(
            "strong branching chooses of the network's best 8 down to depth 2, the network below",
            {"expert_depth": 2, "expert_candidates": 8},
        ),
    }
)


def of_levers(folder: Path, names: Sequence[str]) -> Contestant:
    """Return the contestant of these levers alone, its policy written below ``folder``."""
    title = PLUS.join(names)
    card = Card(
        None,
        parameters=combined(names),
        **_memory(folder, names),
        recipe={"levers": list(names)},
        scip_version=scip_version(),
    )
    return _written(folder, title, Policy({}, card), tuple(names))


def of_network(
    folder: Path, policy: Policy, levers: Sequence[str], way: str, note: str = ""
) -> Contestant:
    """Return the contestant of a network under some levers, its policy written below ``folder``.

    Parameters
    ----------
    folder
        Where contestants are.
    policy
        The network, and how it was made.
    levers
        Names; those of SCIP's branching rules are left out where these decide nowhere.
    way
        A name of :data:`WAYS`.
    note
        What tells it from another network, for its name.
    """
    if not WAYS[way].leaves_some:
        levers = beside_network(levers)
    card = replaced(
        policy.card,
        parameters=combined(levers),
        **_memory(folder, levers),
        recipe={**policy.card.recipe, "levers": list(levers), "way": way},
        **WAYS[way].card,
    )
    title = PLUS.join((way + note, *levers))
    return _written(folder, title, Policy(policy.weights, card), tuple(levers))


def of_steering(folder: Path, policy: Steering, levers: Sequence[str]) -> Contestant:
    """Return the contestant of a model that steers SCIP's reliability branching under levers.

    Parameters
    ----------
    folder, levers
        See :func:`of_network`; those of SCIP's branching rules are left out.
    policy
        The model.
    """
    levers = beside_network(levers)
    card = replaced(
        policy.card,
        parameters=combined(levers),
        recipe={**policy.card.recipe, "levers": list(levers)},
    )
    title = PLUS.join((STEERED, *levers))
    return _written(folder, title, Steering(policy.weights, card), tuple(levers))


def _memory(folder: Path, levers: Sequence[str]) -> dict[str, Any]:
    """Return what the levers bring of former solves, as a card has it."""
    found = remembered(folder) if START in levers or PSEUDOCOSTS in levers else Memory()
    return {
        "start": found.start if START in levers else {},
        "pseudocosts": found.pseudocosts if PSEUDOCOSTS in levers else {},
    }


def _written(folder: Path, title: str, policy: AnyPolicy, levers: tuple[str, ...]) -> Contestant:
    home = (folder / title.replace(PLUS, "+").replace(" ", "-")).absolute()
    if not holds_policy(home):
        policy.save(home)
    elif load_policy(home).identity() != policy.identity():
        raise UserError(
            f"{home} holds another policy than this tuning made there; begin a new one with "
            "another --out"
        )
    return Contestant(title, str(home), levers)


def extensions(base: Sequence[str], names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return ``base`` with each other lever added, in place of one of its kind if there is one."""
    return [
        (*(other for other in base if LEVERS[other].kind != LEVERS[name].kind), name)
        for name in names
        if name not in base
    ]


def simplest(standings: Iterable[Standing], same: float = 0.02) -> Standing | None:
    """Return the best that is better than the default, or a simpler one that is as good.

    Parameters
    ----------
    standings
        In any order.
    same
        Ratios so near to each other, relatively, are as good.
    """
    found = sorted(standings, key=lambda entry: entry.ratio)
    if not found:
        return None
    as_good = [entry for entry in found if entry.ratio <= found[0].ratio * (1 + same)]
    return min(as_good, key=lambda entry: (_has_network(entry), len(entry.levers)))


def _has_network(entry: Standing) -> bool:
    return load_policy(entry.policy).has_network
