"""The initial bounds of an instance, as the competition stores them: a .json beside each file."""

from pathlib import Path

from msgspec import Struct

from kida.boundary import Bound, find_json
from kida.instances.family import Bounds


def bounds_path(path: Path) -> Path:
    """Return the .json that belongs to an instance file: its name without any suffix."""
    name = path.name.removesuffix(".gz")
    return path.with_name(name.rsplit(".", 1)[0] + ".json")


def stored_bounds(path: Path) -> Bounds:
    """Read the .json beside the instance file ``path``; unknown bounds are None.

    Raises
    ------
    UserError
        If the .json is there but is not what the competition's format says.
    """
    beside = bounds_path(path)
    stored = find_json(beside, _Stored, "dual_bound and primal_bound (mend or remove it)")
    if stored is None:
        return Bounds(None, None)
    return Bounds(stored.dual_bound, stored.primal_bound)


class _Stored(Struct, frozen=True):
    """What of the file counts; the competition's and others may hold more."""

    dual_bound: Bound | None = None
    primal_bound: Bound | None = None
