"""A policy's card: what the network is, how it was made and what it was measured to do, as data.

There may be no network: such a policy is SCIP's own branching under the parameters that the card
brings, which is what tuning a problem may well end with (``kida.tuning``).

A card is read like any file from elsewhere, see ``kida.boundary``: nothing in it is a command, and
the SCIP parameters it brings are those that ``kida.parameters`` allows. To add to it, add a field
with a default: cards without it stay readable, but older kidas refuse those that have it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta, field

from kida.boundary import Seed, convert, plain, read_json
from kida.errors import UserError
from kida.network.architecture import Architecture
from kida.observation import SCHEMA_VERSION
from kida.parameters import ParameterValue, check_parameters
from kida.rule import Decision

#: Bytes that a card may have: long recipes and many results are some ten thousand.
LARGEST_CARD = 1 << 20

#: The longest name of a variable on a card.
LONGEST_VARIABLE = 1000
_Variable = Annotated[str, Meta(max_length=LONGEST_VARIABLE)]
#: The value of a variable: integers beyond are none any more in floating point.
Value = Annotated[float, Meta(ge=-1e15, le=1e15)]
#: A pseudocost: of a unit, in the objective; None where nobody knows.
Cost = Annotated[float, Meta(ge=0.0, le=1e15)] | None
#: Values of variables that a search begins from, by their names.
Start = Mapping[_Variable, Value]
#: What a unit down and a unit up has cost on average, by the variables' names.
Pseudocosts = Mapping[_Variable, tuple[Cost, Cost]]

_BY_SCIP = Decision()
_Results = Annotated[tuple[dict[str, Any], ...], Meta(max_length=1000)]


class Card(Decision, frozen=True, forbid_unknown_fields=True):
    """What a policy is, how it was made and what it was measured to do.

    Who decides at a node, in the fields of :class:`kida.rule.Decision`, is part of it.

    Attributes
    ----------
    architecture
        The network's shape; None without a network.
    parameters
        SCIP parameters that the policy was trained under and brings along, by name: attaching it
        sets them.
    recipe
        How it was trained: whatever is needed to do it again.
    seeds
        The seeds of that training.
    scip_version
        The SCIP that produced the training data, such as ``"10.0.0"``; empty if unknown.
    results
        Measured results, each with the command that measured it.
    start
        Values of some variables that a search begins from, by name, for problems whose variables
        are always the same: SCIP looks for solutions that have them, and is bound to none.
    pseudocosts
        What former solves of such problems have learned of the variables, by name: SCIP's rules
        begin with it, as with one observation of each.

    Raises
    ------
    UserError
        If a parameter is none that a card may set, or there is no network and yet something that
        decides in its place.
    """

    architecture: Architecture | None = field(default_factory=Architecture)
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seeds: Annotated[tuple[Seed, ...], Meta(max_length=10_000)] = ()
    scip_version: Annotated[str, Meta(max_length=100)] = ""
    results: _Results = ()
    start: Start = field(default_factory=dict)
    pseudocosts: Pseudocosts = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_parameters(self.parameters, "the policy's card")
        if self.architecture is None:
            for name in Decision.__struct_fields__:
                if getattr(self, name) != getattr(_BY_SCIP, name):
                    raise UserError(
                        f"the policy's card has no network, and {name} says how one would be used: "
                        "restore the original file"
                    )

    @property
    def schema_version(self) -> int:
        """The version of the observation schema that the network reads; 1 without one."""
        return 1 if self.architecture is None else self.architecture.schema_version

    @property
    def shape(self) -> Architecture:
        """The network's shape, of a policy that has one.

        Raises
        ------
        UserError
            If there is no network.
        """
        if self.architecture is None:
            raise UserError(
                "this policy has no network, only SCIP parameters: it can solve, and neither "
                "score candidates nor be trained on; name one with a network"
            )
        return self.architecture

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON content; :func:`card_from` reads it back."""
        content: dict[str, Any] = plain(self)
        first = ("architecture", *Decision.__struct_fields__)
        version = {"schema_version": self.schema_version}
        return version | {name: content.pop(name) for name in first} | content


def read_card(path: Path) -> Card:
    """Read a card.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    UserError
        If it is too large, no JSON, of a version unknown here or not its network's, or a field is
        unknown, missing or wrong; the message names the file and the field.
    """
    content = read_json(path, dict[str, Any], "a policy's card", largest=LARGEST_CARD)
    return card_from(content, f"{path} is not a policy's card")


def card_from(content: Mapping[str, Any], trouble: str = "this is not a policy's card") -> Card:
    """Return the card that parsed JSON describes; ``trouble`` begins the message if none.

    Raises
    ------
    UserError
        As :func:`read_card`.
    """
    if "kind" in content:
        raise UserError(
            f"{trouble} with a network: it is of the kind {repr(content['kind'])[:50]}, which "
            "steers SCIP's own rule; name a policy with a network"
        )
    if "schema_version" not in content:
        raise UserError(f"{trouble}: it has no schema_version; restore the original file")
    content = dict(content)
    version = content.pop("schema_version")
    # The version comes first: the fields of another version cannot be judged here.
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise UserError(
            f"{trouble}: it has schema version {repr(version)[:50]}, and this kida reads versions "
            f"1 to {SCHEMA_VERSION}: use the kida that wrote it, or train anew"
        )
    card = convert(_renamed(content), Card, trouble)
    if version != card.schema_version:
        shape = card.architecture
        kind = "with" if shape is not None and shape.candidate_features else "without"
        what = (
            "a card without a network" if shape is None else f"a network {kind} candidate features"
        )
        raise UserError(
            f"{trouble}: it has schema version {version}, but {what} is of version "
            f"{card.schema_version}: restore the original file"
        )
    return card


def _renamed(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content in today's names: candidate features were once called statistics."""
    shape = content.get("architecture")
    if isinstance(shape, dict) and "statistics" in shape and "candidate_features" not in shape:
        shape = {"candidate_features" if k == "statistics" else k: x for k, x in shape.items()}
        return {**content, "architecture": shape}
    return content
