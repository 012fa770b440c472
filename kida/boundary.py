"""The one boundary to what comes from outside: files and tables become declared types.

Or one sentence that names the field. A type is declared once, as a ``msgspec.Struct`` with bounds
on its fields, where it belongs; here is how its values are read and written. msgspec was chosen
because it is a single small extension without dependencies, imports in ten milliseconds, refuses
unknown fields and wrong types without guessing, and names the place of what it refuses. Sizes are
bounded before anything is allocated, and numbers that are not finite are refused everywhere.
"""

import dataclasses
import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from kida.errors import UserError
from kida.files import atomic_path
from kida.trajectory import SCIP_INFINITY

Kind = TypeVar("Kind")

#: SCIP reads seeds as C integers, and the seed of a permutation is one more.
LARGEST_SEED = 2**31 - 2

Natural = Annotated[int, Meta(ge=0, le=10**9)]
Count = Annotated[int, Meta(ge=1, le=10**9)]
Seed = Annotated[int, Meta(ge=0, le=LARGEST_SEED)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
#: At least 0 and below 1: what an exponential average keeps, or a layer drops.
Share = Annotated[float, Meta(ge=0.0, lt=1.0)]
Positive = Annotated[float, Meta(gt=0.0, le=1e9)]
#: Of an objective: infinite bounds are SCIP's +-1e20.
Bound = Annotated[float, Meta(ge=-SCIP_INFINITY, le=SCIP_INFINITY)]
#: Seconds of a limit: a billion are 32 years.
Seconds = Positive

#: The largest file of each size class, in bytes.
SMALL_FILE = 4 << 20
LARGE_FILE = 1 << 28
_DEEPEST = 32


def read_json(path: Path, kind: type[Kind], what: str, *, largest: int = SMALL_FILE) -> Kind:
    """Read a JSON file as a declared type.

    Parameters
    ----------
    path
        The file.
    kind
        The type.
    what
        What the file should be, for messages: "a policy's card".
    largest
        Bytes that it may have.

    Raises
    ------
    FileNotFoundError
        If there is no such file: only the caller knows what that means.
    UserError
        If it is too large, no JSON, or not of that type; the message names the file and the field.
    """
    return decode_json(read_bytes(path, what, largest), kind, f"{path} is not {what}")


def find_json(path: Path, kind: type[Kind], what: str, *, largest: int = SMALL_FILE) -> Kind | None:
    """Do as :func:`read_json`, but return None if there is no such file."""
    try:
        return read_json(path, kind, what, largest=largest)
    except FileNotFoundError:
        return None


def read_bytes(path: Path, what: str, largest: int) -> bytes:
    """Read a file that has at most ``largest`` bytes; raise as :func:`read_json` does."""
    try:
        # A pipe that nobody writes to would be waited for without end.
        if path.exists() and not path.is_file():
            raise UserError(f"{path} is not {what}: it is no file")
        with path.open("rb") as file:
            content = file.read(largest + 1)
    # Of a path that goes through a file, too.
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(str(path)) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror or error})") from error
    if len(content) > largest:
        raise UserError(f"{path} is not {what}: it has more than {largest >> 10} KiB")
    return content


def decode_json(content: bytes | str, kind: type[Kind], trouble: str) -> Kind:
    """Return the value that a JSON text holds.

    Raises
    ------
    UserError
        ``trouble``, and why, if it is no JSON or not of that type.
    """
    try:
        return convert(_decoded(content), kind, trouble)
    # Bytes that are no UTF-8 are a ValueError of their own.
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise UserError(f"{trouble}: {error}") from error


def _decoded(content: bytes | str) -> Any:
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        # Escaped halves of surrogate pairs are how Python keeps paths that are not UTF-8.
        if "\\ud" not in (content.decode() if isinstance(content, bytes) else content).lower():
            raise
        return json.loads(content)


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file as nested plain tables, for :func:`convert`.

    Raises
    ------
    UserError
        If there is no such file, it is too large or no TOML.
    """
    try:
        content = read_bytes(path, what, SMALL_FILE)
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    try:
        return tomllib.loads(content.decode())
    # Also UnicodeDecodeError, and Python's own limit on the digits of a number.
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from error


def convert(content: Any, kind: type[Kind], trouble: str, *, text: bool = False) -> Kind:
    """Return plain content, such as parsed JSON or TOML, as a declared type.

    Parameters
    ----------
    content
        Nested dictionaries, lists and values.
    kind
        The type.
    trouble
        The beginning of the message: what is wrong, such as "recipe.toml is no configuration".
    text
        Whether numbers are written as text, as in the cells of a table.

    Raises
    ------
    UserError
        If it is not of that type; the message names the field.
    """
    if (place := _unusable(content)) is not None:
        raise UserError(f"{trouble}: {_one_line(place)}")
    try:
        # In JSON the keys of a mapping are text, whatever they stand for.
        return msgspec.convert(content, kind, strict=not text, str_keys=True)
    except msgspec.ValidationError as error:
        message = _explained(str(error), content, kind)
        raise UserError(f"{trouble}: {_one_line(message)}") from error
    except UnicodeEncodeError as error:
        raise UserError(f"{trouble}: it has names that are not Unicode") from error
    # From a type's own check of itself.
    except UserError as error:
        raise UserError(f"{trouble}: {_one_line(str(error))}") from error


def checked(value: Kind) -> Kind:
    """Return a value that a program built, after the same checks as if it had been read.

    Raises
    ------
    UserError
        If a field is out of its bounds or of another type.
    """
    return convert(plain(value), type(value), f"this {type(value).__name__} makes no sense")


def replaced(value: Kind, **changes: Any) -> Kind:
    """Return a declared value with some fields changed, checked as by :func:`checked`."""
    changed: Kind = msgspec.structs.replace(cast(Any, value), **changes)
    return checked(changed)


def plain(value: Any) -> Any:
    """Return a declared value as nested dictionaries, lists and values, as JSON has them."""
    return msgspec.to_builtins(value, enc_hook=_as_dict)


def write_json(path: Path, content: Any) -> None:
    """Write plain content or a declared value as indented JSON, atomically.

    Raises
    ------
    ValueError
        If it holds a number that JSON cannot represent: NaN or an infinity.
    UserError
        If the file cannot be written.
    """
    content = plain(content)
    if (place := _unusable(content)) is not None:
        raise ValueError(place)
    with atomic_path(path) as temporary:
        temporary.write_bytes(_encoded(content) + b"\n")


def _encoded(content: Any) -> bytes:
    try:
        return msgspec.json.format(msgspec.json.encode(content), indent=2)
    except UnicodeEncodeError:  # a path that is not UTF-8
        return json.dumps(content, indent=2).encode()


def _as_dict(value: Any) -> Any:
    """Return a read-only mapping as a dictionary, which msgspec does not by itself."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in plain content")


def _explained(message: str, content: Any, kind: Any) -> str:
    """Return msgspec's message with the place first, as ``training.epochs``, and what is there."""
    text, _, place = message.partition(" - at `")
    text = text[:1].lower() + text[1:]
    if place and not place.startswith("$"):
        # "key` in `$.parameters`": it is the name of an entry that is wrong.
        return f"{place.rpartition('$')[2].strip('.`')}: {text} as the name of an entry"
    field, owner = "", None
    for name, number in re.findall(r"\.([^.\[`]+)|\[([^\]]*)\]", place):
        owner = kind
        key: Any = name or number
        kind = _type_of(kind, key)
        if number == "...":
            key = _first_wrong(content, kind)
        field += f".{key}" if isinstance(content, dict) else f"[{number}]"
        content = _entry(content, key)
    field = field.lstrip(".")
    if text.startswith("object contains unknown field") and _is_struct(kind):
        names = ", ".join(entry.encode_name for entry in msgspec.structs.fields(kind))
        return f"{field + ': ' if field else ''}{text}; the fields are {names}"
    if text.startswith("invalid enum value"):
        return f"{field} is {_shown(content)}; choose one of {', '.join(map(str, get_args(kind)))}"
    if isinstance(content, str | int | float) and owner is not None:
        return f"{field} is {_shown(content)}; {text}"
    return f"{field}: {text}" if field else text


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}..."


def _one_line(message: str) -> str:
    """Return a message as one line of bounded length, whatever names and values it holds."""
    line = " ".join(message[:2000].split())
    return line if len(line) <= 800 else f"{line[:800]}..."


def _first_wrong(content: Any, kind: Any) -> str:
    """Return the name of the first entry that is not of the type, as msgspec does not say it."""
    for name, value in content.items() if isinstance(content, dict) else ():
        try:
            msgspec.convert(value, kind)
        except (msgspec.ValidationError, UserError):
            return str(name)
    return "..."


def _entry(content: Any, key: Any) -> Any:
    if isinstance(content, dict):
        return content.get(key)
    if isinstance(content, list | tuple) and str(key).isdecimal() and int(key) < len(content):
        return content[int(key)]
    return None


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _type_of(kind: Any, name: str) -> Any:
    """Return the type of the field or entry ``name`` of ``kind``, Any where it cannot be told."""
    found: Any = Any
    if _is_struct(kind):
        for entry in msgspec.structs.fields(kind):
            if entry.encode_name == name:
                found = entry.type
    elif dataclasses.is_dataclass(kind):
        found = get_type_hints(kind, include_extras=True).get(name, Any)
    elif get_origin(kind) in (list, tuple, dict, Mapping):
        arguments = get_args(kind)
        found = arguments[-1] if arguments[-1] is not Ellipsis else arguments[0]
    # Of a choice with None the choice.
    while get_origin(found) in (Annotated, Union, UnionType):
        choices = [choice for choice in get_args(found) if choice is not type(None)]
        if get_origin(found) is not Annotated and len(choices) > 1:
            break
        found = choices[0]
    return found


def _unusable(content: Any) -> str | None:
    """Return where numbers are not finite or tables nested without end, or None."""
    waiting: list[tuple[Any, str, int]] = [(content, "", 0)]
    while waiting:
        value, place, depth = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            return f"{place or 'it'} is {value}; it must be a finite number"
        if depth > _DEEPEST:
            return f"it is nested more than {_DEEPEST} levels deep"
        if isinstance(value, dict):
            # The first field in the text is the first one looked at.
            waiting += [
                (entry, f"{place}.{key}".lstrip("."), depth + 1)
                for key, entry in reversed(value.items())
            ]
        elif isinstance(value, list | tuple) and not _all_usable_numbers(value):
            waiting += [
                (entry, f"{place}[{number}]", depth + 1)
                for number, entry in reversed([*enumerate(value)])
            ]
    return None


def _all_usable_numbers(values: Sequence[Any]) -> bool:
    """Return whether these are numbers, all finite: long lists are looked through at once."""
    return {*map(type, values)} <= {int, float} and all(map(_finite, values))


def _finite(value: float) -> bool:
    # An integer of many digits is finite, and none that math.isfinite takes.
    return type(value) is int or math.isfinite(value)
