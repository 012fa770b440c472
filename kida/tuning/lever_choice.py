"""Which levers are tried where the time goes so, and which go together."""

from collections import Counter
from collections.abc import Iterable

from kida.errors import UserError
from kida.parameters import ParameterValue
from kida.tuning.levers import LEAST_SHARE, LEVERS, Lever, Shares, check_names

# How much is expected of levers that are about no part's time, as if it were a share.
_GENERAL = 0.1


def applicable(shares: Shares, *, tree: bool = True) -> list[Lever]:
    """Return the levers that may help where the time goes so, in the order to try them.

    What former solves have left is not among them.

    Without a ``tree``, only those that can do something before the first branching.

    A second lever of a kind promises half of what its part's share says, a third one a third: with
    little time several kinds are tried, but a second lever on what takes most comes early.
    """

    def promise(lever: Lever) -> float:
        share = 0.0 if lever.part is None else shares.get(lever.part, 0.0)
        return max(share, _GENERAL) if lever.always else share

    found = [
        lever
        for lever in LEVERS.values()
        # What former solves have left has to race on other files.
        if not lever.remembers and promise(lever) >= LEAST_SHARE and (tree or lever.at_root)
    ]
    # Stable sorts: of equals, the registry's order holds.
    found.sort(key=promise, reverse=True)
    seen: Counter[str] = Counter()
    worth = {}
    for lever in found:
        seen[lever.kind] += 1
        worth[lever.name] = promise(lever) / seen[lever.kind]
    return sorted(found, key=lambda lever: worth[lever.name], reverse=True)


def beside_network(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of the levers that matter where a network takes every decision."""
    return tuple(name for name in names if LEVERS[name].kind != "branching")


def combined(names: Iterable[str]) -> dict[str, ParameterValue]:
    """Return the parameters of several levers together.

    Raises
    ------
    UserError
        If there is no lever of a name, or two are of one kind.
    """
    found: dict[str, ParameterValue] = {}
    kinds: dict[str, str] = {}
    for name in names:
        check_names([name])
        lever = LEVERS[name]
        if lever.kind in kinds:
            raise UserError(f"{kinds[lever.kind]} and {name} are both about {lever.kind}")
        kinds[lever.kind] = name
        found |= lever.parameters
    return found
