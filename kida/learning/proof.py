"""The end of a run: its policy against SCIP's default, on instances that the run has not seen.

A generated family is judged under the run's settings: by the dual bound over time under
``competition``, else by the time, or the bound if SCIP's default does not solve most of some
training instances. Files are judged as ``kida solve`` would solve them, under SCIP's default
settings: by the time, or by the gap if these take too long. How many test instances are solved, and
for how long, is fixed beforehand, so that it all takes minutes::

    RUN/verdict/probes/       the training instances, solved by SCIP's default
    RUN/verdict/design.json   what is compared, and how
    RUN/verdict/results/      the solves, as kida evaluate leaves them
    RUN/verdict.json          the verdict

Every step is skipped if its output is there. What a verdict is belongs in
``kida.evaluation.verdict``.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct

from kida.boundary import Count, Natural, Seconds, find_json, write_json
from kida.errors import UserError
from kida.evaluation.comparisons import detectable_ratio
from kida.evaluation.records import RUNS_FOLDER, Failed, Finished, Protocol, Record, read_record
from kida.evaluation.results import load_results, time_to_end
from kida.evaluation.runner import evaluate
from kida.evaluation.summary import warnings
from kida.evaluation.trials import Trial
from kida.evaluation.trials import plan as trials_of
from kida.evaluation.verdict import (
    CONFIDENCE,
    FEWEST,
    Goal,
    Verdict,
    judged,
    read_verdict,
    sentence,
    write_verdict,
)
from kida.instances.family import Family, Instance
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.learning.events import (
    Listener,
    Probing,
    ProofSolve,
    Proving,
    VerdictReached,
    Warned,
    log_event,
)
from kida.learning.inventory import Inventory, family_of_run
from kida.learning.plan import spread
from kida.learning.records import records_in
from kida.learning.run import Run, read_run
from kida.lock import locked
from kida.network.policy import holds_policy
from kida.network.steering import load_policy
from kida.parameters import ParameterValue
from kida.solver.policies import VARIANTS

FOLDER = "verdict"
#: Seconds that all solves of a verdict may take, on all cores together, as far as can be foreseen.
TOTAL_SECONDS = 600.0
#: Training instances that SCIP's default solves beforehand, and the seconds for each.
PROBES, PROBE_SECONDS = 4, 90.0
#: More instances than that, or seeds of each where there are few, are not waited for.
MOST_INSTANCES, MOST_SEEDS = 20, 5
#: By how much ratios to SCIP's default spread between instances, as the standard deviation of their
#: logarithms: 0.1 on three instances of GISP with five seeds each, 0.3 on four of FCMCNF.
TYPICAL_SPREAD = 0.25
# A policy that is so much slower than anything seen is cut off there.
_PATIENCE_FACTOR = 3.0
_SHORTEST_LIMIT = 10.0


class Design(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a verdict compares, fixed before the first solve of a test instance.

    Attributes
    ----------
    goal
        See :func:`kida.evaluation.verdict.paired`.
    settings, time_limit
        Under which both solve; in seconds.
    instances
        Indices within the test split.
    seeds
        How many, from 0 on.
    expected
        Seconds that one solve of SCIP's default will take on average, as far as the probes tell.
    version
        Of this form.
    """

    goal: Goal
    settings: str
    time_limit: Seconds
    instances: Annotated[tuple[Natural, ...], Meta(min_length=1, max_length=1000)]
    seeds: Count
    expected: Seconds
    version: Literal[1] = 1


def prove(
    folder: Path,
    *,
    workers: Workers = ONE_AT_A_TIME,
    listener: Listener = log_event,
) -> Verdict | None:
    """Compare a finished run's policy with SCIP's default; return the verdict.

    Parameters
    ----------
    folder
        The run's, whose training has ended; an interrupted comparison goes on.
    workers
        Where the solves are done.
    listener
        Gets every event; by default, they go to Python's ``logging``.

    Returns
    -------
    Verdict or None
        None if the run has no test instance that it has not trained on or selected by; the
        listener is told.

    Raises
    ------
    UserError
        If the folder holds no finished run, or SCIP's default fails on every instance.
    """
    identity = read_run(folder)
    policy = folder / "policy"
    if not holds_policy(policy):
        raise UserError(f"the run in {folder} has not ended: kida train goes on with it")
    with locked(folder):
        found = read_verdict(folder)
        if found is not None:
            return found
        run = Run(folder, identity.config, listener, identity.makers)
        source = family_of_run(identity.config.family, folder)
        unseen = _unseen(source)
        if not unseen:
            text = f"no verdict: {source.name} has no test instance that the run has not seen"
            run.log(Warned(text=text))
            return None
        design = _design(run, source, unseen, workers)
        run.log(_proving(design))
        records, default = _compared(run, source, design, policy.absolute(), workers)
        found = judged(
            design.goal,
            records,
            default,
            policy=policy.name,
            levers=levers_of(load_policy(policy).card.parameters),
            seconds_used=run.seconds_worked(),
        )
        write_verdict(folder, found)
        run.log(
            VerdictReached(
                goal=found.goal,
                ratio=found.ratio,
                interval=found.interval,
                proven=found.proven,
                text=sentence(found),
            )
        )
    return found


def levers_of(parameters: Mapping[str, ParameterValue]) -> list[str]:
    """Return the names of what a policy's parameters change: of variants, and of the rest."""
    left, names = dict(parameters), []
    for name, variant in VARIANTS.items():
        if variant.parameters.items() <= parameters.items():
            names.append(name)
            left = {key: value for key, value in left.items() if key not in variant.parameters}
    return [*names, *left]


def _unseen(source: Family) -> list[int]:
    """Return the indices of the test instances that are not to train or select by.

    A single file is the one of every split, and files of other names may have its content.
    """
    count = source.length("test")
    if not isinstance(source, Inventory):
        return list(range(count))
    seen = {listed.digest for split in ("train", "valid") for listed in source.files[split]}
    return [index for index in range(count) if source.files["test"][index].digest not in seen]


def _design(run: Run, source: Family, unseen: Sequence[int], workers: Workers) -> Design:
    """Return what is compared, as it was fixed when that began."""
    file = run.folder / FOLDER / "design.json"
    kept = find_json(file, Design, "what a verdict compares (move it away)")
    if kept is not None:
        return kept
    settings = run.config.collection.settings
    files = isinstance(source, Inventory)
    if settings == "competition" and not files:
        # Every solve takes its time, and nothing needs to be found out.
        limit = run.config.inheritance.time_limit
        episodes = records_in(run.generation(1) / "episodes")
        roots = [record.root_seconds for record in episodes]
        expected = limit + (float(np.mean(roots)) if roots else 0.0)
        design = _sized("bound", settings, limit, expected, unseen, workers.count)
    else:
        settings = "default" if files else settings
        solved, seconds = _probe(run, source, settings, workers)
        goal: Goal = "gap" if files else "bound"
        limit = expected = PROBE_SECONDS
        if 2 * sum(solved) >= len(solved):
            goal, expected = "time", float(np.mean(seconds))
            limit = max(_SHORTEST_LIMIT, math.ceil(_PATIENCE_FACTOR * max(seconds)))
        design = _sized(goal, settings, limit, expected, unseen, workers.count)
    write_json(file, design)
    return design


def _probe(
    run: Run, source: Family, settings: str, workers: Workers
) -> tuple[list[bool], list[float]]:
    """Have SCIP's default solve a few training instances; return which it did, and the seconds."""
    length = source.length("train")
    chosen = [_instance(run, source, "train", k) for k in spread(range(length), PROBES)]
    run.log(Probing(instances=len(chosen), seconds=PROBE_SECONDS))
    trials = trials_of(chosen, [0], ["default"])
    records = _solved(run, trials, _protocol(run, settings, PROBE_SECONDS), "probes", workers)
    finished = [record for record in records if isinstance(record, Finished)]
    if not finished:
        reasons = {record.reason for record in records if isinstance(record, Failed)}
        raise UserError(
            f"there is no verdict: SCIP fails on the training instances ({'; '.join(reasons)}); "
            "give --no-verdict to leave it out"
        )
    seconds = [time_to_end(record, record.result.trajectory.bounds()) for record in finished]
    return [record.result.solved for record in finished], seconds


def _sized(
    goal: Goal, settings: str, limit: float, expected: float, unseen: Sequence[int], cores: int
) -> Design:
    """Return the design of as many instances, and then seeds, as there is time for."""
    solves = TOTAL_SECONDS * cores / (2 * max(expected, 1.0))
    count = min(len(unseen), MOST_INSTANCES, max(2, int(solves)))
    seeds = 1 if count == MOST_INSTANCES else min(MOST_SEEDS, max(1, int(solves / count)))
    return Design(
        goal=goal,
        settings=settings,
        time_limit=float(limit),
        instances=tuple(spread(unseen, count)),
        seeds=seeds,
        expected=max(expected, 1e-3),
    )


def _instance(run: Run, source: Family, split: str, index: int) -> Instance:
    return source.instance(run.config.size or source.sizes[0], split, index)


def _compared(
    run: Run, source: Family, design: Design, policy: Path, workers: Workers
) -> tuple[list[Record], list[Record]]:
    """Return the runs of the policy and those of SCIP's default."""
    chosen = [_instance(run, source, "test", index) for index in design.instances]
    trials = trials_of(chosen, range(design.seeds), [str(policy), "default"])
    protocol = _protocol(run, design.settings, design.time_limit)
    records = _solved(run, trials, protocol, "results", workers)
    for text in warnings(load_results([run.folder / FOLDER / "results"])):
        run.log(Warned(text=text))
    default = [record for record in records if record.job.policy == "default"]
    return [record for record in records if record.job.policy != "default"], default


def _protocol(run: Run, settings: str, seconds: float) -> Protocol:
    own = dict(run.config.collection.user_parameters)
    return Protocol(settings, seconds, user_parameters=own)


def _solved(
    run: Run, trials: Sequence[Trial], protocol: Protocol, name: str, workers: Workers
) -> list[Record]:
    """Do what is missing of some solves; return the records of all."""
    results = run.folder / FOLDER / name
    missing = done = 0

    def begin(count: int) -> None:
        nonlocal missing
        missing = count
        run.report(ProofSolve(kind=name, done=0, of=missing))

    def ended(record: Record) -> None:
        nonlocal done
        done += 1
        run.report(ProofSolve(kind=name, done=done, of=missing))

    evaluate(trials, protocol, results, workers, retry_failed=True, on_begin=begin, on_record=ended)
    return [read_record(results / RUNS_FOLDER / trial.file_name) for trial in trials]


def _proving(design: Design) -> Proving:
    return Proving(
        settings=design.settings,
        time_limit=design.time_limit,
        instances=design.instances,
        seeds=design.seeds,
        solves=2 * len(design.instances) * design.seeds,
        expected=design.expected,
        detectable=_detectable(design),
    )


def _detectable(design: Design) -> float | None:
    """Return the ratio that the verdict will prove in four of five cases; None if not any."""
    count = len(design.instances)
    if count < FEWEST:
        count *= design.seeds
    return detectable_ratio(TYPICAL_SPREAD, count, CONFIDENCE) if count > 1 else None
