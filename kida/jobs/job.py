"""A job: one solve to do, as plain data, and what became of it.

What is done in a job is known where it is needed (``evaluation``, ``learning``, ``sets``): a
subclass of :class:`Job` there declares its data as fields and what to do in :meth:`Job.run`.
Nothing here knows what the jobs are.
"""

import importlib
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import Struct

from kida.boundary import convert, plain, write_json
from kida.errors import UserError

#: Seconds after which a job that says nothing of its patience is killed: a day.
PATIENCE = 86_400.0


@dataclass(frozen=True)
class Stage:
    """What a job's process offers to the job.

    Attributes
    ----------
    core
        The processor core that it is pinned to and has to itself; None where cores are not leased.
    tell
        Sends plain data to whoever started the job, such as how far it is.
    """

    core: int | None = None
    tell: Callable[[Any], None] = lambda news: None


class Job(Struct, frozen=True, kw_only=True):
    """One job.

    Attributes
    ----------
    record
        Absolute path of the file into which :meth:`run`'s result is written, as JSON; it appears
        whole or not at all.
    patience
        Seconds after which the process is killed.
    """

    record: str
    patience: float = PATIENCE

    def run(self, stage: Stage) -> Any:
        """Do the job in a process of its own; return plain data, or a declared type, to write."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """What the job is, for messages."""
        return Path(self.record).stem


class UnfitError(UserError):
    """What keeps a machine from doing any job, such as a full disk: nothing about this one."""


def carry_out(job: Job, stage: Stage) -> None:
    """Do a job, and write its record.

    Raises
    ------
    UnfitError
        If the record cannot be written.
    Exception
        Whatever the job raises.
    """
    result = job.run(stage)
    try:
        write_json(Path(job.record), result)
    except UserError as error:
        raise UnfitError(str(error)) from error


def enter(folder: str) -> None:
    """Make ``folder`` the working folder of a job's process.

    Raises
    ------
    UnfitError
        If this machine does not have it.
    """
    try:
        os.chdir(folder)
    except OSError as error:
        raise UnfitError(
            f"the folder {folder} is not on {platform.node()} ({error.strerror}): run kida in a "
            "folder that all machines see"
        ) from error


@dataclass(frozen=True)
class Failure:
    """Why a job has no record.

    Attributes
    ----------
    error
        For people: its last line says most, those before are what a crashed process has said.
    by_user
        Whether it is a mistake in what the user gave: it would happen again.
    unfit
        Whether it says nothing of the job, see :class:`UnfitError`.
    timed_out
        Whether its patience had ended: it would take as long again.
    """

    error: str
    by_user: bool = False
    unfit: bool = False
    timed_out: bool = False

    @property
    def reason(self) -> str:
        """The last line of the error."""
        return (self.error.splitlines() or [""])[-1]

    @property
    def may_pass(self) -> bool:
        """Whether it is worth trying the job once more."""
        return not (self.by_user or self.unfit or self.timed_out)


def pack(job: Job) -> dict[str, Any]:
    """Return what a process needs to know of ``job``, as JSON content."""
    kind = type(job)
    return {"kind": f"{kind.__module__}:{kind.__qualname__}", "job": plain(job)}


def unpack(content: Mapping[str, Any]) -> Job:
    """Return the job that was packed; only ever read from the parent process."""
    module, _, name = content["kind"].partition(":")
    kind: type[Job] = getattr(importlib.import_module(module), name)
    return convert(content["job"], kind, f"this is no {name}")
