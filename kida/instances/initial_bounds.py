"""The initial bounds of an instance, as the competition stores them: a .json beside each file."""

import json
from pathlib import Path

from kida.errors import UserError
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
    if not beside.is_file():
        return Bounds(None, None)
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
        dual, primal = content.get("dual_bound"), content.get("primal_bound")
        return Bounds(
            None if dual is None else float(dual), None if primal is None else float(primal)
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"{beside} does not hold dual_bound and primal_bound as JSON; mend or remove it"
        ) from error
