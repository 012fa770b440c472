"""Starting values: what the solutions of some files have in common, for the search on others.

A problem that comes again every day a little changed often has much the same solutions. What the
best ones of the surveyed files agree on is handed to SCIP as a partial solution, of which its
heuristic "completesol" looks for the rest; nothing is bound to it. It is raced on other files than
those it is from, to which it would hand their own solutions: with the policies, after the levers.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from kida.boundary import read_json, write_json
from kida.evaluation.records import Finished
from kida.network.card import LARGEST_CARD, Start

START_FILE = "start.json"
# Solutions that something has to be common to, and the least share of the integer variables.
_LEAST_SOLUTIONS, _LEAST_SHARE = 3, 0.2
# Of a card, the part that starting values may take, and the bytes of one beside its name.
_OF_CARD, _BESIDE_NAME = 0.5, 16


class Common(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``start.json``: values by the variables' names."""

    values: Start


def common_values(records: Iterable[Finished]) -> dict[str, float]:
    """Return the values on which the best solutions of all runs agree; none if that is little.

    Parameters
    ----------
    records
        Of runs on different files, with the values of the integer variables; those without a
        solution say nothing.
    """
    found = [record.integers for record in records if record.integers]
    if len(found) < _LEAST_SOLUTIONS:
        return {}
    first, *others = found
    common = {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }
    if len(common) < _LEAST_SHARE * max(map(len, found)):
        return {}
    size = sum(len(name.encode()) + _BESIDE_NAME for name in common)
    return common if size <= _OF_CARD * LARGEST_CARD else {}


def keep_start(folder: Path, values: Mapping[str, float]) -> None:
    """Keep starting values in the folder of those that race."""
    write_json(folder / START_FILE, Common(values))


def kept_start(folder: Path) -> Start:
    """Return the starting values that are kept in a folder; none if there are none."""
    try:
        return read_json(folder / START_FILE, Common, "a tuning's starting values").values
    except FileNotFoundError:
        return {}
