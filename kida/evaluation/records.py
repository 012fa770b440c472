"""What a results folder holds: the protocol of its runs, and one record per run.

``protocol.json`` is what all its runs have in common, and ``runs/`` has one JSON file per run.
Nothing here needs a solver: results are read where there is none.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kida.errors import UserError
from kida.settings import Limits, named_settings

PROTOCOL_FILE = "protocol.json"
RUNS_FOLDER = "runs"
Record = dict[str, Any]


@dataclass(frozen=True)
class Protocol:
    """What all runs of a results folder have in common.

    Attributes
    ----------
    settings
        A name of :data:`kida.solver.settings.SETTINGS`.
    time_limit
        Seconds, counted as the settings say; ``None`` takes the settings' own.
    node_limit, memory_limit
        See :class:`kida.solver.settings.Limits`.
    permute
        Whether SCIP permutes variables and constraints, by the run's seed.
    """

    settings: str = "competition"
    time_limit: float | None = None
    node_limit: int | None = None
    memory_limit: float | None = None
    permute: bool = False

    def __post_init__(self) -> None:
        settings = named_settings(self.settings)
        seconds = Limits(self.time_limit, self.node_limit, self.memory_limit).seconds(settings)
        if not math.isfinite(seconds):
            raise UserError(
                f"the settings {self.settings!r} have no time limit of their own, and scores need "
                "one: give --time-limit"
            )
        object.__setattr__(self, "time_limit", float(seconds))

    @property
    def seconds(self) -> float:
        """The time limit in force, in seconds."""
        assert self.time_limit is not None
        return self.time_limit


def read_protocol(folder: Path) -> Record | None:
    """Return the content of the folder's protocol file, ``None`` if there is none.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    path = folder / PROTOCOL_FILE
    if not path.exists():
        return None
    return _read_json(path)


def read_record(path: Path) -> Record:
    """Return one run's record.

    Raises
    ------
    UserError
        If it cannot be read.
    """
    record = _read_json(path)
    if "job" not in record or "error" not in record:
        raise UserError(f"{path} is not a run's record; move it away")
    return record


def _read_json(path: Path) -> Record:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error}); move it away") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} does not hold what kida writes there; move it away")
    return content


def slug(policy: str) -> str:
    """Return the name of a policy or an instance as it can stand in a file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", policy).strip("-") or "unnamed"
