"""A user's own SCIP settings: a file in SCIP's format, ``name = value`` a line, as plain data.

The file is the user's: whatever SCIP takes is allowed. What a card may set is another question, see
``kida.parameters``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyscipopt import Model

from kida.boundary import SMALL_FILE, read_bytes
from kida.errors import UserError
from kida.files import atomic_path
from kida.parameters import ParameterValue
from kida.solver.settings import set_parameters

_TRUTH = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True)
class SetFile:
    """What a file of settings says.

    Attributes
    ----------
    parameters
        Name to value, of those that differ from SCIP's defaults.
    unknown
        Names that this SCIP does not know, which it leaves out.
    """

    parameters: dict[str, ParameterValue]
    unknown: tuple[str, ...]


def read_set_file(path: Path) -> SetFile:
    """Read a file of SCIP parameters, such as ``scip.set``.

    Raises
    ------
    UserError
        If it cannot be read, a line is none of its format, or SCIP refuses a value; the message
        names the line.
    """
    try:
        content = read_bytes(path, "a file of SCIP's settings", SMALL_FILE)
    except FileNotFoundError:
        raise UserError(f"there is no file {path} of SCIP's settings; check the path") from None
    model = Model()
    try:
        before = model.getParams()
        unknown = []
        # SCIP reads bytes; what is not UTF-8 can be in a comment only.
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            text = line.split("#")[0].strip()
            if not text:
                continue
            where = f"{path}, line {number}"
            name, equals, value = (part.strip() for part in text.partition("="))
            if not equals or not name:
                raise UserError(f"{where}: {text[:100]!r} is not 'name = value', as SCIP writes it")
            if name not in before:
                unknown.append(name)
                continue
            _set(model, name, value, where)
        after = model.getParams()
    finally:
        model.free()
    changed = {name: value for name, value in after.items() if value != before[name]}
    return SetFile(changed, tuple(unknown))


def write_set_file(path: Path, parameters: Mapping[str, ParameterValue]) -> None:
    """Write the parameters that differ from SCIP's defaults as a file that SCIP reads, atomically.

    Raises
    ------
    UserError
        If SCIP refuses one, or the file cannot be written.
    """
    model = Model()
    try:
        with set_parameters(model, parameters), atomic_path(path) as temporary:
            model.writeParams(str(temporary), comments=False, onlychanged=True, verbose=False)
    finally:
        model.free()


def _set(model: Model, name: str, text: str, where: str) -> None:
    try:
        model.setParam(name, _value(text, type(model.getParam(name))))
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise UserError(f"{where}: SCIP refuses {name} = {text[:100]} ({error})") from error


def _value(text: str, kind: type) -> ParameterValue:
    if kind is bool:
        if text.lower() not in _TRUTH:
            raise ValueError("it is TRUE or FALSE")
        return _TRUTH[text.lower()]
    if kind is int:
        return int(text)
    if kind is float:
        return float(text)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
