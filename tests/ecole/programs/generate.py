"""Writes instances of all four families, drawn by one generator."""

import sys
from pathlib import Path

import ecole


def write(folder, name, generator):
    for k in range(2):
        next(generator).write_problem(str(folder / f"{name}_{k}.lp"))


def main():
    folder = Path(sys.argv[1])
    rng = ecole.spawn_random_generator()
    rng.seed(0)
    make = ecole.instance
    kind = make.IndependentSetGenerator.GraphType.barabasi_albert
    write(folder, "cover", make.SetCoverGenerator(n_rows=30, n_cols=40, density=0.2, rng=rng))
    write(
        folder,
        "set",
        make.IndependentSetGenerator(n_nodes=20, affinity=4, graph_type=kind, rng=rng),
    )
    write(
        folder,
        "auction",
        make.CombinatorialAuctionGenerator(n_items=10, n_bids=20, add_item_prob=0.7, rng=rng),
    )
    write(
        folder,
        "facilities",
        make.CapacitatedFacilityLocationGenerator(n_customers=6, n_facilities=4, ratio=5, rng=rng),
    )


if __name__ == "__main__":
    main()
