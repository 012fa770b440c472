"""What a family of instances is, the registry of families, and the two look-ups users need.

A new family is one new file with a class that follows :class:`Family`, and one line in
``_FAMILIES`` below. Nothing here knows a particular family.
"""

import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from kida.errors import UserError
from kida.instances.program import Program, Sense

SPLITS = ("train", "valid", "test")

# name -> module with a class `FAMILY`: modules are imported only when a family is asked for.
_FAMILIES = {
    "item_placement": "kida.instances.item_placement",
    "load_balancing": "kida.instances.load_balancing",
    "set_cover": "kida.instances.set_cover",
    "combinatorial_auction": "kida.instances.combinatorial_auction",
    "facility_location": "kida.instances.facility_location",
    "independent_set": "kida.instances.independent_set",
    "maritime_inventory_routing": "kida.instances.maritime_inventory_routing",
    "fixed_charge_network": "kida.instances.fixed_charge_network",
}


class Bounds(NamedTuple):
    """Initial bounds of an instance as the competition defines them; None is "not known".

    ``dual`` is the bound after the root node, ``primal`` the objective of the first solution
    SCIP finds.
    """

    dual: float | None
    primal: float | None


@dataclass(frozen=True)
class Instance:
    """One problem, by name: plain data, picklable, the same on every machine.

    Attributes
    ----------
    name
        Unique name within the family, such as ``item_placement_10000``; also the stem of the
        file that ``kida generate`` writes.
    family
        What :func:`family` accepts: a family's name or, for files, the folder or pattern.
    size, split, index
        Where the instance stands in its family; ``index`` counts from 0 within the split.
    path
        The file that holds the problem, or None for a generated instance.
    """

    name: str
    family: str
    size: str
    split: str
    index: int
    path: Path | None = None

    def model(self) -> Any:
        """Build a fresh, quiet ``pyscipopt.Model`` of the problem with no parameters set."""
        return self._source().model(self)

    @property
    def sense(self) -> Sense:
        """Direction of optimization, ``"minimize"`` or ``"maximize"``."""
        return self._source().sense(self)

    @property
    def bounds(self) -> Bounds:
        """Initial dual and primal bounds: looked up or in closed form, never by a solve."""
        return self._source().bounds(self)

    def _source(self) -> "Problems":
        if self.path is not None:
            # The folder need not be searched again for a file that is known.
            from kida.instances.files import FILES

            return FILES
        return generated_family(self.family)

    @property
    def initial_dual_bound(self) -> float | None:
        """The dual bound of the root node, or None when it is not known without a solve."""
        return self.bounds.dual

    @property
    def initial_primal_bound(self) -> float | None:
        """The objective of the first solution SCIP finds, or None when it is not known."""
        return self.bounds.primal


class Problems(Protocol):
    """What turns an :class:`Instance` into a problem."""

    def model(self, instance: Instance) -> Any:
        """Build the ``pyscipopt.Model`` of ``instance``."""

    def sense(self, instance: Instance) -> Sense:
        """Return the direction of optimization, without building a model."""

    def bounds(self, instance: Instance) -> Bounds:
        """Return the initial bounds known without a solve."""


class Family(Problems, Protocol):
    """A source of instances.

    ``sizes`` names the sizes offered, the default one first; ``description`` is one line.
    """

    @property
    def name(self) -> str:
        """The name under which the registry knows the family."""

    @property
    def description(self) -> str:
        """One line for listings."""

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes offered, the default one first."""

    def length(self, split: str) -> int:
        """Return the number of instances in ``split``; a UserError if there is no such split."""

    def instance(self, size: str, split: str, index: int) -> Instance:
        """Return instance ``index`` (from 0) of ``split``; cheap, nothing is built."""


class GeneratedFamily(Family, Protocol):
    """A family whose instances are drawn by this package, and can be written to files."""

    def program(self, instance: Instance) -> Program:
        """Draw ``instance``."""


def family_names() -> tuple[str, ...]:
    """Return the names of the generated families, in the order of the documentation."""
    return tuple(_FAMILIES)


@cache
def _generated(name: str) -> GeneratedFamily:
    return cast(GeneratedFamily, importlib.import_module(_FAMILIES[name]).FAMILY)


def generated_family(name: str) -> GeneratedFamily:
    """Return the generated family called ``name``.

    Raises
    ------
    UserError
        If there is no such family.
    """
    if name not in _FAMILIES:
        known = ", ".join(_FAMILIES)
        raise UserError(f"there is no family {name!r}; choose one of {known}")
    return _generated(name)


def family(name_or_path: str) -> Family:
    """Return the family with this name, or the one made of the files at this path.

    Parameters
    ----------
    name_or_path
        A name of :func:`family_names`; or a folder, a file or a glob pattern of
        .mps/.lp/.cip files (also .gz).

    Raises
    ------
    UserError
        If it is neither.
    """
    if name_or_path in _FAMILIES:
        return _generated(name_or_path)
    from kida.instances.files import FilesFamily

    return FilesFamily(name_or_path)


def instances(
    name_or_path: str,
    split: str = "test",
    start: int = 0,
    count: int | None = None,
    size: str | None = None,
) -> list[Instance]:
    """List ``count`` instances of a family from ``start`` on; cheap, nothing is built.

    Parameters
    ----------
    name_or_path
        As for :func:`family`.
    split
        ``"train"``, ``"valid"`` or ``"test"``; for files also ``"all"``.
    start
        First index within the split, from 0.
    count
        Number of instances; None means all that follow.
    size
        One of the family's sizes; None means its first.

    Raises
    ------
    UserError
        If the family, the size or the split is unknown, or the range is not within the split.
    """
    chosen = family(name_or_path)
    size = chosen.sizes[0] if size is None else size
    length = chosen.length(split)
    stop = length if count is None else start + count
    if start < 0 or stop > length or stop < start:
        raise UserError(
            f"{name_or_path} has {length} instances in its {split} split; "
            f"the range from {start} to {stop} (exclusive) does not lie within 0 to {length}"
        )
    return [chosen.instance(size, split, index) for index in range(start, stop)]


def check_split(split: str) -> None:
    """Raise a UserError unless ``split`` is one of the three splits."""
    if split not in SPLITS:
        raise UserError(f"there is no split {split!r}; choose one of {', '.join(SPLITS)}")


def check_place(family: Family, size: str, split: str, index: int) -> None:
    """Raise a UserError unless ``family`` has an instance at ``size``, ``split``, ``index``."""
    if size not in family.sizes:
        raise UserError(
            f"{family.name} has no size {size!r}; choose one of {', '.join(family.sizes)}"
        )
    check_split(split)
    length = family.length(split)
    if not 0 <= index < length:
        raise UserError(
            f"{family.name} has {length} instances in its {split} split; "
            f"index {index} is not between 0 and {length - 1}"
        )
