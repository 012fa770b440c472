"""The ML4CO competition's own result files: reading them, setting runs beside them, writing them.

The organisers published, for each team, a CSV file per benchmark of the dual task. They hold
cumulated rewards over 900 s under the ``competition`` settings; runs of any other protocol cannot
be compared with them.
"""

import csv
import io
import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

import numpy as np
from msgspec import Meta, Struct

from kida.boundary import SMALL_FILE, Seed, convert, read_bytes
from kida.errors import UserError
from kida.evaluation.comparisons import PairedComparison, compare_paired
from kida.evaluation.records import file_slug
from kida.evaluation.results import OFFICIAL_COLUMNS, Results, Row, write_table
from kida.evaluation.trials import Trial, plan
from kida.instances.family import Instance

TIME_LIMIT = 900.0
#: Bytes of one table, and of an archive's tables together: the published ones have 2 MB.
LARGEST_TABLE = SMALL_FILE
LARGEST_ARCHIVE = 64 << 20

#: Family to the number and name of its benchmark in the organisers' paths.
BENCHMARKS = {
    "item_placement": "1_item_placement",
    "load_balancing": "2_load_balancing",
    "anonymous": "3_anonymous",
}
#: The anonymous benchmark's few instances were each solved five times.
ANONYMOUS_REPETITIONS = 5


@dataclass(frozen=True)
class OfficialResult:
    """One team's rewards on one benchmark.

    Attributes
    ----------
    team
        The team, or the file's stem.
    rewards
        Instance name, such as ``item_placement_10000``, to cumulated reward (the mean, where the
        instance was solved several times).
    """

    team: str
    rewards: dict[str, float]


def read_official(source: str, family: str | None = None) -> list[OfficialResult]:
    """Read official results.

    Parameters
    ----------
    source
        A CSV file; or a ZIP archive of ``TEAM/dual/BENCHMARK.csv``, for all teams; or such an
        archive followed by ``:TEAM``, for one.
    family
        Which benchmark of an archive; all of them by default.

    Raises
    ------
    UserError
        If there is no such file, team or benchmark, or a file is not of the official form.
    """
    path_text, colon, team = source.partition(".zip:")
    if colon:
        path_text += ".zip"
    path = Path(path_text)
    if not path.is_file():
        raise UserError(f"there is no file {path_text!r} to compare with")
    if path.suffix != ".zip":
        content = read_bytes(path, "a table of official results", LARGEST_TABLE)
        return [OfficialResult(path.stem, _parse(content, str(path)))]
    found: dict[str, dict[str, float]] = {}
    for name, content in _tables(path):
        whose, _, file = PurePosixPath(name).parts
        benchmark = PurePosixPath(file).stem
        if family is not None and benchmark != BENCHMARKS.get(family, family):
            continue
        if team in ("", whose):
            found.setdefault(whose, {}).update(_parse(content, f"{path}:{name}"))
    if not found:
        whose = f"of the team {team!r}" if team else "of the dual task"
        raise UserError(f"{path} holds no results {whose}" + (f" on {family}" if family else ""))
    return [OfficialResult(name, rewards) for name, rewards in found.items()]


class _Line(Struct, frozen=True):
    """What counts of a line."""

    instance: Annotated[str, Meta(min_length=1, max_length=1000)]
    seed: Seed
    cumulated_reward: Annotated[float, Meta(ge=-1e300, le=1e300)]


def _tables(path: Path) -> Iterator[tuple[str, bytes]]:
    """Return name and content of an archive's tables of the dual task, none larger than it may."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [
                entry
                for entry in sorted(archive.infolist(), key=lambda entry: entry.filename)
                if _is_table(entry.filename)
            ]
            # Before anything is unpacked: of zeros, a kilobyte may hold a gigabyte.
            largest = max((entry.file_size for entry in entries), default=0)
            if largest > LARGEST_TABLE or sum(e.file_size for e in entries) > LARGEST_ARCHIVE:
                raise UserError(
                    f"{path} is no archive of official results: its tables have more than "
                    f"{LARGEST_TABLE >> 20} MiB, or {LARGEST_ARCHIVE >> 20} MiB together"
                )
            for entry in entries:
                yield entry.filename, archive.read(entry)
    # Encrypted entries are a RuntimeError, unknown ways to compress a NotImplementedError.
    except (OSError, EOFError, ValueError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"{path} cannot be read ({reason})") from error


def _is_table(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) == 3 and parts[1] == "dual" and name.endswith(".csv")


def _parse(content: bytes, where: str) -> dict[str, float]:
    try:
        reader = csv.DictReader(io.StringIO(content.decode()))
        rewards: dict[str, list[float]] = {}
        if reader.fieldnames is None or tuple(reader.fieldnames[:6]) != OFFICIAL_COLUMNS:
            raise UserError(f"{where} does not begin with the columns {','.join(OFFICIAL_COLUMNS)}")
        for cells in reader:
            trouble = f"{where} is truncated or damaged at line {reader.line_num}"
            known = {name: cells[name] for name in _Line.__struct_fields__}
            line = convert(known, _Line, trouble, text=True)
            rewards.setdefault(_stem(line.instance), []).append(line.cumulated_reward)
    # Bytes that are no UTF-8, or cells that are no CSV.
    except (ValueError, csv.Error) as error:
        raise UserError(f"{where} cannot be read ({error})") from error
    if not rewards:
        raise UserError(f"{where} holds no results")
    return {name: float(np.mean(values)) for name, values in rewards.items()}


def _stem(instance: str) -> str:
    return PurePosixPath(instance).name.split(".")[0]


def check_comparable(settings: str, seconds: float) -> None:
    """Raise a UserError unless runs of this protocol can be set beside official results."""
    if settings != "competition" or seconds != TIME_LIMIT:
        raise UserError(
            f"official results are over {TIME_LIMIT:g} s under competition settings, and these "
            f"runs are over {seconds:g} s under {settings} settings; "
            f"evaluate with --time-limit {TIME_LIMIT:g} to compare"
        )


def compare_with_official(
    results: Results, official: Sequence[OfficialResult], policy: str
) -> dict[str, PairedComparison]:
    """Compare a policy's runs with each team's, on the instances that both solved.

    Raises
    ------
    UserError
        If the runs are of another protocol than the official ones.
    """
    check_comparable(results.protocol.settings, results.protocol.seconds)
    ours: dict[str, list[float]] = {}
    for row in results.rows:
        if row.policy == policy and math.isfinite(row.cumulated_reward):
            ours.setdefault(row.instance, []).append(row.cumulated_reward)
    found = {}
    for entry in official:
        common = sorted(ours.keys() & entry.rewards.keys())
        if common:
            found[entry.team] = compare_paired(
                [float(np.mean(ours[name])) for name in common],
                [entry.rewards[name] for name in common],
            )
    return found


def official_plan(instances: Sequence[Instance], policies: Sequence[str]) -> list[Trial]:
    """List the competition's runs: seed k on instance k, the anonymous ones five times over."""
    repetitions = ANONYMOUS_REPETITIONS if instances[0].family == "anonymous" else 1
    # Refuses what cannot be told apart.
    plan(instances, [0], policies)
    return [
        trial
        for seed, instance in enumerate([*instances] * repetitions)
        for trial in plan([instance], [seed], policies)
    ]


def write_official(results: Results, folder: Path) -> list[Path]:
    """Write one CSV file per policy of exactly the official form; return the paths."""
    paths = []
    for policy in results.policies:
        pairs = [
            (row, record)
            for row, record in zip(results.rows, results.records, strict=True)
            if row.policy == policy
        ]
        pairs.sort(key=lambda pair: pair[0].seed)
        lines = [
            [_official_path(record.job.instance), *_official_values(row)] for row, record in pairs
        ]
        path = folder / f"{file_slug(policy)}.official.csv"
        write_table(path, OFFICIAL_COLUMNS, lines)
        paths.append(path)
    return paths


def _official_path(instance: Instance) -> str:
    benchmark = BENCHMARKS.get(instance.family, instance.family)
    return f"../../instances/{benchmark}/{instance.split}/{instance.name}.mps.gz"


def _official_values(row: Row) -> list[object]:
    offset = row.objective_offset
    return [
        row.seed,
        row.initial_primal_bound,
        row.initial_dual_bound,
        # The organisers wrote the offset, which was always zero, as an integer.
        int(offset) if offset.is_integer() else offset,
        row.cumulated_reward,
    ]
