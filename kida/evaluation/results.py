"""Results on disk: records to rows of numbers, and rows to CSV files.

Every measure is computed here, from the recorded trajectories, so that results of old runs follow
when a measure is added. The CSV files begin with the columns of the competition's result files.
"""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from kida.errors import UserError
from kida.evaluation.outcome import Branching
from kida.evaluation.records import (
    PROTOCOL_FILE,
    RUNS_FOLDER,
    Assignment,
    Failed,
    Finished,
    Protocol,
    Record,
    file_slug,
    read_protocol,
    read_record,
)
from kida.files import atomic_path, one_line, whole_files
from kida.reward import cumulated_reward, gap_seconds, primal_dual_integral
from kida.sense import sign
from kida.trajectory import BoundTrajectory

#: The columns of the competition's result files, in its order.
OFFICIAL_COLUMNS = (
    "instance",
    "seed",
    "initial_primal_bound",
    "initial_dual_bound",
    "objective_offset",
    "cumulated_reward",
)


@dataclass(frozen=True)
class Row:
    """One finished run in numbers; missing values are NaN.

    Attributes
    ----------
    instance, seed, policy
        Which run.
    initial_primal_bound, initial_dual_bound, objective_offset
        What the score was measured against.
    cumulated_reward, cumulated_reward_cpu
        The competition's score on the wall clock, and the same on the clock of the process.
    primal_dual_integral
        Over the same window.
    solved
        Whether the solve came to its end.
    time
        Seconds until solved, from where the settings' clock starts; at most the time limit, which
        it is for an unsolved run.
    dual_bound, primal_bound
        At the end of the solve.
    wall_time, cpu_time, root_time
        Seconds of the whole solve, and up to the first branching.
    nodes, fair_nodes, lp_iterations
        See :class:`kida.solver.solve.SolveResult`.
    lp_time, strong_branching_time
        Seconds.
    decisions, expert_decisions
        Of a learned rule: all, and those left to strong branching.
    observe_time, score_time, expert_time, rule_time
        Seconds in a learned rule: reading the solver's state, the network, strong branching, all.
    rule_share
        ``rule_time`` as a fraction of ``wall_time``.
    cpu_share
        Processor time by wall-clock time.
    disturbed
        Why the machine may have falsified the run; empty if it did not.
    """

    instance: str
    seed: int
    initial_primal_bound: float
    initial_dual_bound: float
    objective_offset: float
    cumulated_reward: float
    policy: str
    cumulated_reward_cpu: float
    primal_dual_integral: float
    solved: bool
    time: float
    dual_bound: float
    primal_bound: float
    wall_time: float
    cpu_time: float
    root_time: float
    nodes: int
    fair_nodes: int
    lp_iterations: int
    lp_time: float
    strong_branching_time: float
    decisions: float
    expert_decisions: float
    observe_time: float
    score_time: float
    expert_time: float
    rule_time: float
    rule_share: float
    cpu_share: float
    disturbed: str


@dataclass(frozen=True)
class Results:
    """All runs of one results folder, finished and failed.

    Attributes
    ----------
    protocol
        What its runs have in common.
    rows
        The finished runs, by instance, seed and policy.
    failures
        Records of the failed ones.
    records
        Records of the finished ones, in the order of ``rows``.
    labels
        Name and digest of an instance to what it is called in tables.
    """

    protocol: Protocol
    rows: tuple[Row, ...]
    failures: tuple[Failed, ...]
    records: tuple[Finished, ...]
    labels: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def policies(self) -> list[str]:
        """Names of the policies that finished a run, in alphabetical order."""
        return sorted({row.policy for row in self.rows})

    @property
    def mirror(self) -> float:
        """What rewards are multiplied by to be shown in the sense of the user's objective.

        1.0, or -1.0 where everything is maximised: rewards are mirrored to minimisation.
        """
        senses = {record.result.sense for record in self.records}
        return sign(senses.pop()) if len(senses) == 1 else 1.0

    @property
    def direction(self) -> str:
        """Which rewards are better, as they are shown."""
        return "lower is better" if self.mirror < 0 else "higher is better"

    @property
    def declined(self) -> list[Finished]:
        """Records of runs that a policy left to SCIP's own rules."""
        return [r for r in self.records if r.result.branching and r.result.branching.declined]

    def label(self, job: Assignment) -> str:
        """Return what a job's instance is called in tables."""
        return self.labels.get((job.instance.name, job.digest), job.instance.name)

    @property
    def disturbed(self) -> list[Row]:
        """Runs that the machine may have falsified."""
        return [row for row in self.rows if row.disturbed]


def load_results(folders: Sequence[Path]) -> Results:
    """Read one or more results folders of one protocol.

    Instances of one name and different content bear a part of their digests in their name.

    Raises
    ------
    UserError
        If a folder holds no results, a file is not what it should be, the protocols differ, or a
        run is there twice.
    """
    protocols = [_protocol(folder) for folder in folders]
    for folder, protocol in zip(folders, protocols, strict=True):
        if (difference := protocols[0].difference(protocol)) is not None:
            name, first, other = difference
            raise UserError(
                f"{folder} has {name} {other!r} and {folders[0]} has {first!r}: "
                "such runs cannot be compared; report them apart"
            )
    found: dict[tuple[str, str, int, str], tuple[Path, Record]] = {}
    for path in (path for f in folders for path in whole_files(f / RUNS_FOLDER, "*.json")):
        record = read_record(path)
        if (strange := protocols[0].foreign(record.job)) is not None:
            name, mine, theirs = strange
            raise UserError(
                f"{path} is of a run with {name} {theirs!r}, but the runs of its folder have "
                f"{mine!r}: move it to a folder of its own"
            )
        other_path, _ = found.setdefault(record.job.key, (path, record))
        if other_path is not path:
            raise UserError(
                f"{other_path} and {path} hold the same runs; name each run's folder once, "
                "or move one of the files away"
            )
    records = [record for _, record in found.values()]
    labels = _labels([record.job for record in records])
    rows = [(_row(r, labels[r.job.key[:2]]), r) for r in records if isinstance(r, Finished)]
    rows.sort(key=lambda pair: (pair[0].instance, pair[0].seed, pair[0].policy))
    return Results(
        protocols[0],
        tuple(row for row, _ in rows),
        tuple(record for record in records if isinstance(record, Failed)),
        tuple(record for _, record in rows),
        labels,
    )


def _protocol(folder: Path) -> Protocol:
    protocol = read_protocol(folder)
    if protocol is None:
        raise UserError(f"{folder} holds no {PROTOCOL_FILE}: it is not a folder of results")
    return protocol


def _labels(jobs: Iterable[Assignment]) -> dict[tuple[str, str], str]:
    """Return (name, digest) to what the instance is called in tables: its name where it can be."""
    digests: dict[str, set[str]] = {}
    for job in jobs:
        digests.setdefault(job.instance.name, set()).add(job.digest)
    return {
        (name, digest): name if len(known) == 1 else f"{name} [{digest[:6] or 'unknown content'}]"
        for name, known in digests.items()
        for digest in known
    }


def _row(record: Finished, instance: str) -> Row:
    job, result = record.job, record.result
    trajectory = result.trajectory.bounds()
    rule = record.scoring_rule
    solved = result.solved
    branching = result.branching

    def told(name: str) -> float:
        return math.nan if branching is None else float(getattr(branching, name))

    return Row(
        instance=instance,
        seed=job.seed,
        initial_primal_bound=_number(rule.initial_primal_bound),
        initial_dual_bound=_number(rule.initial_dual_bound),
        objective_offset=rule.objective_offset,
        cumulated_reward=cumulated_reward(trajectory, rule),
        policy=branched_by(job.policy, branching),
        cumulated_reward_cpu=cumulated_reward(trajectory, rule, "cpu"),
        primal_dual_integral=primal_dual_integral(trajectory, rule),
        solved=solved,
        time=time_to_end(record, trajectory),
        dual_bound=float(trajectory.dual[-1]),
        primal_bound=float(trajectory.primal[-1]),
        wall_time=result.wall_time,
        cpu_time=result.cpu_time,
        root_time=trajectory.root_end(),
        nodes=result.nodes,
        fair_nodes=result.fair_nodes,
        lp_iterations=result.lp_iterations,
        lp_time=result.lp_time,
        strong_branching_time=result.strong_branching_time,
        decisions=told("decisions"),
        expert_decisions=told("expert_decisions"),
        observe_time=told("seconds_observing"),
        score_time=told("seconds_scoring"),
        expert_time=told("seconds_expert"),
        rule_time=told("seconds_total"),
        rule_share=told("seconds_total") / max(result.wall_time, 1e-9),
        cpu_share=record.cpu_share,
        disturbed="; ".join(record.disturbed),
    )


def branched_by(policy: str, branching: Branching | None) -> str:
    """Return whose run it was, as it is shown: a policy that declined has not branched."""
    name = one_line(policy)
    declined = branching is not None and branching.declined
    return f"SCIP's own rules (not {name})" if declined else name


def time_to_end(record: Finished, trajectory: BoundTrajectory) -> float:
    """Return the seconds that a run needed on the clock that its limit is on; at most the limit."""
    job, result = record.job, record.result
    # What is infeasible or unbounded is not solved, and has ended all the same.
    if not result.solved and result.limit is not None:
        return job.time_limit
    begin = trajectory.root_end() if record.from_root_end else 0.0
    return min(job.time_limit, result.wall_time - begin)


def gap_over_time(record: Finished) -> float:
    """Return a run's gap, integrated over its time, in seconds: :func:`kida.reward.gap_seconds`."""
    path = record.result.trajectory.bounds()
    return gap_seconds(path, record.scoring_rule, record.from_root_end)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def write_tables(results: Results, folder: Path) -> list[Path]:
    """Write one CSV file per policy, whose first columns are the competition's; return the paths.

    Existing tables of the same name are replaced: they hold nothing that the records do not.
    """
    columns = [entry.name for entry in fields(Row)]
    columns.sort(key=lambda name: name not in OFFICIAL_COLUMNS)
    paths = []
    for policy in results.policies:
        path = folder / f"{file_slug(policy)}.csv"
        mine = [row for row in results.rows if row.policy == policy]
        write_table(path, columns, ([getattr(row, name) for name in columns] for row in mine))
        paths.append(path)
    return paths


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a CSV file atomically."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as sink:
        writer = csv.writer(sink)
        writer.writerow(columns)
        writer.writerows(rows)
