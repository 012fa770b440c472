"""Combinatorial auctions, the "arbitrary" scheme of Leyton-Brown, Pearson and Shoham (2000).

With the parameters of learn2branch (Gasse et al. 2019): easy, medium and hard have 100 items and
500 bids, 200 and 1000, 300 and 1500. Bidders want items that go well together; each places one
bid and up to five substitutes, of which a dummy item lets at most one win.
"""

import numpy as np
from numpy.typing import NDArray

from kida.errors import UserError
from kida.instances.program import Program, Rows
from kida.instances.source import Source
from kida.instances.synthetic import Synthetic

LOWEST_VALUE, HIGHEST_VALUE = 1.0, 100.0
VALUE_DEVIATION = 0.5  # of private values, relative to the highest value
ADD_ITEM = 0.7  # probability that a bundle grows by one more item
ADDITIVITY = 0.2  # a bundle of k items is worth k ** 1.2 more than its items
SUBSTITUTES = 5
BUDGET_FACTOR = 1.5  # no substitute costs more than this times the first bid
RESALE_FACTOR = 0.5  # nor is worth less on resale than this times the first bid


def combinatorial_auction(name: str, source: Source, items: int, bids: int) -> Program:
    """Draw an auction: choose disjoint bids of the highest total price.

    Parameters
    ----------
    name
        The problem's name.
    source
        The random stream.
    items, bids
        Numbers of items for sale and of bids; the latter are the columns.

    Raises
    ------
    UserError
        If there are fewer than 2 items or 1 bid, or more bids than few items allow.
    """
    if items < 2 or bids < 1 or (items < 12 and bids > 2 ** (items - 1)):
        raise UserError(
            f"an auction of {items} items and {bids} bids does not exist; it needs 2 items, 1 bid, "
            "and no more bids than half the bundles"
        )
    values = source.uniform(LOWEST_VALUE, HIGHEST_VALUE, items)
    upper = np.triu(source.random(items, items), 1)
    compatibility = upper + upper.T
    compatibility /= compatibility.sum(axis=1)

    bundles: list[frozenset[int]] = []
    prices: list[float] = []
    dummies: list[int] = []  # for each bid, its bidder's dummy item or -1
    while len(bundles) < bids:
        interest = source.random(items)
        private = values + HIGHEST_VALUE * VALUE_DEVIATION * (2.0 * interest - 1.0)
        offers = _bidder(source, values, private, interest, compatibility, bids - len(bundles))
        dummy = max(dummies, default=-1) + 1 if len(offers) > 2 else -1
        for bundle, price in offers.items():
            bundles.append(bundle)
            prices.append(price)
            dummies.append(dummy)

    wanted: list[list[int]] = [[] for _ in range(items + max(dummies) + 1)]
    for bid, (bundle, dummy) in enumerate(zip(bundles, dummies, strict=True)):
        for item in bundle:
            wanted[item].append(bid)
        if dummy >= 0:
            wanted[items + dummy].append(bid)
    matrix = Rows()
    for item, takers in enumerate(wanted):
        if takers:
            matrix.add(f"item_{item}", takers, 1.0, right=1.0)
    return matrix.program(name, [f"bid_{b}" for b in range(bids)], prices, sense="maximize")


def _bidder(
    source: Source,
    values: NDArray[np.float64],
    private: NDArray[np.float64],
    interest: NDArray[np.float64],
    compatibility: NDArray[np.float64],
    limit: int,
) -> dict[frozenset[int], float]:
    """Return the bids of one bidder, ``limit`` at most: bundle to price, the first bid first."""

    def price(bundle: list[int]) -> float:
        # Rounded, because the last bits of a power differ between platforms.
        return round(float(private[bundle].sum() + len(bundle) ** (1.0 + ADDITIVITY)), 6)

    def add_item(bundle: list[int]) -> None:
        weights = interest * compatibility[bundle].mean(axis=0)
        weights[bundle] = 0.0
        bundle.append(source.weighted(weights))

    first = [source.weighted(interest)]
    while len(first) < len(values) and float(source.random()) < ADD_ITEM:
        add_item(first)
    asked = price(first)
    if asked < 0.0:
        return {}

    substitutes = []
    for item in first:
        bundle = [item]
        while len(bundle) < len(first):
            add_item(bundle)
        substitutes.append((price(bundle), bundle))
    offers = {frozenset(first): asked}
    resale = RESALE_FACTOR * values[first].sum()
    for offered, bundle in sorted(substitutes, key=lambda pair: -pair[0]):
        if len(offers) > SUBSTITUTES or len(offers) >= limit:
            break
        affordable = 0.0 <= offered <= BUDGET_FACTOR * asked
        if affordable and values[bundle].sum() >= resale and frozenset(bundle) not in offers:
            offers[frozenset(bundle)] = offered
    return offers


FAMILY = Synthetic(
    name="combinatorial_auction",
    description="combinatorial auctions: 100 to 300 items, 500 to 1500 bids with substitutes",
    draw=combinatorial_auction,
    parameters={
        "easy": {"items": 100, "bids": 500},
        "medium": {"items": 200, "bids": 1000},
        "hard": {"items": 300, "bids": 1500},
    },
    direction="maximize",
)
