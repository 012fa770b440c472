"""What the competition's two generated sets share: file numbers and published initial bounds.

The bounds of the 200 test instances are facts of the protocol (the primal one is the objective
limit, the dual one the floor of the reward), and SCIP 7.0.3, which found them, is not what runs
here. ``competition_bounds.csv`` holds the columns ``initial_dual_bound`` and
``initial_primal_bound`` of the official result files of the dual task; the files of all 23 teams
agree on every value.
"""

import csv
from abc import ABC, abstractmethod
from functools import cache
from importlib.resources import files

from kida.instances.family import Bounds, Instance, check_place, check_split
from kida.instances.program import Program
from kida.sense import Sense

_FIRST = {"train": 0, "valid": 9900, "test": 10000}
_LENGTH = {"train": 9900, "valid": 100, "test": 100}


@cache
def _table() -> dict[tuple[str, int], Bounds]:
    text = files("kida.instances").joinpath("competition_bounds.csv").read_text(encoding="utf-8")
    return {
        (row["family"], int(row["number"])): Bounds(
            float(row["dual_bound"]), float(row["primal_bound"])
        )
        for row in csv.DictReader(text.splitlines())
    }


def published_bounds(family: str, number: int) -> Bounds | None:
    """Return the published bounds of the file ``<family>_<number>``; None if there are none."""
    return _table().get((family, number))


def file_number(instance: Instance) -> int:
    """Return the number in the name of the competition's file."""
    return _FIRST[instance.split] + instance.index


class CompetitionFamily(ABC):
    """A set of the competition: 9900 + 100 + 100 numbered files of one size, minimized."""

    name: str
    description: str
    sizes: tuple[str, ...] = ("official",)

    def length(self, split: str) -> int:
        """Return the number of instances in ``split``: 9900, 100 and 100."""
        check_split(split)
        return _LENGTH[split]

    def instance(self, size: str, split: str, index: int) -> Instance:
        """Return the competition's file number ``first of split + index``."""
        check_place(self, size, split, index)
        return Instance(f"{self.name}_{_FIRST[split] + index}", self.name, size, split, index)

    def sense(self, instance: Instance) -> Sense:
        """Return ``"minimize"``."""
        return "minimize"

    @abstractmethod
    def bounds(self, instance: Instance) -> Bounds:
        """Return the published bounds, or those that need no solve."""

    @abstractmethod
    def program(self, instance: Instance) -> Program:
        """Draw the instance."""
