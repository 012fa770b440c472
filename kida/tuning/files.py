"""The files of a tuning: which can be read, and which are for learning, racing and the verdict.

Divided once, when it begins, and listed as :class:`kida.learning.inventory.Inventory` does: its
``train`` files are surveyed, race the levers and are learned from, its ``valid`` files race the
policies, and its ``test`` files are for the verdict alone.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kida.boundary import write_json
from kida.errors import UserError
from kida.evaluation.verdict import FEWEST
from kida.files import one_line
from kida.instances.family import Family, Instance
from kida.instances.folder import SIZE, Folder
from kida.instances.registry import digest_of, family
from kida.jobs.run import Workers
from kida.learning.inventory import INVENTORY_FILE, Inventory, Listed, listed
from kida.learning.plan import Draw
from kida.tuning.reading import Size, read_all

#: Share of the files that the verdict has, and the policies' race.
VERDICT_SHARE, RACE_SHARE = 0.3, 0.2
#: The verdict's files at most: more would cost time that learning needs.
MOST_VERDICT = 16
#: The files that it has if they are no more than half.
WELL_JUDGED = 6
#: With so many files or fewer, each is solved under several orders of its rows and columns.
FEW = 10
#: New files with which another round begins: a verdict on fewer proves nothing.
LEAST_NEW = 5
#: Why files of the last half are left out.
NOT_NEEDED = f"one more than the {MOST_VERDICT} that the verdict has"


@dataclass(frozen=True)
class Division:
    """A tuning's instances.

    Attributes
    ----------
    source
        The family: of files, an :class:`Inventory`.
    permute
        Whether SCIP permutes rows and columns, by the seed, because there are few files.
    """

    source: Family
    permute: bool

    def draws(self, split: str, count: int, first_seed: int = 0, seed: int = 0) -> list[Draw]:
        """Return ``count`` draws of a split, in a seeded order; after a walk, other seeds.

        Parameters
        ----------
        split
            ``"train"``, ``"valid"`` or ``"test"``.
        count
            How many.
        first_seed
            SCIP's, of the first walk through the instances.
        seed
            Of the order.
        """
        length = self.source.length(split)
        # Families have thousands of instances, of which a tuning takes a few.
        order = list(range(length))
        random.Random(f"{seed}/{split}").shuffle(order)
        return [
            Draw(
                self.source.instance(self.source.sizes[0], split, order[place % length]),
                first_seed + place // length,
            )
            for place in range(count)
        ]

    def instances(self, split: str, most: int) -> list[Instance]:
        """Return the split's first instances, at most so many."""
        count = min(most, self.source.length(split))
        return [self.source.instance(self.source.sizes[0], split, i) for i in range(count)]

    @property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """Variables and constraints of each file, by its instance's name, where they are known."""
        if not isinstance(self.source, Inventory):
            return {}
        every = [entry for split in _SPLITS for entry in self.source.files[split]]
        return {entry.name: (entry.variables, entry.constraints) for entry in every}

    @property
    def caution(self) -> str:
        """What few files mean for the verdict, as a sentence; empty if there are enough."""
        if not isinstance(self.source, Inventory):
            return ""
        paths = {split: {entry.path for entry in self.source.files[split]} for split in _SPLITS}
        judged = len(paths["test"])
        if paths["test"] & (paths["train"] | paths["valid"]):
            return (
                "there are too few files to keep some for the verdict: it is on what was tuned "
                "on, under other orders of rows and columns, and says nothing of other files"
            )
        if judged < FEWEST:
            return (
                f"the verdict is on {_files(judged)} under several orders of rows and columns: it "
                f"says little of other files"
            )
        return ""


_SPLITS = ("train", "valid", "test")


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def divide(
    problems: str,
    folder: Path,
    workers: Workers,
    *,
    ordered: bool = False,
    earlier: Inventory | None = None,
    seed: int = 0,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Division:
    """Return a tuning's division, made and written at the first call.

    Parameters
    ----------
    problems
        As the user named them.
    folder
        Where the list of files is kept.
    workers
        Where the files are read.
    ordered, seed
        See :class:`kida.tuning.config.TuneConfig`.
    earlier
        The list of the round before: its files are learned from, and the verdict is on the others.
    told
        Told how many files have been read, of how many.

    Raises
    ------
    UserError
        If there is nothing to read, or a file is gone or has changed since.
    """
    inventory = listed(folder)
    if inventory is None:
        found = source_of(problems, ordered=ordered)
        if not isinstance(found, Folder):
            return Division(found, permute=False)
        inventory = _take(found, folder, workers, ordered, earlier, seed, told)
        write_json(folder / INVENTORY_FILE, inventory)
    inventory.check()
    paths = {entry.path for split in inventory.files.values() for entry in split}
    return Division(inventory, permute=len(paths) <= FEW)


def source_of(problems: str, *, ordered: bool) -> Family:
    """Return what there is to tune on.

    Raises
    ------
    UserError
        If there is no such thing, or it has no order where one is asked for.
    """
    found = family(problems)
    if ordered and not isinstance(found, Folder):
        raise UserError(f"--order is for files, and {problems} is a family; leave --order out")
    return found


def new_files(problems: str, earlier: Inventory) -> list[Path]:
    """Return the files that an earlier round neither had nor left out."""
    known = {entry.path for split in earlier.files.values() for entry in split}
    known |= set(earlier.left_out)
    found = family(problems)
    if not isinstance(found, Folder):
        return []
    return [path for path in found.files if str(path) not in known]


def gone_files(earlier: Inventory) -> int:
    """Return how many of an earlier round's files are there no more."""
    return sum(not path.exists() for path in _earlier_files(earlier))


def _take(
    found: Folder,
    folder: Path,
    workers: Workers,
    ordered: bool,
    earlier: Inventory | None,
    seed: int,
    told: Callable[[int, int], None],
) -> Inventory:
    files = found.files if earlier is None else new_files(found.name, earlier)
    seen = read_all(files, folder / "reading", workers, told)
    left_out = {path: what for path, what in seen.items() if isinstance(what, str)}
    before = [] if earlier is None else [p for p in _earlier_files(earlier) if p.exists()]
    names = {
        entry.path: entry.name
        for entry in (found.instance(SIZE, "all", index) for index in range(found.length("all")))
    }
    sizes = {} if earlier is None else _sizes(earlier)
    usable = {path: size for path, size in seen.items() if isinstance(size, Size)}
    sizes |= usable
    known = {path: _listed(path, names[str(path)], sizes[path]) for path in (*before, *usable)}
    # What is there twice would be judged by what it was tuned on.
    first = {known[path].digest: path for path in before}
    kept = []
    for path in usable:
        same = first.setdefault(known[path].digest, path)
        if same == path:
            kept.append(path)
        else:
            left_out[path] = f"the same as {one_line(same.name)}"
    if not kept:
        reasons = "; ".join(f"{one_line(p.name)} is {why}" for p, why in [*left_out.items()][:5])
        raise UserError(f"{found.name} has no file that SCIP can read: {reasons}")
    if earlier is not None:
        splits = _continued(before, kept) if before else _in_order(kept)
    elif ordered:
        splits = _in_order(kept)
    else:
        splits = _shuffled(kept, seed)
    used = {path for split in splits.values() for path in split}
    left_out |= dict.fromkeys((path for path in kept if path not in used), NOT_NEEDED)
    # A later round would take for new what any before it has left out.
    before_that = {} if earlier is None else earlier.left_out
    return Inventory(
        name=found.name,
        files={split: tuple(known[path] for path in splits[split]) for split in _SPLITS},
        left_out={**before_that, **{str(path): why for path, why in left_out.items()}},
    )


def _earlier_files(earlier: Inventory) -> list[Path]:
    """Return the files of an earlier round, oldest first."""
    seen = dict.fromkeys(entry.path for split in _SPLITS for entry in earlier.files[split])
    return [Path(path) for path in seen]


def _sizes(earlier: Inventory) -> dict[Path, Size]:
    every = (entry for split in _SPLITS for entry in earlier.files[split])
    return {Path(entry.path): Size(entry.variables, entry.constraints) for entry in every}


def _listed(path: Path, name: str, size: Size) -> Listed:
    return Listed(
        name=name,
        path=str(path),
        digest=digest_of(Instance(name, "", "", "", 0, str(path))),
        variables=size.variables,
        constraints=size.constraints,
    )


def _shuffled(files: Sequence[Path], seed: int) -> dict[str, Sequence[Path]]:
    """Divide by chance."""
    order = list(files)
    random.Random(seed).shuffle(order)
    return _cut(order)


def _cut(order: Sequence[Path]) -> dict[str, Sequence[Path]]:
    """Cut a list: the verdict's first, then the race's."""
    count = len(order)
    if count < 3:
        # Nothing can be kept apart; orders of rows and columns have to do.
        return dict.fromkeys(_SPLITS, order)
    # An interval of three files is more than twice as wide as one of six.
    judged = min(MOST_VERDICT, max(math.ceil(VERDICT_SHARE * count), min(count // 2, WELL_JUDGED)))
    raced = max(1, round(RACE_SHARE * count))
    return {
        "test": order[:judged],
        "valid": order[judged : judged + raced],
        "train": order[judged + raced :],
    }


def _in_order(files: Sequence[Path]) -> dict[str, Sequence[Path]]:
    """Divide files that come in an order: learn from the first half, judge by the last."""
    if len(files) < 3:
        return dict.fromkeys(_SPLITS, files)
    half = max(2, len(files) // 2)
    return {**_earlier_half(files[:half]), "test": _spread(files[half:], MOST_VERDICT)}


def _continued(before: Sequence[Path], new: Sequence[Path]) -> dict[str, Sequence[Path]]:
    """Divide when files have come: learn from those of before, judge by the new ones."""
    return {**_earlier_half(before), "test": _spread(new, MOST_VERDICT)}


def _earlier_half(files: Sequence[Path]) -> dict[str, Sequence[Path]]:
    # Policies race on the latest of them, which are most like those to come.
    raced = max(1, round(0.3 * len(files)))
    return {"train": files[: len(files) - raced] or files, "valid": files[-raced:]}


def _spread(files: Sequence[Path], most: int) -> Sequence[Path]:
    """Return at most so many, evenly spread."""
    if len(files) <= most:
        return files
    return [files[(2 * place + 1) * len(files) // (2 * most)] for place in range(most)]
