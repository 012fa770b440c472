"""``ecole.scip``: the model that environments hand to observations, rewards and dynamics."""

from enum import IntEnum
from pathlib import Path
from typing import Any

from kida.ecole.errors import Exception
from kida.errors import UserError
from kida.parameters import ParameterValue
from kida.solver.problem import copied_model, empty_model, read_model, write_problem
from kida.solver.settings import set_parameters
from kida.solver.solve import optimize
from kida.solver.stepping import SteppedSolve

__all__ = ["Exception", "Model", "Stage"]


class Stage(IntEnum):
    """SCIP's stages."""

    Init = 0
    Problem = 1
    Transforming = 2
    Transformed = 3
    InitPresolve = 4
    Presolving = 5
    ExitPresolve = 6
    Presolved = 7
    InitSolve = 8
    Solving = 9
    Solved = 10
    ExitSolve = 11
    FreeTrans = 12
    Free = 13


class Model:
    """A problem and its solver: a thin cover of the ``pyscipopt.Model`` that does the work."""

    def __init__(self, model: Any) -> None:
        self._model = model
        #: The solve that waits for a decision in this model: it must end before the model does.
        self.solving: SteppedSolve | None = None

    @staticmethod
    def from_file(filepath: str | Path) -> "Model":
        """Read a problem; raise a UserError if SCIP cannot."""
        return Model(read_model(Path(filepath)))

    @staticmethod
    def prob_basic(name: str = "Model") -> "Model":
        """Return an empty problem."""
        return Model(empty_model(name))

    @staticmethod
    def from_pyscipopt(model: Any) -> "Model":
        """Cover a ``pyscipopt.Model``; both are then the same solver."""
        return Model(model)

    def as_pyscipopt(self) -> Any:
        """Return the ``pyscipopt.Model``, the same one every time."""
        return self._model

    def copy_orig(self) -> "Model":
        """Return a copy of the original problem and the parameters."""
        return Model(copied_model(self._model))

    @property
    def name(self) -> str:
        """The problem's name."""
        return str(self._model.getProbName())

    @name.setter
    def name(self, value: str) -> None:
        self._model.setProbName(value)

    @property
    def stage(self) -> Stage:
        """SCIP's stage."""
        return Stage(int(self._model.getStage()))

    def get_param(self, name: str) -> ParameterValue:
        """Return a parameter's value; raise a UserError if there is none of that name."""
        try:
            value: ParameterValue = self._model.getParam(name)
        except KeyError as error:
            raise Exception(f"SCIP has no parameter {name!r}") from error
        return value

    def set_param(self, name: str, value: ParameterValue) -> None:
        """Set a parameter; raise a UserError if SCIP refuses."""
        self.set_params({name: value})

    def get_params(self) -> dict[str, ParameterValue]:
        """Return all parameters."""
        return dict(self._model.getParams())

    def set_params(self, name_values: dict[str, ParameterValue]) -> None:
        """Set parameters; if SCIP refuses one, raise a UserError and set none."""
        try:
            with set_parameters(self._model, name_values):
                pass
        except UserError as error:
            raise Exception(str(error)) from error

    def set_messagehdlr_quiet(self, quiet: bool) -> None:
        """Let SCIP be silent, as it is at first, or not."""
        self._model.hideOutput(quiet)

    def disable_cuts(self) -> None:
        """Separate no cuts."""
        self.set_params({"separating/maxrounds": 0, "separating/maxroundsroot": 0})

    def disable_presolve(self) -> None:
        """Presolve nothing, and never restart."""
        self.set_params({"presolving/maxrounds": 0, "presolving/maxrestarts": 0})

    def write_problem(self, filepath: str | Path) -> None:
        """Write the problem to a file, in the format that its suffix names; without one, .cip.

        Raises
        ------
        UserError
            If the file cannot be written, or the disk is full.
        """
        write_problem(self._model, Path(filepath))

    def presolve(self) -> None:
        """Presolve the problem."""
        self._model.presolve()

    def solve(self) -> None:
        """Solve the problem by SCIP's own rules.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, once SCIP has come to rest.
        """
        optimize(self._model)

    @property
    def is_solved(self) -> bool:
        """Whether the solve has ended at the optimum, or with a proof that there is none.

        At a limit it has not: it would go on.
        """
        return self.stage == Stage.Solved

    @property
    def primal_bound(self) -> float:
        """The best solution's objective."""
        return float(self._model.getPrimalbound())

    @property
    def dual_bound(self) -> float:
        """The proven bound."""
        return float(self._model.getDualbound())

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Model) and self._model is other._model

    __hash__ = None  # type: ignore[assignment]
