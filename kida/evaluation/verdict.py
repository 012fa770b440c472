"""The verdict: whether a policy is better than SCIP's default on instances that it has not seen.

One file, ``verdict.json`` in a run's folder, that people and programs can rely on. Runs of both on
the same instances and seeds become pairs of seconds (:func:`paired`), pairs become a
:class:`Verdict` (:func:`judged`), and that a sentence (:func:`sentence`). A new goal is a way to
make seconds of two runs, in :func:`_measured`, and a phrase in :func:`sentence`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
from msgspec import Meta, Struct

from kida.boundary import Count, Natural, Probability, Seconds, find_json, write_json
from kida.errors import UserError
from kida.evaluation.comparisons import (
    compare_geometric,
    detectable_ratio,
    shifted_geometric_mean,
    spread_of,
)
from kida.evaluation.outcome import Duration, Text
from kida.evaluation.records import Failed, Finished, Record
from kida.evaluation.results import time_to_end
from kida.evaluation.summary import TIME_SHIFT
from kida.reward import gap_seconds, seconds_behind

VERDICT_FILE = "verdict.json"
VERSION: Final = 1
#: Of the interval.
CONFIDENCE = 0.95
#: The upper end of an interval that has none, as of one pair: about it nothing is known.
UNBOUNDED = 1e20
# Runs of the policy's that may be unsolved beyond those of the default, as a share of all; and so
# many runs that a single one, which may have missed the limit by little, tells nothing.
_UNSOLVED, _MANY_RUNS = 0.02, 10
#: Instances with less of which every run is a pair, as an interval over so few says nothing.
FEWEST = 3
#: What a clock can tell; a solve that ends at the root may have no time at all after it.
SHORTEST = 1e-3

#: What is to become less: the time until solved, the dual bound's distance from the best one over
#: time, or the gap over time.
Goal = Literal["time", "bound", "gap"]
#: What is added to seconds before they are compared, so that trifles count little. A gap's seconds
#: are a share of the time: a gap of 1 % for a minute is 0.6 s, which a whole second would drown.
SHIFTS: Mapping[Goal, float] = MappingProxyType(
    {"time": TIME_SHIFT, "bound": TIME_SHIFT, "gap": 0.01 * TIME_SHIFT}
)

_Ratio = Annotated[float, Meta(ge=0.0, le=UNBOUNDED)]


class Verdict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a policy compares with SCIP's default, paired by instance.

    Attributes
    ----------
    goal
        What was compared: ``"time"``, ``"bound"`` or ``"gap"``, see :func:`paired`.
    ratio
        The policy's geometric mean, shifted by :data:`SHIFTS`, as a share of the default's: below 1
        is better.
    interval
        Student's interval of ``ratio``: over other instances of this kind, or, of one or two
        instances, over other seeds of them. From 0 to :data:`UNBOUNDED` where there is one pair.
    confidence
        The interval's level.
    instances, seeds
        How many were compared.
    proven
        Whether the interval is wholly below 1, and, of times, the policy leaves no more runs
        unsolved than the default, but for one of ten or more, or one in fifty: they count as the
        limit here, and nobody knows as how much more elsewhere.
    levers
        Names of what else than branching the policy changes in SCIP.
    policy
        The policy's folder; None if what is used in the end is SCIP's default.
    seconds_used
        Wall-clock seconds of the whole run up to this verdict.
    seconds, default_seconds
        The two means.
    wins, losses
        Instances (or runs, of one or two instances) on which the policy has less, or more.
    failed
        Runs of the policy that failed; they count as the limit.
    runs
        Pairs of runs; 0 if a verdict of before does not say.
    unsolved, default_unsolved
        Of these, those that the policy and the default have not solved.
    settings, time_limit
        What both ran under, see :data:`kida.settings.SETTINGS`; in seconds.
    former
        Whether the policy stays what a round before has delivered, and was proven then: all
        figures are of something else, which is not used.
    version
        Of this form.

    Raises
    ------
    UserError
        If the interval is none, or something is proven that it does not say.
    """

    goal: Goal
    ratio: _Ratio
    interval: tuple[_Ratio, _Ratio]
    confidence: Probability
    instances: Count
    seeds: Count
    proven: bool
    levers: Annotated[tuple[Text, ...], Meta(max_length=1000)]
    policy: Text | None
    seconds_used: Duration
    seconds: Duration
    default_seconds: Duration
    wins: Natural
    losses: Natural
    failed: Natural
    settings: Text
    time_limit: Seconds
    runs: Natural = 0
    unsolved: Natural = 0
    default_unsolved: Natural = 0
    former: bool = False
    version: Literal[1] = VERSION

    def __post_init__(self) -> None:
        low, high = self.interval
        if not low <= self.ratio <= high:
            raise UserError(f"ratio {self.ratio:g} is not within the interval {low:g} to {high:g}")
        if self.proven != (high < 1 and not self.leaves_more):
            raise UserError(
                f"proven is {self.proven} with an interval that ends at {high:g}, and "
                f"{self.unsolved} runs unsolved against {self.default_unsolved}"
            )

    @property
    def leaves_more(self) -> bool:
        """Whether, of times, the policy leaves more runs unsolved than the default."""
        return self.goal == "time" and _leaves_more(self.unsolved, self.default_unsolved, self.runs)


def _leaves_more(unsolved: int, default_unsolved: int, runs: int) -> bool:
    allowed = max(_UNSOLVED * runs, 1.0 if runs >= _MANY_RUNS else 0.0)
    return unsolved - default_unsolved > allowed


class Pair(NamedTuple):
    """What the policy and SCIP's default had on one instance with one seed, in seconds."""

    instance: str
    seed: int
    seconds: float
    default_seconds: float


def paired(goal: Goal, records: Iterable[Record], default: Iterable[Record]) -> list[Pair]:
    """Return what two policies' runs had, for every instance and seed that the default finished.

    Everything is seconds, less is better, and the limit is the most there is:

    - ``"time"``: until the problem is solved; the limit if it is not.
    - ``"bound"``: for which the dual bound stood below the better of the two final ones,
      :func:`kida.reward.seconds_behind`. The competition's reward, of which this is the mirrored
      and scaled form, has no zero that ratios could be taken of, and the dual integral needs the
      best known value, which a user's problem does not have.
    - ``"gap"``: of the relative gap, integrated, :func:`kida.reward.gap_seconds`.

    They count from where the settings' clock starts. A run of the policy's that failed has the
    limit; where the default failed there is nothing to compare with, and the pair is left out.

    Parameters
    ----------
    goal
        What is compared.
    records, default
        The policy's runs and the default's, in any order and of one protocol.
    """
    theirs = {_place(record): record for record in default if isinstance(record, Finished)}
    return [
        Pair(f"{place[0]} {place[1]}", place[2], *_measured(goal, record, theirs[place]))
        for record in records
        if (place := _place(record)) in theirs
    ]


def _place(record: Record) -> tuple[str, str, int]:
    return record.job.key[:3]


def _measured(goal: Goal, record: Record, default: Finished) -> tuple[float, float]:
    """Return the seconds of a policy's run and of the default's."""
    rule, limit = default.scoring_rule, default.job.time_limit
    runs = [run for run in (record, default) if isinstance(run, Finished)]
    paths = [run.result.trajectory.bounds() for run in runs]
    if goal == "time":
        found = [time_to_end(run, path) for run, path in zip(runs, paths, strict=True)]
    elif goal == "bound":
        found = seconds_behind(paths, rule, default.from_root_end)
    else:
        found = [gap_seconds(path, rule, default.from_root_end) for path in paths]
    return (limit if isinstance(record, Failed) else found[0]), found[-1]


def judged(
    goal: Goal,
    records: Sequence[Record],
    default: Sequence[Record],
    *,
    policy: str | None,
    levers: Sequence[str] = (),
    seconds_used: float,
    confidence: float = CONFIDENCE,
) -> Verdict:
    """Return the verdict on a policy by its runs and the default's.

    Seeds of an instance are not independent of each other: their mean is one pair. Of one or two
    instances every run is a pair, and the interval speaks of these instances only.

    Parameters
    ----------
    goal
        What is compared, see :func:`paired`.
    records, default
        The policy's runs and the default's, of one protocol.
    policy, levers, seconds_used, confidence
        See :class:`Verdict`.

    Raises
    ------
    UserError
        If there is no pair.
    """
    pairs = paired(goal, records, default)
    if not pairs:
        raise UserError(
            "there is no verdict: SCIP's default finished no run "
            + "".join(f"({record.reason})" for record in default[:1] if isinstance(record, Failed))
        )
    names = {pair.instance for pair in pairs}
    both = np.array([_mean(pairs, name, SHIFTS[goal]) for name in sorted(names)])
    if len(names) < FEWEST:
        both = np.array([[pair.seconds, pair.default_seconds] for pair in pairs])
    both = np.maximum(both, SHORTEST)
    found = compare_geometric(both[:, 0], both[:, 1], SHIFTS[goal], confidence)
    ratio = min(found.ratio, UNBOUNDED)
    low, high = (found.low, found.high) if len(both) > 1 else (0.0, UNBOUNDED)
    # Of equal ratios both ends are the ratio, but for rounding.
    low, high = min(low, ratio), min(max(high, ratio), UNBOUNDED)
    # Each may have runs that the other has not.
    places = {_place(record) for record in default if isinstance(record, Finished)}
    places &= {_place(record) for record in records}
    unsolved, default_unsolved = _unsolved(records, places), _unsolved(default, places)
    beyond = goal == "time" and _leaves_more(unsolved, default_unsolved, len(pairs))
    return Verdict(
        goal=goal,
        ratio=ratio,
        interval=(low, high),
        confidence=confidence,
        instances=len(names),
        seeds=len({pair.seed for pair in pairs}),
        proven=high < 1 and not beyond,
        levers=tuple(levers),
        policy=policy,
        seconds_used=seconds_used,
        seconds=found.mean,
        default_seconds=found.baseline_mean,
        wins=found.wins,
        losses=found.losses,
        failed=sum(isinstance(record, Failed) and _place(record) in places for record in records),
        settings=default[0].job.settings,
        time_limit=default[0].job.time_limit,
        runs=len(pairs),
        unsolved=unsolved,
        default_unsolved=default_unsolved,
    )


def _unsolved(records: Iterable[Record], places: Set[tuple[str, str, int]]) -> int:
    """Return how many runs of these instances and seeds have solved nothing."""
    return sum(
        isinstance(record, Failed) or not record.result.solved
        for record in records
        if _place(record) in places
    )


def _mean(pairs: Sequence[Pair], name: str, shift: float) -> tuple[float, float]:
    """Return both means over the seeds of an instance."""
    mine = [pair for pair in pairs if pair.instance == name]
    return (
        shifted_geometric_mean([pair.seconds for pair in mine], shift),
        shifted_geometric_mean([pair.default_seconds for pair in mine], shift),
    )


def detectable(verdict: Verdict) -> float | None:
    """Return the ratio that as many runs that vary as much prove in four of five cases.

    None of one pair, and where nothing can be told of the spread.
    """
    # Before verdicts said how many runs there were, seeds of one instance alone were pairs.
    runs = verdict.runs or verdict.seeds
    pairs = verdict.instances if verdict.instances >= FEWEST else runs
    low, high = verdict.interval
    if pairs < 2 or not low or high == UNBOUNDED:
        return None
    spread = spread_of((low, high), pairs, verdict.confidence)
    return detectable_ratio(spread, pairs, verdict.confidence)


def sentence(verdict: Verdict, than: str = "SCIP's default") -> str:
    """Return a verdict as people read it, ``than`` being who the policy was compared with.

    Such as ``"1.62 times faster than SCIP's default [1.41, 1.88] on 10 instances, 9 won, 1 lost
    (12.3 s against 19.9 s; settings default, at most 60 s each); proven at 95 %"``.
    """
    low, high = verdict.interval
    if verdict.goal == "time" and verdict.ratio <= 1:
        low, high = (1 / x if x else math.inf for x in (high, low))
    joint = "than" if verdict.goal == "time" else "of"
    interval = "" if _unknown(verdict) else f" [{_shown(low)}, {_shown(high)}]"
    failed = f", {_counted(verdict.failed, 'run')} failed" if verdict.failed else ""
    if verdict.goal == "time" and verdict.unsolved + verdict.default_unsolved:
        failed += (
            f", {_counted(verdict.unsolved, 'run')} not solved against {verdict.default_unsolved}"
        )
    return (
        f"{brief(verdict)} {joint} {than}{interval} on {_compared(verdict)}"
        f", {verdict.wins} won, {verdict.losses} lost{failed} ({verdict.seconds:.3g} s against "
        f"{verdict.default_seconds:.3g} s; settings {verdict.settings}, at most "
        f"{verdict.time_limit:g} s each); {_conclusion(verdict)}"
    )


def brief(verdict: Verdict) -> str:
    """Return the ratio as people read it, such as ``"1.62 times faster"``."""
    what = {"bound": "distance from the best dual bound over time", "gap": "gap over time"}
    if verdict.goal != "time":
        return f"{_shown(verdict.ratio)} times the {what[verdict.goal]}"
    if verdict.ratio <= 1:
        return f"{_shown(1 / verdict.ratio if verdict.ratio else math.inf)} times faster"
    return f"{_shown(verdict.ratio)} times slower"


def _unknown(verdict: Verdict) -> bool:
    """Return whether there is no interval."""
    return verdict.interval[0] == 0 and verdict.interval[1] == UNBOUNDED


def _compared(verdict: Verdict) -> str:
    instances = _counted(verdict.instances, "instance")
    if verdict.seeds == 1:
        return instances
    return f"{instances} with {verdict.seeds} seeds"


def _conclusion(verdict: Verdict) -> str:
    if _unknown(verdict):
        return "not proven: one pair of runs says nothing of others"
    if verdict.interval[0] > 1:
        found = f"proven to be worse at {100 * verdict.confidence:g}%"
    elif verdict.proven:
        found = f"proven at {100 * verdict.confidence:g}%"
    elif verdict.interval[1] < 1:
        found = "not proven: what it leaves unsolved may take any time"
    else:
        found = f"not proven: the interval at {100 * verdict.confidence:g}% contains 1"
        if (least := detectable(verdict)) is not None:
            found += f", as runs that vary so much prove a ratio below {least:.2f} only"
    if verdict.instances < FEWEST:
        these = "this instance" if verdict.instances == 1 else "these two instances"
        found += f", and of {these} alone: seeds say nothing of others"
    return found.replace("%", " %")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _shown(ratio: float) -> str:
    """Return a ratio with as many digits as show that it is not 1."""
    return f"{ratio:.2f}" if f"{ratio:.2f}" != "1.00" or ratio == 1 else f"{ratio:.6g}"


def write_verdict(run: Path, verdict: Verdict) -> Path:
    """Write a verdict into a run's folder, atomically; return its path."""
    write_json(run / VERDICT_FILE, verdict)
    return run / VERDICT_FILE


def read_verdict(run: Path) -> Verdict | None:
    """Return the verdict in a run's folder, None if there is none.

    Raises
    ------
    UserError
        If the file is no verdict; the message names the field.
    """
    return find_json(run / VERDICT_FILE, Verdict, "a verdict (move it away)")
