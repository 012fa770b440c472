"""Problems as SCIP models: built from a program in memory, or read from a file."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
from pyscipopt import SCIP_STAGE, Expr, ExprCons, Model
from pyscipopt.scip import Term

from kida.errors import UserError
from kida.files import atomic_path
from kida.instances.family import Instance
from kida.instances.folder import SUFFIXES, is_problem
from kida.instances.program import Program
from kida.instances.registry import generated_family
from kida.solver.names import path_to_read, path_to_write

# What files of a format end with.
_LAST_WORDS = {".mps": b"ENDATA", ".lp": b"END", ".cip": b"END"}


def open_model(instance: Instance) -> Model:
    """Return a fresh, quiet model of ``instance`` with no parameters set.

    Raises
    ------
    UserError
        If its file cannot be read.
    """
    if instance.path is not None:
        return read_model(Path(instance.path))
    return build_model(generated_family(instance.family).program(instance))


def is_model(value: object) -> bool:
    """Return whether ``value`` is a PySCIPOpt model."""
    return isinstance(value, Model)


def copied_model(model: Model) -> Model:
    """Return a fresh, quiet copy of a model's original problem, with its parameters.

    Plugins written in Python stay behind.

    Raises
    ------
    UserError
        If the model has no problem.
    """
    if model.getStage() == SCIP_STAGE.INIT:
        raise UserError("the model has no problem: read one, or add variables and constraints")
    copy = Model("copy", sourceModel=model, origcopy=True)
    copy.setProbName(model.getProbName())  # SCIP makes a longer one
    copy.hideOutput()
    return copy


def empty_model(name: str) -> Model:
    """Return a fresh, quiet model without variables."""
    model = Model(name)
    model.hideOutput()
    return model


def build_model(program: Program) -> Model:
    """Build a fresh, quiet ``pyscipopt.Model`` in memory, no parameters set.

    One expression per row, filled from a dictionary at once: there is no public call of
    PySCIPOpt that takes a whole sparse matrix, and its matrix interface makes one
    expression per entry.
    """
    model = empty_model(program.name)
    n = len(program.columns)
    objective = program.objective.tolist()
    # None is PySCIPOpt's infinity; SCIP's own is 1e20, and an IEEE one would slip through.
    lower = [value if value > -np.inf else None for value in program.lower.tolist()]
    upper = [value if value < np.inf else None for value in program.upper.tolist()]
    # SCIP's reader takes every binary variable out of the problem and puts it back when it
    # meets its BV line; a variable taken out leaves a hole that the last binary fills. In
    # the end the last but one stands first. Branching ties follow this order.
    last = program.binaries - 2
    order = [last, *range(last), last + 1] if last >= 0 else list(range(program.binaries))
    terms: list[Any] = [None] * n
    for j in [*order, *range(program.binaries, n)]:
        kind = "B" if j < program.binaries else "C"
        variable = model.addVar(
            program.columns[j], kind, lb=lower[j], ub=upper[j], obj=objective[j]
        )
        terms[j] = Term(variable)
    if program.sense == "maximize":
        model.setMaximize()
    starts, indices, values = (
        program.starts.tolist(),
        program.indices.tolist(),
        program.values.tolist(),
    )
    for i, (name, left, right) in enumerate(
        zip(program.rows, program.left.tolist(), program.right.tolist(), strict=True)
    ):
        entries = slice(starts[i], starts[i + 1])
        row = Expr(dict(zip([terms[j] for j in indices[entries]], values[entries], strict=True)))
        # The readers mark rows as dynamic (subject to aging), so this does too.
        model.addCons(
            ExprCons(
                row,
                left if left > -np.inf else None,
                right if right < np.inf else None,
            ),
            name=name,
            dynamic=True,
        )
    return model


def read_model(path: Path) -> Model:
    """Read a problem file into a fresh, quiet ``pyscipopt.Model``.

    Raises
    ------
    UserError
        If there is no such file or SCIP cannot read it.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder; name one of the files in it")
    if not path.is_file():
        raise UserError(f"there is no file {path}; check the path")
    if not is_problem(path):
        raise UserError(f"{path} is none of {', '.join(SUFFIXES)}; convert or rename it")
    model = Model()
    model.hideOutput()
    try:
        with path_to_read(path) as readable:
            model.readProblem(readable)
    # PySCIPOpt raises OSError, KeyError or a bare Exception, by SCIP's return code.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"SCIP cannot read {path}: {reason}; is the file complete?") from error
    return model


def write_problem(model: Model, path: Path) -> None:
    """Write a model's problem in the format that the suffix names; without one, as .cip.

    Raises
    ------
    UserError
        If SCIP knows no such format, the file cannot be written, or the disk is full.
    """
    if not path.suffix:
        path = path.with_name(f"{path.name}.cip")
    with atomic_path(path) as temporary:
        with path_to_write(temporary) as file:
            model.writeProblem(file, verbose=False)
        # SCIP does not notice that a disk is full; these formats say where they end.
        end = _LAST_WORDS.get(path.suffix.lower())
        if end is not None and _last_word(temporary) != end:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _last_word(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 100))
        return (file.read().split() or [b""])[-1].upper()
