"""A mixed-binary linear program as plain arrays, and its way into a file.

Every generated family describes its instances by a :class:`Program`, so that memory stays linear
in the nonzeros, and the model built in memory (``kida.solver.problem``) and the one SCIP reads from
the written file are the same problem in the same order. Change this file only for what all families
need; general integer variables are left out on purpose, as no family has them and their order in
SCIP's reader is another one.
"""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kida.errors import UserError
from kida.files import atomic_path
from kida.sense import Sense


def round_to_file(value: float) -> float:
    """Round to the 6 significant digits that the competition's files carry (``%.6g``)."""
    return float(f"{value:.6g}")


def _digits(value: float) -> str:
    """Return the shortest text that reads back as ``value``, in the files' style."""
    short = f"{value:.6g}"
    return short if float(short) == value else repr(float(value))


@dataclass(frozen=True, eq=False)
class Program:
    """Optimize ``objective @ x`` with ``left <= A x <= right``, ``lower <= x <= upper``.

    The columns are the binary variables first, then the continuous ones.

    Attributes
    ----------
    name
        The problem's name, as SCIP reports it.
    columns, rows
        Names, of lengths n and m; unique, without blanks.
    binaries
        The first ``binaries`` columns are binary, with bounds 0 and 1.
    objective, lower, upper
        Arrays float64 of shape (n,); bounds may be infinite.
    starts, indices, values
        The matrix by rows (CSR): int64 (m + 1,), int64 (e,), float64 (e,); column indices
        ascend within a row.
    left, right
        Row sides, float64 (m,); a row is an equation (equal sides) or has one infinite side.
    sense
        Direction of optimization.

    Raises
    ------
    ValueError
        If shapes disagree, indices do not ascend, or a row has two finite, different sides or
        none.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[str]
    binaries: int
    objective: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    starts: NDArray[np.int64]
    indices: NDArray[np.int64]
    values: NDArray[np.float64]
    left: NDArray[np.float64]
    right: NDArray[np.float64]
    sense: Sense = "minimize"

    def __post_init__(self) -> None:
        n, m, e = len(self.columns), len(self.rows), len(self.indices)
        if not (self.objective.shape == self.lower.shape == self.upper.shape == (n,)):
            raise ValueError(f"{n} columns, but objective or bounds of another length")
        if not (self.left.shape == self.right.shape == (m,) and self.starts.shape == (m + 1,)):
            raise ValueError(f"{m} rows, but sides or starts of another length")
        if self.values.shape != (e,) or self.starts[0] != 0 or self.starts[-1] != e:
            raise ValueError(f"{e} column indices, but values or starts of another length")
        # SCIP's reader appends entries column by column; only so do file and memory agree.
        ascends = np.diff(self.indices) > 0
        ascends[self.starts[1:-1][(self.starts[1:-1] > 0) & (self.starts[1:-1] < e)] - 1] = True
        if not ascends.all():
            raise ValueError("column indices must ascend within every row")
        one_sided = np.isinf(self.left) ^ np.isinf(self.right)
        if not np.all(one_sided | (self.left == self.right)):
            raise ValueError("every row must be an equation or have exactly one finite side")

    def write(self, path: Path) -> None:
        """Write a free-format MPS file, gzipped when the name ends in ``.gz``, atomically.

        The layout is that of the competition's files. Equal programs give equal bytes.

        Raises
        ------
        UserError
            If the name ends neither in ``.mps`` nor in ``.mps.gz``, or cannot be written.
        """
        if not path.name.endswith((".mps", ".mps.gz")):
            raise UserError(f"{path} ends neither in .mps nor in .mps.gz; choose such a name")
        content = self.mps().encode()
        if path.suffix == ".gz":
            # A fixed time stamp, so that checksums can be compared between machines.
            content = gzip.compress(content, compresslevel=6, mtime=0)
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)

    def mps(self) -> str:
        """Return the text of the free-format MPS file."""
        n, m, binaries = len(self.columns), len(self.rows), self.binaries
        width = max(map(len, [*self.columns, *self.rows, "BOUND"]), default=5)
        equations = self.left == self.right
        kinds = np.where(equations, "E", np.where(np.isinf(self.left), "L", "G")).tolist()
        lines = [
            f"* Written by kida: {self.name}",
            f"*   Constraints      : {m}",
            f"*   Variables        : {n}",
            f"*     Binary         : {binaries}",
            f"*     Continuous     : {n - binaries}",
            f"NAME          {self.name}",
        ]
        if self.sense == "maximize":
            lines += ["OBJSENSE", "  MAX"]
        lines += ["ROWS", " N  COST"]
        lines += [f" {kind}  {name}" for kind, name in zip(kinds, self.rows, strict=True)]
        lines.append("COLUMNS")
        by_column = self._cells(width)
        if binaries:
            lines.append("  INTSTART  'MARKER'                            'INTORG'")
        for j, name in enumerate(self.columns):
            if j == binaries and binaries:
                lines.append("  INTEND    'MARKER'                            'INTEND'")
            lines += _pairs(name, by_column[j], width)
        if binaries == n and binaries:
            lines.append("  INTEND    'MARKER'                            'INTEND'")
        side = np.where(np.isinf(self.left), self.right, self.left)
        lines.append("RHS")
        lines += _pairs(
            "RHS",
            [
                f"{name:<{width}} {_digits(value):>12}"
                for name, value in zip(self.rows, side.tolist(), strict=True)
            ],
            width,
        )
        lines.append("BOUNDS")
        lines += [f" BV {'BOUND':<{width}}  {name}" for name in self.columns[:binaries]]
        for j in range(binaries, n):
            lines += self._bounds(j, width)
        lines += ["ENDATA", ""]
        return "\n".join(lines)

    def _cells(self, width: int) -> list[list[str]]:
        """Return, for each column, its ``row value`` cells, objective first, rows ascending."""
        rows = np.repeat(np.arange(len(self.rows)), np.diff(self.starts))
        distinct, which = np.unique(self.values, return_inverse=True)
        texts = [f"{_digits(value):>12}" for value in distinct.tolist()]
        heads = [f"{name:<{width}} " for name in self.rows]
        cells: list[list[str]] = [
            [f"{'COST':<{width}} {_digits(cost):>12}"] if cost != 0.0 else []
            for cost in self.objective.tolist()
        ]
        for i, j, k in zip(rows.tolist(), self.indices.tolist(), which.tolist(), strict=True):
            cells[j].append(heads[i] + texts[k])
        # A column without entries must be named all the same, or the reader would not know it.
        for column in cells:
            if not column:
                column.append(f"{'COST':<{width}} {'0':>12}")
        return cells

    def _bounds(self, j: int, width: int) -> list[str]:
        lower, upper = float(self.lower[j]), float(self.upper[j])
        name = f"{'BOUND':<{width}}  {self.columns[j]:<{width}}"
        if lower == upper:
            return [f" FX {name} {_digits(lower):>12}"]
        lines = []
        if lower == -np.inf:
            lines.append(f" MI {name}")
        elif lower != 0.0:
            lines.append(f" LO {name} {_digits(lower):>12}")
        if upper != np.inf:
            lines.append(f" UP {name} {_digits(upper):>12}")
        return lines


class Rows:
    """Collects the rows of a :class:`Program`, one call each."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._indices: list[NDArray[np.int64]] = []
        self._values: list[NDArray[np.float64]] = []
        self._left: list[float] = []
        self._right: list[float] = []

    def add(
        self,
        name: str,
        indices: ArrayLike,
        values: ArrayLike,
        left: float = -np.inf,
        right: float = np.inf,
    ) -> None:
        """Add ``left <= values @ x[indices] <= right``; a scalar value stands for all indices."""
        columns = np.asarray(indices, dtype=np.int64)
        order = np.argsort(columns)
        self._names.append(name)
        self._indices.append(columns[order])
        self._values.append(np.broadcast_to(np.asarray(values, float), columns.shape)[order])
        self._left.append(left)
        self._right.append(right)

    def program(
        self,
        name: str,
        columns: Sequence[str],
        objective: ArrayLike,
        binaries: int | None = None,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = 1.0,
        sense: Sense = "minimize",
    ) -> Program:
        """Return the program with these rows; bounds may be scalars, ``binaries`` None is all."""
        n = len(columns)
        lengths = [len(block) for block in self._indices]
        return Program(
            name=name,
            columns=columns,
            rows=self._names,
            binaries=n if binaries is None else binaries,
            objective=np.asarray(objective, dtype=float),
            lower=np.broadcast_to(np.asarray(lower, dtype=float), (n,)),
            upper=np.broadcast_to(np.asarray(upper, dtype=float), (n,)),
            starts=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
            indices=np.concatenate([np.empty(0, np.int64), *self._indices]),
            values=np.concatenate([np.empty(0), *self._values]),
            left=np.array(self._left),
            right=np.array(self._right),
            sense=sense,
        )


def _pairs(name: str, cells: list[str], width: int) -> list[str]:
    """Lay out ``cells`` two a line behind ``name``."""
    head = f"    {name:<{width}}  "
    lines = [f"{head}{cells[k]}  {cells[k + 1]}" for k in range(0, len(cells) - 1, 2)]
    if len(cells) % 2:
        lines.append(head + cells[-1])
    return lines
