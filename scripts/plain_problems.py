"""Write problems in which branching has little to win, as a check that tuning says so.

    python scripts/plain_problems.py knapsacks --count 30 --out problems/knapsacks
    python scripts/plain_problems.py unstructured --count 30 --out problems/unstructured

``knapsacks`` have a single row, and SCIP solves them at the root; ``unstructured`` are binary
programs whose matrix, costs and sides are all drawn at random, in which no variable is unlike
another.
"""

import argparse
from pathlib import Path

import numpy as np

from kida.instances.program import Program

#: Rows, columns, and the share of the matrix that is not zero.
SHAPES = {"knapsacks": (1, 60, 1.0), "unstructured": (30, 60, 0.5)}


def problem(kind: str, number: int) -> Program:
    """Return problem ``number`` of a kind: maximise, every row at most half its sum."""
    rows, columns, density = SHAPES[kind]
    draw = np.random.default_rng([number, rows])
    used = draw.random((rows, columns)) < density
    used[:, 0] |= ~used.any(axis=1)
    matrix = np.where(used, draw.integers(5, 100, (rows, columns)), 0).astype(float)
    places = [np.flatnonzero(row) for row in used]
    return Program(
        name=f"{kind}_{number}",
        columns=[f"x{j}" for j in range(columns)],
        rows=[f"r{i}" for i in range(rows)],
        binaries=columns,
        objective=draw.integers(5, 100, columns).astype(float),
        lower=np.zeros(columns),
        upper=np.ones(columns),
        starts=np.cumsum([0, *map(len, places)]),
        indices=np.concatenate(places),
        values=matrix[used],
        left=np.full(rows, -np.inf),
        right=np.floor(matrix.sum(axis=1) / 2),
        sense="maximize",
    )


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=SHAPES)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    for number in range(arguments.count):
        problem(arguments.kind, number).write(arguments.out / f"{arguments.kind}_{number}.mps.gz")


if __name__ == "__main__":
    main()
