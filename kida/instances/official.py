"""The published initial bounds of the competition's 200 test instances of these two families.

They are facts of the protocol (the primal one is the objective limit, the dual one the floor of
the reward), and SCIP 7.0.3, which found them, is not what runs here. ``official_bounds.csv``
holds the columns ``initial_dual_bound`` and ``initial_primal_bound`` of the official result files
of the dual task; the files of all 23 teams agree on every value.
"""

import csv
from functools import cache
from importlib.resources import files

from kida.instances.family import Bounds


@cache
def _table() -> dict[tuple[str, int], Bounds]:
    text = files("kida.instances").joinpath("official_bounds.csv").read_text(encoding="utf-8")
    return {
        (row["family"], int(row["number"])): Bounds(
            float(row["dual_bound"]), float(row["primal_bound"])
        )
        for row in csv.DictReader(text.splitlines())
    }


def published_bounds(family: str, number: int) -> Bounds | None:
    """Return the published bounds of the file ``<family>_<number>``; None if there are none."""
    return _table().get((family, number))
