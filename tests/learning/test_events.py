"""Events: told by their type, logged by Python's logging unless somebody listens."""

import logging
from collections.abc import Mapping
from typing import Literal, get_args, get_origin

import pytest
from msgspec.structs import fields

from kida.boundary import plain
from kida.learning.config import read_config
from kida.learning.events import Event, Selecting, Solve, Started, Tick, Warned, kinds
from kida.learning.run import Run, read_log


def test_without_a_listener_events_go_to_logging(tmp_path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG, logger="kida")
    run = Run(tmp_path / "run", read_config("item_placement"))
    for event in (Started(jobs=2), Warned(text="a shard is missing"), Solve(done=1, of=2)):
        run.report(event)
    found = [(record.name, record.levelname, record.getMessage()) for record in caplog.records]
    assert found == [
        ("kida.learning", "INFO", "Started(jobs=2)"),
        ("kida.learning", "WARNING", "a shard is missing"),
        ("kida.learning", "DEBUG", "Solve(done=1, of=2)"),
    ]


def test_who_listens_gets_them_and_the_logger_nothing(tmp_path, caplog):
    caplog.set_level(logging.DEBUG, logger="kida")
    told: list[Event] = []
    run = Run(tmp_path / "run", read_config("item_placement"), told.append)
    run.report(Warned(text="x"))
    run.report(Solve(done=1, of=2))
    assert told == [Warned(text="x"), Solve(done=1, of=2)]
    assert not caplog.records
    assert [line.event for line in read_log(tmp_path / "run")] == [Warned(text="x")]


@pytest.mark.parametrize("kind", kinds().values(), ids=list(kinds()))
def test_every_kind_is_read_back_as_it_was_logged(tmp_path, kind):
    event = kind(**{field.name: value_of(field.type) for field in fields(kind)})
    run = Run(tmp_path / "run", read_config("item_placement"), lambda event: None)
    run.log(event)
    assert [line.event for line in read_log(tmp_path / "run")] == [event]


def value_of(declared):
    """Return some value of a type that events declare."""
    plainly = {int: 3, float: 0.5, str: "x", bool: True}
    if declared in plainly:
        return plainly[declared]
    origin, inner = get_origin(declared), get_args(declared)
    if origin is Literal:
        return inner[0]
    if origin is tuple:
        return tuple(value_of(each) for each in inner if each is not Ellipsis)
    if origin is Mapping:
        return {value_of(inner[0]): value_of(inner[1])}
    return value_of(inner[0])  # of annotated types, and of unions


def test_every_kind_has_a_tag_of_its_own():
    every = [kind for kind in Event.__subclasses__() if kind is not Tick] + Tick.__subclasses__()
    tags = [kind.__struct_config__.tag for kind in every]
    assert len(set(tags)) == len(tags)
    assert set(kinds()) <= {*tags, "Tick"}
    assert plain(Selecting()) == {"event": "selecting"}
