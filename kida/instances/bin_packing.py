"""Variable-sized bin packing (Friesen and Langston 1986), in its compact form.

Items of size 20 to 60 go into bins of three sizes, whose costs grow slower than the sizes: the
cheapest packing is to be found. Easy has 20 items, medium 28. Bins of a size are alike, so that the
handling of symmetries counts.
"""

import numpy as np

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic

#: Sizes of bins.
SIZES = (80, 110, 150)


def bin_packing(
    name: str, source: Source, items: int, smallest: int = 20, largest: int = 60
) -> Program:
    """Draw a problem: put every item into a bin, at the least cost of the bins that are used.

    A bin costs ten times the root of its size, rounded to a digit. Of each size there are as many
    as could hold all items, were they liquid, and one more.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    items
        Their number.
    smallest, largest
        Sizes of items are uniform integers between these.

    Raises
    ------
    UserError
        If there is no item, or an item may be larger than the smallest bin.
    """
    if items < 1 or not 1 <= smallest <= largest <= SIZES[0]:
        raise UserError(
            f"a packing of {items} items of size {smallest} to {largest} does not exist; there "
            f"must be an item, and all must fit into a bin of size {SIZES[0]}"
        )
    weights = source.integers(smallest, largest, items).astype(float)
    copies = [int(np.ceil(weights.sum() / size)) + 1 for size in SIZES]
    size = np.repeat(SIZES, copies).astype(float)
    put = len(size) + np.arange(items * len(size)).reshape(items, len(size))
    matrix = Rows()
    for i in range(items):
        matrix.add(f"once_{i}", put[i], 1.0, left=1.0, right=1.0)
    for b in range(len(size)):
        matrix.add(f"size_{b}", np.append(put[:, b], b), np.append(weights, -size[b]), right=0.0)
    columns = [f"use_{b}" for b in range(len(size))]
    columns += [f"put_{i}_{b}" for i in range(items) for b in range(len(size))]
    objective = np.zeros(len(columns))
    objective[: len(size)] = np.round(10.0 * np.sqrt(size), 1)
    return matrix.program(name, columns, objective)


FAMILY = Synthetic(
    name="bin_packing",
    description="bin packing with bins of three sizes: 20 or 28 items",
    draw=bin_packing,
    parameters={"easy": {"items": 20}, "medium": {"items": 28}},
)
