"""Set cover, as in learn2branch (Gasse et al. 2019), by the scheme of Balas and Ho (1980).

Easy, medium and hard have 500, 1000 and 2000 rows, 1000 columns and density 0.05. The instances
follow the published distribution; they are not the published files, which came out of one stream.
The size ``400x750`` (rows x columns) is that of Scavuzzo et al. (2022), to compare with their
networks.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic


def set_cover(
    name: str,
    source: Source,
    rows: int,
    columns: int,
    density: float = 0.05,
    highest_cost: int = 100,
) -> Program:
    """Draw a set-cover problem: minimize cost so that every row is covered.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    rows, columns
        Numbers of elements to cover and of sets.
    density
        Share of nonzeros. Every row is covered by one set at least, every column covers two
        rows, so ``rows * columns * density`` must reach ``rows`` and ``2 * columns``.
    highest_cost
        Costs are uniform integers from 1 to this.

    Raises
    ------
    UserError
        If the parameters admit no such problem.
    """
    entries = int(np.floor(rows * columns * density))
    if rows < 2 or columns < 1 or highest_cost < 1 or not density <= 1.0:
        raise UserError(
            f"a set cover of {rows} rows, {columns} columns, density {density} and costs up to "
            f"{highest_cost} does not exist; it needs 2 rows, 1 column, density <= 1, cost >= 1"
        )
    if entries < max(rows, 2 * columns):
        raise UserError(
            f"density {density} gives {entries} nonzeros, too few for {rows} rows and twice "
            f"{columns} columns; choose a density of {max(1 / columns, 2 / rows):.3g} or more"
        )
    picked = source.integers(0, columns - 1, entries)
    picked[: 2 * columns] = np.repeat(np.arange(columns), 2)
    lengths = np.bincount(picked, minlength=columns)
    # No column can cover a row twice. (In dense small problems the draw may ask for it.)
    lengths = np.minimum(lengths, rows)
    ends = np.cumsum(lengths)

    first_cover = source.permutation(rows)  # the first slots hold every row once
    covered = []
    for end, length in zip(ends.tolist(), lengths.tolist(), strict=True):
        given = first_cover[end - length : end]
        if len(given) < length:
            # Past the permutation: complete the column with rows it does not have.
            keys = source.random(rows)
            keys[given] = 2.0
            given = np.concatenate([given, np.argsort(keys, kind="stable")[: length - len(given)]])
        covered.append(given)
    # Where the minimum above cut columns short, the slots may end before the permutation does.
    covered[-1] = np.union1d(covered[-1], first_cover[ends[-1] :])
    costs = source.integers(1, highest_cost, columns)

    row_of = np.concatenate(covered)
    column_of = np.repeat(np.arange(columns), [len(column) for column in covered])
    order = np.lexsort((column_of, row_of))
    starts = np.searchsorted(row_of[order], np.arange(rows + 1))
    matrix = Rows()
    for i in range(rows):
        matrix.add(f"cover_{i}", column_of[order[starts[i] : starts[i + 1]]], 1.0, left=1.0)
    return matrix.program(name, [f"x_{j}" for j in range(columns)], costs)


FAMILY = Synthetic(
    name="set_cover",
    description="set cover, density 0.05: 1000 columns and 500, 1000 or 2000 rows",
    draw=set_cover,
    parameters={
        "easy": {"rows": 500, "columns": 1000},
        "medium": {"rows": 1000, "columns": 1000},
        "hard": {"rows": 2000, "columns": 1000},
        "400x750": {"rows": 400, "columns": 750},
    },
)
