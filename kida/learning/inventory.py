"""The files that a run works on: listed when it begins, so that it goes on with the same ones.

A folder may change between two starts of a run. What is added later is no part of the run, and what
is missing or changed is refused: a run would train on what it validates on, or on other problems
under the same names.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from kida.boundary import LARGE_FILE, Natural, find_json, write_json
from kida.errors import UserError
from kida.files import one_line
from kida.instances.family import SPLITS, Family, Instance, check_place, check_split
from kida.instances.folder import SIZE, Folder
from kida.instances.registry import digest_of, family

INVENTORY_FILE = "instances.json"
#: Takes files; returns those to leave out, and what they are.
Survey = Callable[[Sequence[Path]], Mapping[Path, str]]
# Files left out that a message names.
_NAMED = 10


class Listed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: its instance's name, its absolute path, what tells its content, and its size.

    Of files that were not read before they were listed ``variables`` and ``constraints`` are 0.
    """

    name: str
    path: Annotated[str, Meta(max_length=4096)]
    digest: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    variables: Natural = 0
    constraints: Natural = 0


class Inventory(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The files of each split, in order; follows :class:`kida.instances.family.Family`.

    Attributes
    ----------
    name
        The folder, file or pattern, as the user gave it.
    files
        Split to files.
    left_out
        Absolute paths of files that nothing can be learned from, and why.
    version
        Of this form.
    """

    name: str
    files: dict[str, tuple[Listed, ...]]
    left_out: dict[str, str] = {}
    version: Literal[1] = 1

    @property
    def description(self) -> str:
        """One line for listings."""
        return "problems read from files, listed when a run began"

    @property
    def sizes(self) -> tuple[str, ...]:
        """The one size of files."""
        return (SIZE,)

    def length(self, split: str) -> int:
        """Return the number of files in ``split``."""
        check_split(split)
        return len(self.files.get(split, ()))

    def instance(self, size: str, split: str, index: int) -> Instance:
        """Return file ``index`` of ``split``."""
        check_place(self, size, split, index)
        listed = self.files[split][index]
        return Instance(listed.name, self.name, size, split, index, listed.path)

    def check(self) -> None:
        """Raise a UserError unless every file is there as it was."""
        for listed in {
            entry.path: entry for split in self.files.values() for entry in split
        }.values():
            instance = Instance(listed.name, self.name, SIZE, "train", 0, listed.path)
            # Not pathlib's question, which raises for a text that is too long for a name.
            if not os.path.isfile(listed.path):
                what = "is gone"
            elif digest_of(instance) != listed.digest:
                what = "has changed"
            else:
                continue
            raise UserError(
                f"{listed.path} {what} since this run began: put it back as it was, or begin a new "
                "run with another --out"
            )


def take_inventory(folder: Folder, survey: Survey | None = None) -> Inventory:
    """Return the list of a folder's files as they are now.

    Parameters
    ----------
    folder
        The files.
    survey
        Says which of them to leave out; by default none.

    Raises
    ------
    UserError
        If none is left to train on.
    """
    left_out = {} if survey is None else survey(folder.files)
    if left_out:
        try:
            folder = Folder(folder.name, without=left_out)
        except FileNotFoundError:
            raise UserError(_nothing_left(folder.name, left_out)) from None
        if not folder.length("train"):
            raise UserError(_nothing_left(f"the train split of {folder.name}", left_out))
    files = {}
    for split in SPLITS:
        found = [folder.instance(SIZE, split, index) for index in range(folder.length(split))]
        files[split] = tuple(
            Listed(name=instance.name, path=str(instance.path), digest=digest_of(instance))
            for instance in found
        )
    reasons = {str(file): reason for file, reason in left_out.items()}
    return Inventory(name=folder.name, files=files, left_out=reasons)


def _nothing_left(what: str, left_out: Mapping[Path, str]) -> str:
    return f"{what} has no file that a policy can learn from: {summary_of_left_out(left_out)}"


def summary_of_left_out(left_out: Mapping[Any, str]) -> str:
    """Return which files are what, such as ``"a.lp is infeasible"``, in one line."""
    named = [f"{one_line(Path(file).name)} is {why}" for file, why in left_out.items()]
    more = len(named) - _NAMED
    return "; ".join(named[:_NAMED]) + (f"; and {more} more are of no use" if more > 0 else "")


def family_of_run(name: str, run: Path, survey: Survey | None = None) -> Family:
    """Return the run's family: of files, those that were there when the run began.

    Parameters
    ----------
    name
        What the configuration calls the family.
    run
        The run's folder; the list is written there at the first call.
    survey
        Says, at the first call, which files nothing can be learned from; they are left out.

    Raises
    ------
    UserError
        If there is no such family, or a file of the run is gone or has changed.
    """
    inventory = listed(run)
    if inventory is not None:
        inventory.check()
        return inventory
    found = family(name)
    if not isinstance(found, Folder):
        return found
    inventory = take_inventory(found, survey)
    write_json(run / INVENTORY_FILE, inventory)
    return inventory


def listed(run: Path) -> Inventory | None:
    """Return what a run has listed; None before that, and of a generated family."""
    return find_json(
        run / INVENTORY_FILE, Inventory, "a run's list of instances", largest=LARGE_FILE
    )
