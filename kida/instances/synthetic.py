"""What the families drawn by this package (not by a competition) have in common.

A family is a name, a line of description, sizes with their parameters, and a function from those
and a random source to a program. The splits are as long as in learn2branch (Gasse et al. 2019).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kida.instances.family import Bounds, Instance, check_place, check_split
from kida.instances.program import Program
from kida.instances.source import Source
from kida.sense import Sense

_LENGTH = {"train": 10000, "valid": 2000, "test": 2000}


@dataclass(frozen=True)
class Synthetic:
    """A family of generated instances; follows :class:`kida.instances.family.GeneratedFamily`.

    Attributes
    ----------
    name, description
        As in :class:`kida.instances.family.Family`.
    draw
        ``draw(name, source, **parameters)`` returns the program called ``name``; it refuses
        parameters that make no sense with a :class:`kida.errors.UserError`.
    parameters
        The parameters of each size, the default size first.
    direction
        Direction of optimization.
    """

    name: str
    description: str
    draw: Callable[..., Program]
    parameters: Mapping[str, Mapping[str, Any]]
    direction: Sense = "minimize"

    @property
    def sizes(self) -> tuple[str, ...]:
        """The sizes offered, the default one first."""
        return tuple(self.parameters)

    def length(self, split: str) -> int:
        """Return the number of instances in ``split``: 10000, 2000 and 2000."""
        check_split(split)
        return _LENGTH[split]

    def instance(self, size: str, split: str, index: int) -> Instance:
        """Return instance ``index`` of ``split``."""
        check_place(self, size, split, index)
        name = f"{self.name}_{size}_{split}_{index}"
        return Instance(name, self.name, size, split, index)

    def program(self, instance: Instance) -> Program:
        """Draw the instance."""
        return self.draw(instance.name, Source.of(instance), **self.parameters[instance.size])

    def sense(self, instance: Instance) -> Sense:
        """Return the family's direction."""
        return self.direction

    def bounds(self, instance: Instance) -> Bounds:
        """Return that no bound is known without a solve."""
        return Bounds(None, None)
