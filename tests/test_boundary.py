"""The boundary: what is read becomes its type, and all else one sentence that names the field."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from msgspec import Meta, Struct, field

from kida.boundary import (
    LARGEST_SEED,
    Count,
    Probability,
    Seed,
    checked,
    convert,
    decode_json,
    plain,
    read_bytes,
    read_json,
    read_toml,
    replaced,
    write_json,
)
from kida.errors import UserError


@dataclass(frozen=True)
class Place:
    name: str
    index: int = 0


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    rate: Probability = 0.5
    kind: Literal["one", "two"] = "one"
    limit: Count | None = None

    def __post_init__(self) -> None:
        if self.rate == 0.25:
            raise UserError("a quarter is refused")
        if self.rate == 0.75:
            raise ValueError("three quarters are refused")


class Outer(Struct, frozen=True, forbid_unknown_fields=True):
    inner: Inner = field(default_factory=Inner)
    seed: Seed = 0
    numbers: Annotated[tuple[float, ...], Meta(max_length=5)] = ()
    parts: tuple[Inner, ...] = ()
    table: Mapping[str, bool | int] = field(default_factory=dict)
    named: dict[str, Inner] = field(default_factory=dict)
    place: Place | None = None
    free: Any = None


def test_what_is_written_is_read(tmp_path):
    value = Outer(
        Inner(1.0, "two", 3),
        LARGEST_SEED,
        (1.0, 2.0),
        (Inner(),),
        MappingProxyType({"a": True, "b": 2}),
        {"x": Inner(0.0)},
        Place("here", 1),
        {"deep": [1, None, "s"]},
    )
    path = tmp_path / "value.json"
    write_json(path, value)
    assert path.read_text().endswith("}\n")
    assert json.loads(path.read_text()) == json.loads(json.dumps(plain(value)))
    found = read_json(path, Outer, "a value")
    assert found == convert(plain(value), Outer, "no")
    assert found.place == Place("here", 1)
    assert checked(found) == found
    assert convert({}, Outer, "no") == Outer()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"seed": "1"}, "wrong: seed is '1'; expected `int`, got `str`"),
        ({"seed": -1}, "wrong: seed is -1; expected `int` >= 0"),
        ({"seed": True}, "wrong: seed is True; expected `int`, got `bool`"),
        ({"seed": [1]}, "wrong: seed: expected `int`, got `array`"),
        ({"inner": {"rate": 2}}, "wrong: inner.rate is 2; expected `float` <= 1.0"),
        ({"inner": {"rate": math.nan}}, "wrong: inner.rate is nan; it must be a finite number"),
        ({"inner": {"rate": 0.25}}, "wrong: a quarter is refused"),
        ({"inner": {"rate": 0.75}}, "wrong: inner: three quarters are refused"),
        ({"inner": {"kind": "three"}}, "wrong: inner.kind is 'three'; choose one of one, two"),
        ({"inner": {"limit": 0}}, "wrong: inner.limit is 0; expected `int` >= 1"),
        (
            {"inner": {"speed": 1}},
            "wrong: inner: object contains unknown field `speed`; the fields are rate, kind, limit",
        ),
        ({"inner": 7}, "wrong: inner is 7; expected `object`, got `int`"),
        ({"numbers": [0, math.inf]}, "wrong: numbers[1] is inf; it must be a finite number"),
        ({"numbers": [0.0, "x"]}, "wrong: numbers[1] is 'x'; expected `float`, got `str`"),
        ({"numbers": [0] * 6}, "wrong: numbers: expected `array` of length <= 5"),
        ({"parts": [{}, {"rate": -1}]}, "wrong: parts[1].rate is -1; expected `float` >= 0.0"),
        ({"table": {"a": 1, "b/c": 1.5}}, "wrong: table.b/c is 1.5; expected `bool | int`"),
        ({"named": {"x": {}, "y": {"limit": 0}}}, "wrong: named.y.limit is 0; expected `int` >= 1"),
        ({"place": {"name": 1}}, "wrong: place.name is 1; expected `str`, got `int`"),
        ({"free": {"a": [{"b": -math.inf}]}}, "wrong: free.a[0].b is -inf; it must be"),
        ([], "wrong: expected `object`, got `array`"),
        (3, "wrong: expected `object`, got `int`"),
    ],
)
def test_what_is_wrong_is_named(content, message):
    with pytest.raises(UserError) as caught:
        convert(content, Outer, "wrong")
    assert str(caught.value).startswith(message)


def test_long_values_are_cut():
    with pytest.raises(UserError) as caught:
        convert({"seed": "x" * 10**6}, Outer, "wrong")
    assert len(str(caught.value)) < 300


def test_numbers_in_tables_are_text():
    content = {"seed": "7", "inner": {"rate": "0.5"}}
    assert convert(content, Outer, "no", text=True) == Outer(seed=7)
    with pytest.raises(UserError, match=r"inner\.rate is 'nan'"):
        convert({"inner": {"rate": "nan"}}, Outer, "no", text=True)


def test_nesting_is_bounded():
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    with pytest.raises(UserError, match="nested more than 32 levels"):
        convert({"free": deep}, Outer, "wrong")
    for text in ("[" * 100_000, '{"free":' * 100_000, "[" * 1000 + "]" * 1000):
        with pytest.raises(UserError, match=r"^wrong: "):
            decode_json(text, Outer, "wrong")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b'{"seed": NaN}', b'{"seed": 1e999}', b'{"free": 1e999}', b"{} {}"],
)
def test_texts_that_are_no_json_are_refused(content):
    with pytest.raises(UserError, match=r"^wrong: "):
        decode_json(content, Outer, "wrong")


def test_integers_of_many_digits_are_refused():
    with pytest.raises(UserError, match=r"^wrong: "):
        decode_json('{"seed": ' + "9" * 10_000 + "}", Outer, "wrong")
    with pytest.raises(UserError, match=r"^wrong: "):
        convert({"numbers": [10**400]}, Outer, "wrong")


def test_files_are_bounded_before_they_are_read(tmp_path):
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(1 << 36)  # sparse: reading it all would not fit into memory
    with pytest.raises(UserError, match=r"large\.json is not a value: it has more than 4096 KiB"):
        read_json(path, Outer, "a value")
    path.write_bytes(b"12345")
    assert read_bytes(path, "it", 5) == b"12345"
    with pytest.raises(UserError, match="more than 0 KiB"):
        read_bytes(path, "it", 4)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none", "it", 5)
    with pytest.raises(FileNotFoundError):
        read_bytes(path / "below", "it", 5)
    with pytest.raises(UserError, match="it is no file"):
        read_bytes(tmp_path, "it", 5)


def test_toml(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("seed = 3\n[inner]\nrate = 1\n")
    assert convert(read_toml(path, "it"), Outer, "no") == Outer(Inner(1.0), 3)
    with pytest.raises(UserError, match="there is no file"):
        read_toml(tmp_path / "none.toml", "it")
    for text in ("seed = ", "a = " + "[" * 5000, "a = " + "9" * 5000):
        path.write_text(text)
        with pytest.raises(UserError, match="is not valid TOML"):
            read_toml(path, "it")
    path.write_bytes(b"\xff")
    with pytest.raises(UserError, match="is not valid TOML"):
        read_toml(path, "it")
    path.write_text("seed = nan")
    with pytest.raises(UserError, match="seed is nan"):
        convert(read_toml(path, "it"), Outer, "no")


def test_programs_are_checked_as_files_are():
    with pytest.raises(UserError, match="this Outer makes no sense: seed is -1"):
        checked(Outer(seed=-1))
    value = replaced(Outer(), seed=4, inner=Inner(0.1))
    assert (value.seed, value.inner.rate) == (4, 0.1)
    with pytest.raises(UserError, match="seed is 'x'"):
        replaced(value, seed="x")


def test_what_json_cannot_say_is_not_written(tmp_path):
    path = tmp_path / "a.json"
    for value in (math.nan, [1.0, math.inf], {"a": {"b": -math.inf}}):
        with pytest.raises(ValueError, match="must be a finite number"):
            write_json(path, value)
    assert not path.exists()
    with pytest.raises(TypeError, match="no place in plain content"):
        plain({"a": np.zeros(2)})
    path.write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_json(path / "b.json", 1)


def test_long_lists_of_numbers_are_quick(tmp_path):
    numbers = [0.5] * 500_000
    content = {"free": numbers}
    assert convert(content, Outer, "no").free == numbers
    numbers[-1] = math.nan
    with pytest.raises(UserError, match=r"free\[499999\] is nan"):
        convert(content, Outer, "no")


def test_paths_that_are_not_utf8_come_back(tmp_path):
    name = os.fsdecode(b"gr\xf6\xdfe")
    write_json(tmp_path / "content.json", {"path": name, name: 1})
    assert read_json(tmp_path / "content.json", dict[str, Any], "content") == {
        "path": name,
        name: 1,
    }
