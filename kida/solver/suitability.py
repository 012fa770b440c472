"""Whether anything can be learned from a problem file: what its reading and its root node tell."""

from collections.abc import Mapping
from pathlib import Path

from kida.errors import UserError
from kida.parameters import ParameterValue
from kida.settings import named_settings
from kida.solver.problem import read_model
from kida.solver.root import solve_root
from kida.solver.settings import apply_settings

_ENDS = {
    "optimal": "solved at the root",
    "infeasible": "infeasible",
    "unbounded": "unbounded",
    "inforunbd": "infeasible or unbounded",
}


def unsuitable(
    path: Path, settings: str, parameters: Mapping[str, ParameterValue], seconds: float
) -> str | None:
    """Return why nothing can be learned from a file, None if nothing speaks against it.

    Parameters
    ----------
    path
        The file.
    settings, parameters
        Under what its root node is solved.
    seconds
        How long that may take; what is not known by then is not held against it.

    Returns
    -------
    str or None
        Such as ``"infeasible"``: what the file is.
    """
    try:
        model = read_model(path)
    except UserError as error:
        return f"not readable ({error})"
    try:
        apply_settings(model, named_settings(settings))
        for name, value in parameters.items():
            model.setParam(name, value)
        if any(row.isNonlinear() for row in model.getConss(transformed=False)):
            # Presolving may make it linear.
            model.setParam("limits/time", seconds)
            model.presolve()
            rows = model.getConss(transformed=True)
            return "not linear" if any(row.isNonlinear() for row in rows) else None
        if solve_root(model, seconds) is not None:
            return None
        return _ENDS.get(model.getStatus())
    finally:
        model.free()
