"""What a family of instances is: plain data and the interface that every family follows.

A new family is one new file with an object that follows :class:`GeneratedFamily`, and one line in
``kida.instances.registry``. Nothing here knows a particular family.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kida.errors import UserError
from kida.instances.program import Program
from kida.sense import Sense

SPLITS = ("train", "valid", "test")


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
        What :func:`kida.instances.registry.family` accepts: a family's name or, for files, the
        folder or pattern.
    size, split, index
        Where the instance stands in its family; ``index`` counts from 0 within the split.
    path
        The file that holds the problem, absolute; None for a generated instance.
    """

    name: str
    family: str
    size: str
    split: str
    index: int
    path: str | None = None


class Family(Protocol):
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

    def sense(self, instance: Instance) -> Sense:
        """Return the direction of optimization, without building a model."""

    def bounds(self, instance: Instance) -> Bounds:
        """Return the initial bounds known without a solve."""


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
