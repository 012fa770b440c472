"""The families by name, and what is known of an instance without a solve.

A new family is one line in ``_FAMILIES``.
"""

import hashlib
import importlib
import os
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import cast

from kida.errors import UserError
from kida.instances.family import Bounds, Family, GeneratedFamily, Instance
from kida.instances.folder import Folder, read_sense
from kida.instances.initial_bounds import stored_bounds
from kida.sense import Sense

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
    "multiple_knapsack": "kida.instances.multiple_knapsack",
    "multidimensional_knapsack": "kida.instances.multidimensional_knapsack",
    "generalized_assignment": "kida.instances.generalized_assignment",
    "bin_packing": "kida.instances.bin_packing",
    "generalized_independent_set": "kida.instances.generalized_independent_set",
    "vertex_cover": "kida.instances.vertex_cover",
    "max_satisfiability": "kida.instances.max_satisfiability",
    "p_median": "kida.instances.p_median",
    "lot_sizing": "kida.instances.lot_sizing",
    "unit_commitment": "kida.instances.unit_commitment",
    "job_shop": "kida.instances.job_shop",
}


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
    try:
        return Folder(name_or_path)
    except FileNotFoundError as error:
        raise UserError(
            f"{name_or_path!r} is neither a family nor {error}; the families are "
            f"{', '.join(_FAMILIES)}"
        ) from None


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


def named_instance(name: str) -> Instance:
    """Return the instance of a file, or of ``FAMILY:SPLIT:INDEX`` such as item_placement:test:0.

    Raises
    ------
    UserError
        If there is no such file or instance.
    """
    # Not pathlib's, which raise for a text that is too long for a name.
    if ":" not in name or os.path.exists(name):
        if os.path.isdir(name):
            raise UserError(f"{name!r} is a folder; name one of the files in it")
        if not os.path.isfile(name):
            raise UserError(
                f"there is no file {name!r}; give an .mps, .lp or .cip file (also .gz), "
                "or a generated instance as FAMILY:SPLIT:INDEX, such as item_placement:test:0"
            )
        return instances(name)[0]
    parts = name.split(":")
    if len(parts) != 3 or not re.fullmatch("[0-9]{1,18}", parts[2]):
        raise UserError(f"{name!r} is not FAMILY:SPLIT:INDEX, such as item_placement:test:0")
    chosen = family(parts[0])
    return chosen.instance(chosen.sizes[0], parts[1], int(parts[2]))


def sense_of(instance: Instance) -> Sense:
    """Return the direction of optimization, without building a model."""
    if instance.path is not None:
        # The folder need not be searched again for a file that is known.
        return read_sense(Path(instance.path))
    return generated_family(instance.family).sense(instance)


def digest_of(instance: Instance) -> str:
    """Return what tells an instance's content from that of others: 16 hexadecimal digits.

    For a file they are of the SHA-256 of its bytes, for a generated instance of its place in its
    family.

    Raises
    ------
    UserError
        If its file cannot be read.
    """
    if instance.path is None:
        place = f"{instance.family}/{instance.size}/{instance.split}/{instance.index}"
        return hashlib.sha256(place.encode()).hexdigest()[:16]
    try:
        status = Path(instance.path).stat()
        return _file_digest(instance.path, status.st_mtime_ns, status.st_size)
    except OSError as error:
        raise UserError(
            f"{instance.path} cannot be read ({error.strerror or error}); check the path"
        ) from error


# Asked for often, and long for large files; a file that has changed is another entry.
@lru_cache(maxsize=100_000)
def _file_digest(path: str, changed: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def initial_bounds(instance: Instance) -> Bounds:
    """Return the initial bounds: looked up, read or in closed form, never by a solve."""
    if instance.path is not None:
        return stored_bounds(Path(instance.path))
    return generated_family(instance.family).bounds(instance)
