"""What a results folder holds: the protocol of its runs, and one record per run, as declared types.

``protocol.json`` is what all its runs have in common, and ``runs/`` has one JSON file per run: a
:class:`Finished` or a :class:`Failed`. Nothing here needs a solver: results are read where there is
none. To record more, add a field with a default, so that what is on disk stays readable.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from kida.boundary import (
    LARGE_FILE,
    LARGEST_SEED,
    Bound,
    Count,
    Natural,
    Positive,
    Seconds,
    Seed,
    convert,
    find_json,
    read_json,
)
from kida.errors import UserError
from kida.evaluation.outcome import Outcome, Text
from kida.files import whole_files
from kida.instances.family import Instance
from kida.instances.registry import digest_of
from kida.network.card import Cost, Value
from kida.reward import ScoringRule
from kida.settings import Limits, UserParameters, named_settings

PROTOCOL_FILE = "protocol.json"
RUNS_FOLDER = "runs"
#: Of protocols and records. Version 1, which names none, is without the instances' digests.
VERSION: Final = 2

Version = Literal[1, 2]
#: What is known of the variables after a run: see :class:`Finished`.
Kept = Literal["integers", "pseudocosts"]
# Characters of a name in the name of a file, which may have 255, with two of them.
_LONGEST_SLUG = 80


class Protocol(Struct, frozen=True, forbid_unknown_fields=True):
    """What all runs of a results folder have in common.

    Attributes
    ----------
    settings
        A name of :data:`kida.settings.SETTINGS`.
    time_limit
        Seconds, counted as the settings say; ``None`` takes the settings' own.
    node_limit, memory_limit
        See :class:`kida.settings.Limits`.
    permute
        Whether SCIP permutes variables and constraints, by the run's seed.
    scip
        Version of the SCIP that runs; empty until it is known.
    user_parameters
        SCIP parameters, by name, that the user's own file sets beside the settings.
    version
        Of the form of the folder's files.

    Raises
    ------
    UserError
        If there are no such settings, a limit is out of bounds, or there is no time limit.
    """

    settings: Text = "competition"
    time_limit: Seconds | None = None
    node_limit: Count | None = None
    memory_limit: Positive | None = None
    permute: bool = False
    scip: Text = ""
    version: Version = VERSION
    user_parameters: UserParameters = {}

    def __post_init__(self) -> None:
        settings = named_settings(self.settings)
        seconds = Limits(self.time_limit, self.node_limit, self.memory_limit).seconds(settings)
        if not math.isfinite(seconds):
            raise UserError(
                f"the settings {self.settings!r} have no time limit of their own, and scores need "
                "one: give --time-limit"
            )
        force_setattr(self, "time_limit", float(seconds))

    @property
    def seconds(self) -> float:
        """The time limit in force, in seconds."""
        assert self.time_limit is not None
        return self.time_limit

    def difference(self, other: "Protocol") -> tuple[str, object, object] | None:
        """Return the first field that makes runs incomparable, here and there; None if none."""
        for name in self.__struct_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs and name != "version":
                return name, mine, theirs
        return None

    def foreign(self, job: "Assignment") -> tuple[str, object, object] | None:
        """Return the first field in which a job is none of this protocol, here and there."""
        given = {
            "settings": job.settings,
            "time_limit": job.time_limit,
            "node_limit": job.node_limit,
            "memory_limit": job.memory_limit,
            "permute": job.permutation_seed > 0,
            "user_parameters": dict(job.user_parameters),
        }
        for name, theirs in given.items():
            mine = getattr(self, name)
            mine = dict(mine) if name == "user_parameters" else mine
            if mine != theirs:
                return name, mine, theirs
        return None


class Assignment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One solve that was to be done.

    Attributes
    ----------
    instance, seed, policy
        Which.
    digest
        Of the instance's content, see :func:`kida.instances.registry.digest_of`; empty for files
        in records of version 1.
    permutation_seed
        Of SCIP's variables and constraints; 0 keeps their order.
    settings, time_limit, node_limit, memory_limit, user_parameters
        As in :class:`Protocol`.
    core
        The processor core that it was pinned to, None if to none.
    jobs
        How many ran at once, None if unknown.
    command
        What the user typed.
    patience
        Seconds after which the process was to be killed.
    keep
        What of the variables the record has.
    """

    instance: Instance
    seed: Seed
    policy: Text
    settings: Text
    time_limit: Seconds
    digest: Annotated[str, Meta(pattern="^([0-9a-f]{16})?$")] = ""
    permutation_seed: Annotated[int, Meta(ge=0, le=LARGEST_SEED + 1)] = 0
    node_limit: Count | None = None
    memory_limit: Positive | None = None
    core: Natural | None = None
    jobs: Count | None = None
    command: Annotated[tuple[Text, ...], Meta(max_length=10_000)] = ()
    patience: Positive | None = None
    user_parameters: UserParameters = {}
    keep: tuple[Kept, ...] = ()

    def __post_init__(self) -> None:
        # Generated instances are known by their place alone, also in records of version 1.
        if not self.digest and self.instance.path is None:
            force_setattr(self, "digest", digest_of(self.instance))

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What tells runs apart: the instance's name and content, the seed and the policy."""
        return self.instance.name, self.digest, self.seed, self.policy


class Machine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a run ran on; the number of cores is None where it cannot be told."""

    processor: Text
    cores: Count | None = None


Load = Annotated[float, Meta(ge=0.0, le=1e9)]


class Finished(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record of a run that came to its end.

    Attributes
    ----------
    job
        What was to be done.
    policy_identity
        See :func:`kida.solver.policies.policy_identity`.
    initial_primal_bound, initial_dual_bound
        What was known of the instance beforehand.
    machine, versions, started
        Where, by what and when (ISO 8601) it was run.
    load
        The machine's before and after, None where it cannot be told.
    cpu_share
        Processor time by wall-clock time.
    disturbed
        Why the machine may have falsified the run, in words; empty if it did not.
    result
        How it ended.
    integers
        Values of the integer variables in the best solution, by name; empty without one, or if
        they were not asked for.
    pseudocosts
        What a unit down and up has cost on average, by the variables' names; empty if nothing was
        learned, or not asked for.
    """

    job: Assignment
    policy_identity: Text
    initial_primal_bound: Bound | None
    initial_dual_bound: Bound | None
    machine: Machine
    versions: Annotated[dict[str, Text], Meta(max_length=1000)]
    started: Text
    load: tuple[Load | None, Load | None]
    cpu_share: Annotated[float, Meta(ge=0.0, le=1e9)]
    disturbed: Annotated[tuple[Text, ...], Meta(max_length=100)]
    result: Outcome
    integers: dict[str, Value] = {}
    pseudocosts: dict[str, tuple[Cost, Cost]] = {}
    error: None = None
    version: Version = VERSION

    @property
    def scoring_rule(self) -> ScoringRule:
        """How the run is scored."""
        return ScoringRule(self.job.time_limit, self.initial_dual_bound, self.initial_primal_bound)

    @property
    def from_root_end(self) -> bool:
        """Whether the run's limit counts from the end of its root node."""
        return named_settings(self.job.settings).clock_starts == "root_end"


class Failed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record of a run that failed, and how, in words."""

    job: Assignment
    error: Annotated[str, Meta(max_length=1_000_000)]
    version: Version = VERSION

    @property
    def reason(self) -> str:
        """The last line of the error, which says most."""
        return (self.error.strip().splitlines() or ["no reason given"])[-1]


Record = Finished | Failed


def read_protocol(folder: Path) -> Protocol | None:
    """Return the folder's protocol, ``None`` if there is none.

    Raises
    ------
    UserError
        If its file is none; the message names the file and the field.
    """
    path = folder / PROTOCOL_FILE
    content = find_json(path, dict[str, Any], "a folder's protocol")
    if content is None:
        return None
    return convert({"version": 1} | content, Protocol, f"{path} is not a folder's protocol")


def read_record(path: Path) -> Record:
    """Return one run's record.

    Raises
    ------
    UserError
        If it is none; the message names the file and the field.
    """
    try:
        content = read_json(
            path, dict[str, Any], "a run's record (move it away)", largest=LARGE_FILE
        )
    except FileNotFoundError:
        raise UserError(f"there is no file {path}") from None
    return record_from(content, f"{path} is not a run's record (move it away)")


def record_from(content: Mapping[str, Any], trouble: str = "this is not a run's record") -> Record:
    """Return the record that parsed JSON describes; ``trouble`` begins the message if none.

    Raises
    ------
    UserError
        If it is none.
    """
    content = {"version": 1} | dict(content)
    if content.get("error") is None:
        return convert(content, Finished, trouble)
    return convert(content, Failed, trouble)


def slug(policy: str) -> str:
    """Return the name of a policy or an instance as it can stand in a file name.

    Names in other scripts than ours keep a part of their digests, which tells them apart.
    """
    found = re.sub(r"[^A-Za-z0-9_-]+", "-", policy).strip("-")
    if not policy.isascii():
        found += f"-{_mark(policy)}"
    return found.lstrip("-") or "unnamed"


def file_slug(name: str) -> str:
    """Return the name's slug, cut where file systems would refuse it, and still its own."""
    found = slug(name)
    if len(found) <= _LONGEST_SLUG:
        return found
    return f"{found[-_LONGEST_SLUG:]}-{_mark(name)}"


def _mark(name: str) -> str:
    """Return a part of a name's digest, which tells it from others of the same slug."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def finished_runs(folder: Path) -> list[Finished]:
    """Return the records of a results folder's runs that came to their end, by their files' names.

    Raises
    ------
    UserError
        If a file is none; the message names the file and the field.
    """
    found = (read_record(path) for path in whole_files(folder / RUNS_FOLDER, "*.json"))
    return [record for record in found if isinstance(record, Finished)]
