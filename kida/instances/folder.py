"""Problems from files: any folder, file or glob pattern of .mps, .lp or .cip, also gzipped.

Splits come from sub-folders ``train``, ``valid`` and ``test`` when one of them exists, otherwise
from a seeded hash of each file's name, so that adding files moves none. Where the hashes leave none
to validate or test on, as they do to some dozens of files, and of less than ``FEW`` files always,
those of the highest hashes are.
A .json beside a file (as ``kida generate`` and the competition write) gives its initial bounds.
"""

import glob
import gzip
import hashlib
import os
import re
import zlib
from collections.abc import Collection
from functools import cache, cached_property
from pathlib import Path

from kida.errors import UserError
from kida.files import one_line
from kida.instances.family import SPLITS, Instance
from kida.sense import Sense

SUFFIXES = (".mps", ".lp", ".cip", ".mps.gz", ".lp.gz", ".cip.gz")
SHARES = {"train": 0.8, "valid": 0.1, "test": 0.1}  # when names are hashed
FEW = 20  # with less, a split would often be empty
_LONGEST_LINE = 1 << 16
SIZE = "given"  # files come in one size only


class Folder:
    """The family of all files at a path; follows :class:`kida.instances.family.Family`.

    Parameters
    ----------
    where
        A folder (searched with its sub-folders), a file, or a glob pattern (``**`` goes into
        sub-folders). A single file, or the only one, is the one instance of every split.
    seed
        Of the hash that assigns names to splits.
    without
        Files that do not count, by their absolute paths.

    Raises
    ------
    FileNotFoundError
        If nothing is there; the message says what was expected.
    UserError
        If names cannot be told apart.
    """

    description = "problems read from files"
    sizes = (SIZE,)

    def __init__(self, where: str, seed: int = 0, without: Collection[Path] = ()) -> None:
        self.name = where
        self._seed = seed
        path = Path(os.path.expanduser(where))
        # Not pathlib's questions, which raise for a text that is too long for a name.
        single = os.path.isfile(path)
        if os.path.isdir(path):
            self._root = path.resolve()
            found = [file for file in self._root.rglob("*") if is_problem(file)]
        else:
            matches = [path] if single else map(Path, glob.glob(str(path), recursive=True))
            found = [file.resolve() for file in matches if is_problem(file)]
            # Names are relative to the deepest folder that holds all the files.
            self._root = _common(found)
        found = [file for file in found if file not in without]
        if not found:
            raise FileNotFoundError(
                f"a folder, file or pattern with problems ({', '.join(SUFFIXES[:3])}, also .gz)"
            )
        self._files = {self._stem(file): file for file in sorted(found, key=_natural)}
        if len(self._files) < len(found):
            raise UserError(
                f"{where!r} holds files that differ only in their suffix, and their names would "
                "be the same; keep one of each"
            )

    def _stem(self, file: Path) -> str:
        # The path may be any bytes; the name stands in tables and records.
        name = one_line(file.relative_to(self._root).as_posix())
        return re.sub(r"\.(mps|lp|cip)(\.gz)?$", "", name, flags=re.IGNORECASE)

    @cached_property
    def _splits(self) -> dict[str, list[str]]:
        names = list(self._files)
        if len(names) == 1:
            return dict.fromkeys((*SPLITS, "all"), names)
        places = {name: self._split_of(name) for name in names}
        if not self.has_split_folders and (
            len(names) < FEW or not {"valid", "test"} <= set(places.values())
        ):
            rare = self._rare()
            places = {name: rare.get(name, "train") for name in names}
        splits = {split: [name for name in names if places[name] == split] for split in SPLITS}
        return {**splits, "all": names}

    def _split_of(self, name: str) -> str | None:
        if not self.has_split_folders:
            return self._hashed(name)
        first = name.split("/")[0]
        return first if first in SPLITS and "/" in name else None

    @cached_property
    def has_split_folders(self) -> bool:
        """Whether sub-folders say which file is in which split."""
        folders = {name.split("/")[0] for name in self._files if "/" in name}
        return not folders.isdisjoint(SPLITS)

    def _rare(self) -> dict[str, str]:
        """Return the splits of those few files that are not to train on."""
        # From the end that all of them are from where there are more files.
        order = sorted(self._files, key=self._place, reverse=True)
        each = max(1, round(SHARES["test"] * len(order)))
        # Two at least are to train on: one of them validates then.
        most = max(0, len(order) - 2)
        tests = min(each, most)
        test = dict.fromkeys(order[:tests], "test")
        return test | dict.fromkeys(order[tests : min(tests + each, most)], "valid")

    def _place(self, name: str) -> float:
        digest = hashlib.sha256(f"{self._seed}/{name}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def _hashed(self, name: str) -> str:
        place = self._place(name)
        if place < SHARES["train"]:
            return "train"
        return "valid" if place < SHARES["train"] + SHARES["valid"] else "test"

    @property
    def files(self) -> list[Path]:
        """All files, absolute, in the natural order of their names."""
        return list(self._files.values())

    def length(self, split: str) -> int:
        """Return the number of files in ``split``, which may also be ``"all"``."""
        if split not in self._splits:
            known = ", ".join(self._splits)
            raise UserError(f"there is no split {split!r}; choose one of {known}")
        return len(self._splits[split])

    def instance(self, size: str, split: str, index: int) -> Instance:
        """Return file ``index`` of ``split``, in the natural order of the names."""
        if size != SIZE:
            raise UserError(f"files have no size {size!r}; leave the size out")
        length = self.length(split)
        if not 0 <= index < length:
            raise UserError(
                f"{self.name} has {length} instances in its {split} split; "
                f"index {index} is not between 0 and {length - 1}"
            )
        name = self._splits[split][index]
        return Instance(name, self.name, size, split, index, str(self._files[name]))


@cache
def read_sense(path: Path) -> Sense:
    """Return the direction of optimization from the head of a problem file.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    is_lp = path.name.lower().endswith((".lp", ".lp.gz"))
    previous = ""
    try:
        with opener(path, "rt", encoding="utf-8", errors="replace") as lines:
            # A line may be as long as the file, and that unpacked far longer.
            for line in iter(lambda: lines.readline(_LONGEST_LINE), ""):
                text = line.split("\\" if is_lp else "*")[0].strip().lower()
                if is_lp and text:
                    return "maximize" if text.startswith("max") else "minimize"
                if text.startswith("sense") and ":" in text:  # .cip
                    return "maximize" if "max" in text else "minimize"
                if "max" in text and (text.startswith("objsense") or previous == "objsense"):
                    return "maximize"
                if text.startswith(("columns", "[variables]")):
                    break
                previous = text or previous
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    return "minimize"


def is_problem(path: Path) -> bool:
    """Return whether ``path`` is a file that is named like a problem."""
    name = path.name.lower()
    # Hidden files are temporary ones of an interrupted `kida generate`.
    return name.endswith(SUFFIXES) and not name.startswith(".") and path.is_file()


def _common(files: list[Path]) -> Path:
    parents = [file.parent for file in files]
    while len(set(parents)) > 1:
        deepest = max(len(parent.parts) for parent in parents)
        parents = [p.parent if len(p.parts) == deepest else p for p in parents]
    return parents[0] if parents else Path()


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key by which ``x_2`` comes before ``x_10``."""
    # Only these ten: others, as in x², are digits to Python and no numbers.
    parts = re.split(r"([0-9]+)", path.as_posix())
    return [(0, int(x), "") if k % 2 else (1, 0, x) for k, x in enumerate(parts)]
