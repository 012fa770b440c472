"""What former solves leave to later ones: starting values, and pseudocosts of the variables.

A problem that comes again every day a little changed has the same variables, and often much the
same solutions. What the best solutions of the surveyed files agree on is handed to SCIP as a
partial solution, of which its heuristic "completesol" looks for the rest; and what the solves of
the levers' race have learned of each variable's pseudocosts is what its pseudocost rule begins
with. Both are levers. They race with the policies, on other files than those they are from.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from kida.boundary import find_json, replaced, write_json
from kida.evaluation.records import Finished
from kida.network.card import LARGEST_CARD, LONGEST_VARIABLE, Pseudocosts, Start

MEMORY_FILE = "memory.json"
# Files that something has to be common to, and the least share of the integer variables.
_LEAST_FILES, _LEAST_SHARE = 3, 0.2
# Of a card, the part that either may take, and the bytes of one beside its name.
_OF_CARD, _BESIDE_NAME = 0.4, 40
# Digits of a pseudocost.
_DIGITS = 6


class Memory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is remembered, as it is on cards: see :class:`kida.network.card.Card`."""

    start: Start = {}
    pseudocosts: Pseudocosts = {}


def common_values(records: Iterable[Finished]) -> dict[str, float]:
    """Return the values on which the best solutions of all runs agree; none if that is little.

    Parameters
    ----------
    records
        Of runs on different files, with the values of the integer variables; those without a
        solution say nothing.
    """
    found = [record.integers for record in records if record.integers]
    if len(found) < _LEAST_FILES:
        return {}
    first, *others = found
    common = {
        name: value
        for name, value in first.items()
        if len(name) <= LONGEST_VARIABLE and all(other.get(name) == value for other in others)
    }
    little = len(common) < _LEAST_SHARE * max(map(len, found))
    return {} if little or not _has_room(common) else common


def common_pseudocosts(records: Iterable[Finished]) -> Pseudocosts:
    """Return the means of what all runs have learned; none if the files' variables are others.

    Parameters
    ----------
    records
        Of runs with what they have learned, on several files.
    """
    files: dict[str, set[str]] = {}
    costs: dict[str, tuple[list[float], list[float]]] = {}
    for record in records:
        for name, pair in record.pseudocosts.items():
            if len(name) > LONGEST_VARIABLE:
                continue
            files.setdefault(name, set()).add(record.job.instance.name)
            for known, cost in zip(costs.setdefault(name, ([], [])), pair, strict=True):
                if cost is not None:
                    known.append(cost)
    again = sum(len(names) > 1 for names in files.values())
    if len(set().union(*files.values())) < _LEAST_FILES or 2 * again < len(files):
        return {}
    found = {name: (_mean(down), _mean(up)) for name, (down, up) in costs.items()}
    return found if _has_room(found) else {}


def _mean(costs: list[float]) -> float | None:
    return float(f"{sum(costs) / len(costs):.{_DIGITS}g}") if costs else None


def _has_room(by_name: Iterable[str]) -> bool:
    """Return whether a card has room for something of each of these variables."""
    return sum(len(name.encode()) + _BESIDE_NAME for name in by_name) <= _OF_CARD * LARGEST_CARD


def remember(folder: Path, **found: Mapping[str, object]) -> None:
    """Keep what was found, by the names of :class:`Memory`, in the folder of those that race."""
    write_json(folder / MEMORY_FILE, replaced(remembered(folder), **found))


def remembered(folder: Path) -> Memory:
    """Return what is kept in a folder; nothing where nothing is."""
    return find_json(folder / MEMORY_FILE, Memory, "what a tuning remembers") or Memory()
