"""The run folder: what is where, whose it is, the log, and how far the run is.

Everything a run makes is in its folder, and every step is skipped if its output is there, so that
a run killed at any moment goes on where it was::

    RUN/config.json                  what this run is; another configuration is refused
    RUN/instances.json               its files, if its instances are from files
    RUN/log.jsonl                    every event, one JSON object per line
    RUN/tensorboard/                 the log as curves, if asked for
    RUN/initial/                     the untrained network that all generations descend from
    RUN/gen_01/episodes/*.safetensors
    RUN/gen_01/checkpoint.safetensors
    RUN/gen_01/training.json         its metrics, epoch by epoch
    RUN/gen_01/policy/               the generation's network, as models/ holds them
    RUN/gen_01/merged/               the average of the last generations, if it goes on from that
    RUN/rewards/policies/            what was compared in the solver
    RUN/rewards/results/             how it did, as kida evaluate leaves it
    RUN/policy/                      the result
    RUN/verdict/                     how it was compared with SCIP's default, see ``proof``
    RUN/verdict.json                 what came of that

If the layout changes, raise ``config.RUN_VERSION``.
"""

import contextlib
import itertools
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

from msgspec import Meta, Struct
from safetensors import SafetensorError, safe_open

from kida.boundary import LARGE_FILE, convert, decode_json, find_json, plain, read_json, write_json
from kida.errors import UserError
from kida.files import whole_files
from kida.learning.config import RUN_VERSION, RunConfig, first_difference
from kida.learning.events import Event, Listener, Tick, kinds, log_event
from kida.learning.records import EpochMetrics, records_in
from kida.lock import holds_only_lock
from kida.network.policy import holds_policy


class Identity(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run is: the content of its ``config.json``.

    Attributes
    ----------
    run_version
        Of the folder's layout.
    config
        The configuration.
    makers
        How generations are made that are not made by imitation: the generation's number to
        whatever plain data tells its maker from another, see ``makers``.
    """

    run_version: int = RUN_VERSION
    config: RunConfig
    makers: Mapping[str, Mapping[str, Any]] = {}


class Logged(NamedTuple):
    """A line of a run's log.

    Attributes
    ----------
    time
        Seconds since 1970.
    event
        None if it is of a kind that is not known here.
    resumed
        Whether nobody worked on the run between the event before and this one.
    """

    time: float
    event: Event | None
    resumed: bool


class _Line(Struct, frozen=True):
    """What every line of a log has."""

    event: str
    time: Annotated[float, Meta(ge=0.0, le=1e11)]
    resumed: bool = False


class _Checkpoint(Struct, frozen=True):
    """What is shown of the state of a training under way."""

    history: list[EpochMetrics]


class Run:
    """A run folder that belongs to one configuration.

    Parameters
    ----------
    folder
        Created if it is not there.
    config
        What the run is.
    listener
        Gets every event, for showing progress.
    makers
        See :class:`Identity`.

    Raises
    ------
    UserError
        If the folder holds something else, or a run of another configuration.
    """

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        listener: Listener = log_event,
        makers: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.folder = folder
        self.config = config
        self.identity = Identity(config=config, makers=makers or {})
        self._listener = listener
        file = folder / "config.json"
        if file.exists():
            difference = _difference(self.identity, read_run(folder))
            if difference is not None:
                raise UserError(
                    f"{folder} is a run of another configuration ({difference}): "
                    "give another --out, or the old configuration to go on with it"
                )
        elif not holds_only_lock(folder):
            raise UserError(f"{folder} is not empty and no training run: give another --out")
        else:
            write_json(file, self.identity)
        log = folder / "log.jsonl"
        _cut_unfinished_line(log)
        self._resumed = log.exists()

    def generation(self, number: int) -> Path:
        """Return the folder of generation ``number``, counted from 1."""
        return self.folder / f"gen_{number:02d}"

    def successor(self, number: int) -> Path:
        """Return the policy folder from which the generation after ``number`` goes on."""
        return self.generation(number) / ("merged" if self.config.inheritance.iterate else "policy")

    def log(self, event: Event) -> None:
        """Append an event to the log and tell the listener."""
        entry = {"time": round(time.time(), 3), **plain(event)}
        if self._resumed:
            # Nobody worked on the run between this event and the one before.
            entry["resumed"], self._resumed = True, False
        try:
            with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        except OSError as error:
            raise UserError(
                f"cannot write the log in {self.folder} ({error.strerror}): free some space"
            ) from error
        self._listener(event)

    def seconds_worked(self, generation: int | None = None) -> float:
        """Return the wall-clock seconds that were spent on the run, without the pauses in it.

        Parameters
        ----------
        generation
            Only what was spent on this one; None for all.
        """
        spent, current = 0.0, 0
        for before, after in itertools.pairwise(read_log(self.folder)):
            # Not all events name theirs: they belong to the one named last.
            current = getattr(before.event, "generation", current)
            if not after.resumed and generation in (None, current):
                spent += max(0.0, after.time - before.time)
        return spent

    def report(self, event: Event) -> None:
        """Log an event, or only tell the listener how far a step is."""
        if isinstance(event, Tick):
            self._listener(event)
        else:
            self.log(event)


def _cut_unfinished_line(log: Path) -> None:
    """Remove what a kill or a full disk has left of an event, or the next one would join it."""
    if log.exists():
        content = log.read_bytes()
        end = content.rfind(b"\n") + 1
        if end < len(content):
            os.truncate(log, end)


def read_log(folder: Path) -> list[Logged]:
    """Return all lines of a run's log, in order; none if it has not begun.

    Raises
    ------
    UserError
        If the file is no log.
    """
    log = folder / "log.jsonl"
    # What a kill has left of an event is none.
    lines = log.read_bytes().split(b"\n")[:-1] if log.exists() else []
    trouble = f"{log} is no run's log (move it away)"
    known = kinds()
    found = []
    for text in lines:
        line = decode_json(text, _Line, trouble)
        kind = known.get(line.event)
        event = None if kind is None else decode_json(text, kind, trouble)
        found.append(Logged(line.time, event, line.resumed))
    return found


def read_run(folder: Path) -> Identity:
    """Return what the run in ``folder`` is.

    Raises
    ------
    UserError
        If there is no run, or it is of another version.
    """
    file = folder / "config.json"
    content = find_json(file, dict[str, Any], "a run's configuration")
    if content is None:
        raise UserError(f"{folder} holds no training run (no config.json)")
    version = content.get("run_version")
    # The version comes first: the options of another version cannot be judged here.
    if version != RUN_VERSION:
        raise UserError(
            f"{folder} is a run of version {version}, and this kida writes {RUN_VERSION}: "
            "finish it with the kida that began it"
        )
    return convert(content, Identity, f"{file} is no run's configuration")


def _difference(ours: Identity, theirs: Identity) -> str | None:
    """Return the first option in which two runs differ, named as the user does, or None."""
    return first_difference(ours.config, theirs.config) or first_difference(
        {"makers": ours.makers}, {"makers": theirs.makers}
    )


def status(folder: Path) -> list[dict[str, Any]]:
    """Return how far the run in ``folder`` is: one entry per generation.

    Each has the generation's number, its ``episodes`` played ``of`` so many, how many of these
    ``failed`` or were ``empty`` (no node was recorded, as when the root solves the instance), its
    ``samples``, the training ``epochs`` done, the lowest ``validation_loss`` or None, and whether
    it is ``finished``. One that is not made by imitation plans no episodes.

    Raises
    ------
    UserError
        If there is no run.
    """
    identity = read_run(folder)
    config = identity.config
    planned = config.collection.episodes + config.collection.validation_episodes
    entries = []
    for number in range(1, config.generations + 1):
        generation = folder / f"gen_{number:02d}"
        samples = [record.samples for record in records_in(generation / "episodes")]
        history = _history(generation)
        entries.append(
            {
                "generation": number,
                "episodes": len(samples),
                "of": len(samples) if str(number) in identity.makers else planned,
                "failed": len(whole_files(generation / "episodes", "*.failed.json")),
                "empty": samples.count(0),
                "samples": sum(samples),
                "epochs": len(history),
                "validation_loss": min((e.validation_loss for e in history), default=None),
                "finished": holds_policy(generation / "policy"),
            }
        )
    return entries


def _history(generation: Path) -> list[EpochMetrics]:
    """Return the metrics of the epochs done, whether or not the training is finished."""
    file, checkpoint = generation / "training.json", generation / "checkpoint.safetensors"
    history: list[EpochMetrics] = []
    if file.exists():
        what = "the metrics of a training (move it away)"
        history = read_json(file, list[EpochMetrics], what, largest=LARGE_FILE)
    elif checkpoint.exists():
        # One that is damaged is told of by the training that would go on from it.
        with contextlib.suppress(OSError, SafetensorError, UserError):
            header = cast(Any, safe_open(checkpoint, framework="numpy")).metadata() or {}
            history = decode_json(header.get("state", ""), _Checkpoint, "no checkpoint").history
    return history
