"""What a solver's user wants to know about a problem before anything else.

One short solve under SCIP's default settings, stopped at the first branching decision; only
limits are set here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kida.errors import UserError
from kida.solver.pattern import Pattern, pattern_of
from kida.solver.problem import read_model
from kida.solver.root import solve_root


@dataclass(frozen=True)
class Counts:
    """Sizes of a problem: rows, columns, and columns by type."""

    rows: int
    columns: int
    binaries: int
    integers: int
    continuous: int


@dataclass(frozen=True)
class Description:
    """What :func:`describe` found.

    Attributes
    ----------
    sense
        ``"minimize"`` or ``"maximize"``.
    original, presolved
        Sizes before and after presolving; nothing is left when presolving solves the problem.
    nonzeros
        Of the linear rows as given.
    root_bound
        Dual bound when SCIP first had to branch (or ended); None if there is none.
    primal_bound
        Objective of the best solution known by then; None if there is none.
    fractional, unfixed
        Branching candidates at the root: integer variables with a fractional LP value, and all
        that are not fixed. None when SCIP never had to branch.
    status
        SCIP's status if it ended before branching, else ``"branching"``.
    seconds
        Wall-clock time of all this.
    pattern
        Where the nonzeros of the problem as given are, if that was asked for.
    """

    sense: str
    original: Counts
    nonzeros: int
    presolved: Counts
    root_bound: float | None
    primal_bound: float | None
    fractional: int | None
    unfixed: int | None
    status: str
    seconds: float
    pattern: Pattern | None = None


def describe(path: Path, time_limit: float = 300.0, *, with_pattern: bool = False) -> Description:
    """Read a problem file, solve its root node and report; on request, where its nonzeros are.

    Raises
    ------
    UserError
        If the file cannot be read, the time limit is not positive, or there is no linear row of
        which to give the pattern.
    """
    if not time_limit > 0.0:
        raise UserError(f"the time limit is {time_limit}; it must be more than 0 seconds")
    model = read_model(path)
    original = _counts(model, transformed=False)
    linear = [row for row in model.getConss(transformed=False) if row.isLinear()]
    nonzeros = sum(model.getConsNVars(row) for row in linear)
    pattern = pattern_of(model) if with_pattern else None
    candidates = solve_root(model, time_limit)
    description = Description(
        sense=model.getObjectiveSense(),
        original=original,
        nonzeros=nonzeros,
        presolved=_counts(model, transformed=True),
        root_bound=_finite(model, model.getDualbound()),
        primal_bound=_finite(model, model.getPrimalbound()),
        fractional=candidates.fractional if candidates else None,
        unfixed=candidates.unfixed if candidates else None,
        status="branching" if candidates else str(model.getStatus()),
        seconds=float(model.getTotalTime()),
        pattern=pattern,
    )
    model.free()
    return description


def _counts(model: Any, transformed: bool) -> Counts:
    kinds = [variable.vtype() for variable in model.getVars(transformed=transformed)]
    binaries, integers = kinds.count("BINARY"), kinds.count("INTEGER")
    return Counts(
        rows=model.getNConss(transformed=transformed),
        columns=len(kinds),
        binaries=binaries,
        integers=integers,
        continuous=len(kinds) - binaries - integers,
    )


def _finite(model: Any, value: float) -> float | None:
    return None if model.isInfinity(abs(value)) else float(value)
