"""A survey: what SCIP's default does on some of the files, and what can be won there at all."""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta, Struct

from kida.boundary import Natural, Seconds, find_json, write_json
from kida.errors import UserError
from kida.evaluation.comparisons import shifted_geometric_mean
from kida.evaluation.outcome import Counter, Duration, Text
from kida.evaluation.records import Failed, Finished, Record
from kida.evaluation.results import gap_over_time, time_to_end
from kida.evaluation.summary import NODE_SHIFT, TIME_SHIFT
from kida.evaluation.verdict import Goal
from kida.learning.plan import Draw
from kida.tuning.clock import Clock
from kida.tuning.config import TuneConfig
from kida.tuning.lever_choice import applicable
from kida.tuning.measuring import Arena

SURVEY_FILE = "survey.json"
#: Files that are solved, if there is time.
MOST_FILES = 8
# Those that are needed at least to say anything.
_LEAST_FILES = 3
# The shortest limit that says anything, and pairs of runs that a verdict should have.
_SHORTEST_LIMIT, _WANTED_PAIRS = 1.0, 16
#: Pairs of runs below which a verdict hardly ever proves anything.
FEW_PAIRS = 5
# A limit found from the survey leaves so many times the longest time to those not surveyed.
_MARGIN = 3.0
# Times the root that a limit should be at least.
_ROOTS = 4.0
# Seconds that a solve costs at least, with its process.
_LEAST_COST = 0.05
# Share of the time within which a gap that is below 1 says nothing.
_STILL = 0.01


class Surveyed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file, as SCIP's default solved it; see :class:`kida.evaluation.outcome.Outcome`.

    Attributes
    ----------
    ended
        Whether SCIP said that it is infeasible or unbounded, and not which.
    variables, constraints
        Of the problem as it was read; 0 where that is not known.
    """

    name: Text
    solved: bool
    branched: bool
    seconds: Duration
    root_seconds: Duration
    nodes: Counter
    gap: Annotated[float, Meta(ge=0.0, le=1e300)] | None
    split: Annotated[dict[str, Duration], Meta(max_length=100)]
    ended: bool = False
    variables: Natural = 0
    constraints: Natural = 0


class Survey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was found, and what follows from it.

    Attributes
    ----------
    files
        Those solved, one entry each.
    goal, time_limit
        What is tuned for, and seconds per solve: as the user asks, or chosen here.
    seconds_per_solve
        Seconds of one core that a solve costs on average, its process included.
    ended
        Why there is nothing to tune, as a sentence; empty if there is.
    """

    files: Annotated[tuple[Surveyed, ...], Meta(min_length=1)]
    goal: Goal
    time_limit: Seconds
    seconds_per_solve: Annotated[float, Meta(ge=_LEAST_COST, le=1e9)]
    ended: Text = ""

    @property
    def solved(self) -> int:
        """How many were solved."""
        return sum(file.solved for file in self.files)

    @property
    def branched(self) -> int:
        """How many had to be branched on."""
        return sum(file.branched for file in self.files)

    @property
    def seconds_aside(self) -> float:
        """Seconds of one core that a solve costs beside what it takes itself."""
        took = statistics.mean(_within(file, self.time_limit, self.goal) for file in self.files)
        return max(self.seconds_per_solve - took, _LEAST_COST)

    @property
    def shares(self) -> dict[str, float]:
        """Part of SCIP to its share of the time, over all files; ``"root"``: until branching."""
        total = sum(file.seconds for file in self.files)
        parts: dict[str, float] = {}
        for file in self.files:
            for part, seconds in {**file.split, "root": file.root_seconds}.items():
                parts[part] = parts.get(part, 0.0) + seconds
        return {part: seconds / max(total, 1e-9) for part, seconds in parts.items()}

    @property
    def seconds(self) -> float:
        """Geometric mean of the seconds, shifted by one; those not solved count the limit."""
        return shifted_geometric_mean([file.seconds for file in self.files], TIME_SHIFT)

    @property
    def nodes(self) -> float:
        """Geometric mean of the nodes, shifted by a hundred."""
        return shifted_geometric_mean([file.nodes for file in self.files], NODE_SHIFT)

    @property
    def usual_seconds(self) -> float:
        """Median seconds of those solved with a tree, or, if there are none, of all."""
        usable = [file.seconds for file in self.files if file.branched and file.solved]
        return statistics.median(usable or [file.seconds for file in self.files])

    @property
    def root_seconds(self) -> float:
        """Median seconds until the first branching."""
        return statistics.median(file.root_seconds for file in self.files)


def first_limit(config: TuneConfig, clock: Clock, cores: int) -> float:
    """Return the seconds per solve of the survey: what the budget affords, or the user's."""
    # Whoever wants times needs files that are solved; there is an end of it after a few files.
    files = MOST_FILES / 2 if config.goal == "time" else MOST_FILES
    affordable = max(clock.share_of("survey") * cores / files, _SHORTEST_LIMIT)
    return affordable if config.time_limit is None else min(config.time_limit, affordable)


def take_survey(
    draws: Sequence[Draw],
    arena: Arena,
    config: TuneConfig,
    clock: Clock,
    folder: Path,
    sizes: Mapping[str, tuple[int, int]] = MappingProxyType({}),
) -> Survey:
    """Solve draws with SCIP's default while there is time; return, and keep, what was found.

    ``sizes`` has the instances' numbers of variables and constraints, by name, where known.

    Raises
    ------
    UserError
        If every solve has failed.
    """
    if (kept := find_json(folder / SURVEY_FILE, Survey, "a tuning's survey")) is not None:
        return kept
    cores = arena.workers.count
    records: list[Record] = []
    new_seconds, new_solves = 0.0, 0
    for start in range(0, len(draws), cores):
        enough = len(records) >= min(_LEAST_FILES, len(draws))
        if enough and clock.left_for("survey") <= 0:
            break
        before = time.monotonic()
        batch = draws[start : start + cores]
        records += arena.measure(["default"], batch)["default"]
        new_seconds += (time.monotonic() - before) * min(cores, len(batch))
        new_solves += len(batch)
    found = conclude(records, config, clock, cores, new_seconds / max(new_solves, 1), sizes)
    write_json(folder / SURVEY_FILE, found)
    return found


def conclude(
    records: Sequence[Record],
    config: TuneConfig,
    clock: Clock,
    cores: int,
    cost: float,
    sizes: Mapping[str, tuple[int, int]],
) -> Survey:
    """Return what the survey's solves say.

    Parameters
    ----------
    records
        Of SCIP's default.
    config, clock
        The tuning's.
    cores
        How many solves run at a time.
    cost
        Seconds of one core that a solve took on average, its process included.
    sizes
        See :func:`take_survey`.
    """
    finished = [record for record in records if isinstance(record, Finished)]
    if not finished:
        reasons = {record.reason for record in records if isinstance(record, Failed)}
        raise UserError(f"every solve of the survey failed: {'; '.join(sorted(reasons))[:500]}")
    files = tuple(_surveyed(record, sizes) for record in finished)
    # Resumed, the solves took no time: they are worth what SCIP says.
    aside = max(cost - sum(file.seconds for file in files) / len(files), _LEAST_COST)
    goal = config.goal or _goal(files, finished)
    tried = finished[0].job.time_limit
    limit = _chosen_limit(files, goal, tried, config, clock, cores)
    return Survey(
        files=files,
        goal=goal,
        time_limit=limit,
        seconds_per_solve=aside + statistics.mean(_within(file, limit, goal) for file in files),
        ended=_nothing_to_win(files, goal, tried),
    )


def _goal(files: Sequence[Surveyed], finished: Sequence[Finished]) -> Goal:
    """Return what there is to compare: times, or else gaps, or else dual bounds."""
    open_roots = any(not file.solved for file in files) and not any(f.branched for f in files)
    if 2 * sum(file.solved for file in files) >= len(files) and not open_roots:
        return "time"
    unsolved = [record for record in finished if not record.result.solved]
    return "gap" if 2 * sum(map(_gap_moves, unsolved)) >= len(unsolved) else "bound"


def _gap_moves(record: Finished) -> bool:
    """Return whether the gap ever was below 1, as it is not without a solution, or around 0."""
    return gap_over_time(record) < (1 - _STILL) * record.job.time_limit


def _surveyed(record: Finished, sizes: Mapping[str, tuple[int, int]]) -> Surveyed:
    variables, constraints = sizes.get(record.job.instance.name, (0, 0))
    result = record.result
    path = result.trajectory.bounds()
    return Surveyed(
        name=record.job.instance.name,
        solved=result.solved,
        branched=not math.isnan(path.root_end_wall),
        seconds=time_to_end(record, path),
        root_seconds=min(path.root_end(), time_to_end(record, path)),
        nodes=result.nodes,
        gap=result.gap,
        split=result.time_split,
        ended=not result.solved and result.limit is None,
        variables=variables,
        constraints=constraints,
    )


def _chosen_limit(
    files: Sequence[Surveyed],
    goal: Goal,
    tried: float,
    config: TuneConfig,
    clock: Clock,
    cores: int,
) -> float:
    """Return the seconds per solve for what follows: the user's, if the budget affords them."""
    found = _limit(files, goal, tried, clock, cores)
    if config.time_limit is None:
        return found
    # A whole budget can go into a single solve that does not end.
    return min(config.time_limit, max(found, float(int(_most(clock, cores)))))


def _most(clock: Clock, cores: int) -> float:
    """Return the limit under which the verdict has a few pairs, whatever is solved."""
    return clock.share_of("verdict") * cores / (2 * FEW_PAIRS)


def _limit(files: Sequence[Surveyed], goal: Goal, tried: float, clock: Clock, cores: int) -> float:
    """Return the seconds per solve for what follows.

    To the end, so many that few solves are cut off, if the verdict has a few pairs of these;
    otherwise so many that it has enough.
    """
    if goal == "time":
        # Those that were not solved take longer than that.
        longest = max(file.seconds if file.solved else tried for file in files)
        most = max(_most(clock, cores), longest)
        return float(math.ceil(max(min(_MARGIN * longest, 2 * tried, most), _SHORTEST_LIMIT)))
    affordable = clock.share_of("verdict") * cores / (2 * _WANTED_PAIRS)
    # A limit hardly beyond the root would leave nothing to compare: then rather fewer pairs.
    root = statistics.median(file.root_seconds for file in files)
    return float(math.ceil(max(min(tried, max(affordable, _ROOTS * root)), _SHORTEST_LIMIT)))


def _nothing_to_win(files: Sequence[Surveyed], goal: Goal, tried: float) -> str:
    """Return why there is nothing to tune, as a sentence; empty if there is.

    Parameters
    ----------
    files, goal
        The survey's.
    tried
        Seconds that each had.
    """
    if 2 * sum(file.ended for file in files) > len(files):
        return (
            f"SCIP says of most of the {len(files)} surveyed files that they are infeasible or "
            "unbounded; look at their objective, its sense and their bounds"
        )
    solved_all = all(file.solved for file in files)
    none = not any(file.solved for file in files)
    if not any(file.branched for file in files) and (solved_all or (none and goal == "time")):
        shares = {"root": 1.0} | {
            part: sum(file.split.get(part, 0.0) for file in files)
            / max(sum(file.seconds for file in files), 1e-9)
            for part in files[0].split
        }
        left = applicable(shares, tree=False)
        try_these = "; what may change the root: " + ", ".join(
            f"{lever.name} ({lever.kind})" for lever in left
        )
        if solved_all:
            how = (
                f"SCIP solves all {len(files)} surveyed files at the root, in "
                f"{statistics.median(file.seconds for file in files):.2g} s (median)"
            )
            return f"{how}: there is no tree in which branching could win anything{try_these}"
        return (
            f"SCIP never leaves the root of the {len(files)} surveyed files within {tried:g} s: "
            f"branching never begins; give --time-limit more, if you have it{try_these}"
        )
    if goal == "time" and none:
        return (
            f"SCIP solves none of the {len(files)} surveyed files within {tried:g} s, so that "
            "there are no times to compare; tune for --goal gap or --goal bound, or give a longer "
            "--time-limit and --budget"
        )
    return ""


def _within(file: Surveyed, limit: float, goal: Goal) -> float:
    """Return the seconds that a file is likely to take within a limit."""
    if file.solved or limit <= file.seconds:
        return min(file.seconds, limit)
    # To its end it may take little more, or all that there is.
    return (file.seconds + limit) / 2 if goal == "time" else limit


def cost_within(survey: Survey, limit: float, files: Sequence[Surveyed] = ()) -> float:
    """Return the seconds of one core that a solve within another limit is likely to cost.

    Of these files, or of any.
    """
    cut = statistics.mean(_within(file, limit, survey.goal) for file in files or survey.files)
    return survey.seconds_aside + cut


def planned_pairs(survey: Survey, clock: Clock, cores: int, arms: int = 2) -> int:
    """Return how many pairs of runs the verdict's part of the budget is likely to have."""
    return int(clock.share_of("verdict") * cores / (arms * survey.seconds_per_solve))
