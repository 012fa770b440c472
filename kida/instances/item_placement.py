"""Item placement: the first problem set of the ML4CO competition, to the last digit.

Spread 100 small and 5 big items over 10 bins so that three resources are balanced (a minimax
"deficit" plus a small sum of deficits). The random draws below must stay in exactly this order,
through Python's ``random``: instance k then is the competition's file ``item_placement_k``.
"""

import random
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from kida.instances.competition import CompetitionFamily, file_number, published_bounds
from kida.instances.family import Bounds, Instance
from kida.instances.program import Program, round_to_file

SMALL, BIG, BINS, RESOURCES = 100, 5, 10, 3
ITEMS = SMALL + BIG
BALANCE_WEIGHT = 10.0  # cost of a unit of max_deficit, per bin and resource


def seed(number: int) -> int:
    """Return the random seed of the competition's file ``item_placement_<number>``."""
    return 42 + number if number < 10000 else 20200 + number - 10000


@lru_cache(maxsize=8)
def draw_sizes(seed: int) -> NDArray[np.float64]:
    """Return item sizes, float64 of shape (105, 3), small items first, not rounded."""
    source = random.Random(seed)
    sizes = []
    # Counts and copies are drawn too, though from one value only: the stream must not shift.
    for count, low, high in ((SMALL, 0.0, 0.1), (BIG, 0.9, 1.0)):
        for _ in range(source.randint(count, count)):
            source.randint(1, 1)
            sizes.append([source.uniform(low, high) for _ in range(RESOURCES)])
    # Next come `randint(10, 10)`, the bins, and three `uniform(2.0, 2.0)`, the capacity factors.
    array = np.array(sizes)
    array.setflags(write=False)  # the cache hands out one and the same array
    return array


def _totals(sizes: NDArray[np.float64]) -> list[float]:
    # Summed in the order of the items, as the generator did: numpy adds pairwise.
    return [sum(sizes[:, r].tolist()) for r in range(RESOURCES)]


def _shares(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each size over the average load of a bin, rounded as in the files."""
    totals = _totals(sizes)
    return np.array(
        [
            [round_to_file(size * BINS / total) for size, total in zip(row, totals, strict=True)]
            for row in sizes.tolist()
        ]
    )


def root_bound(number: int) -> float:
    """Return the root bound of file ``number`` by the formula of :meth:`ItemPlacement.bounds`."""
    shares = _shares(draw_sizes(seed(number)))
    waste = BINS - shares.sum(axis=0) + np.maximum(shares[SMALL:] - 1.0, 0.0).sum(axis=0)
    return float((1.0 + BALANCE_WEIGHT * RESOURCES) * np.maximum(waste, 0.0).sum())


class ItemPlacement(CompetitionFamily):
    """The family ``item_placement``; see the module's docstring."""

    name = "item_placement"
    description = "ML4CO's item placement: balance 105 items over 10 bins and 3 resources"

    def bounds(self, instance: Instance) -> Bounds:
        """Return the published bounds, or the dual bound in closed form.

        In the LP, a bin loaded to its fair share has no deficit of resource r, and a big item
        (alone in its bin) wastes what it holds above the share, so the deficits of r sum to
        ``max(0, 10 - sum of all shares + sum over big items of max(0, share - 1))``, spread
        evenly over the bins. Each unit costs 1 for itself and 30 through the maximum. (The sum
        of all shares is 10 but for the rounding to 6 digits.) Cuts do not move this bound.
        """
        number = file_number(instance)
        published = published_bounds(self.name, number)
        if published is not None:
            return published
        return Bounds(root_bound(number), None)

    def program(self, instance: Instance) -> Program:
        """Draw the instance."""
        number = file_number(instance)
        sizes = draw_sizes(seed(number))
        totals = _totals(sizes)
        rounded = np.array([[round_to_file(s) for s in row] for row in sizes.tolist()])
        shares = _shares(sizes)
        capacity = [round_to_file(2.0 * total / BINS) for total in totals]

        bins, resources = range(BINS), range(RESOURCES)
        columns = [f"place_{i}_{b}" for i in range(ITEMS) for b in bins]
        columns += [f"deficit_{b}_{r}" for b in bins for r in resources]
        columns += [f"max_deficit_{r}" for r in resources]
        rows = [f"copies_ct_{i}" for i in range(ITEMS)]
        rows += [f"supply_ct_{b}_{r}" for b in bins for r in resources]
        rows += [f"deficit_ct_{b}_{r}" for r in resources for b in bins]
        rows += [f"max_deficit_ct_{b}_{r}" for b in bins for r in resources]

        places, slacks = ITEMS * BINS, BINS * RESOURCES
        place = np.arange(places).reshape(ITEMS, BINS)
        deficit = places + np.arange(slacks).reshape(BINS, RESOURCES)
        indices = [place.ravel()]
        values = [np.ones(places)]
        indices += [place[:, b] for b in bins for _ in resources]
        values += [rounded[:, r] for _ in bins for r in resources]
        indices += [np.append(place[:, b], deficit[b, r]) for r in resources for b in bins]
        values += [np.append(shares[:, r], 1.0) for r in resources for _ in bins]
        indices += [np.array([deficit[b, r], places + slacks + r]) for b in bins for r in resources]
        values += [np.array([-1.0, 1.0])] * slacks
        lengths = [BINS] * ITEMS + [ITEMS] * slacks + [ITEMS + 1] * slacks + [2] * slacks

        n = len(columns)
        objective = np.zeros(n)
        objective[places:] = 1.0
        objective[places + slacks :] = BALANCE_WEIGHT * BINS * RESOURCES
        infinite = np.full(slacks, np.inf)
        return Program(
            name=instance.name,
            columns=columns,
            rows=rows,
            binaries=places,
            objective=objective,
            lower=np.zeros(n),
            upper=np.ones(n),
            starts=np.concatenate([[0], np.cumsum(lengths)]),
            indices=np.concatenate(indices),
            values=np.concatenate(values),
            left=np.concatenate([np.ones(ITEMS), -infinite, np.ones(slacks), np.zeros(slacks)]),
            right=np.concatenate([np.ones(ITEMS), np.tile(capacity, BINS), infinite, infinite]),
        )


FAMILY = ItemPlacement()
