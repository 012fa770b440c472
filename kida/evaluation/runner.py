"""Instances x seeds x policies: every run once, whatever interrupts the evaluation.

A results folder holds ``protocol.json`` (what all its runs have in common) and ``runs/``, one
JSON file per run, written when the run has ended. Runs whose file is there are not done again, so
an evaluation is resumed by the command that began it, and extended by naming more instances,
seeds or policies. Reading results is ``results.py``; what happens in a run is ``solving.py``.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from kida.boundary import replaced, write_json
from kida.errors import UserError
from kida.evaluation.records import (
    PROTOCOL_FILE,
    RUNS_FOLDER,
    Assignment,
    Failed,
    Kept,
    Protocol,
    Record,
    read_protocol,
    read_record,
)
from kida.evaluation.solving import Solve
from kida.evaluation.trials import Trial
from kida.instances.registry import digest_of, initial_bounds
from kida.jobs.job import Failure, Job
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.lock import holds_only_lock, locked
from kida.solver.policies import policy_identity
from kida.solver.versions import versions

_log = logging.getLogger(__name__)


def evaluate(
    trials: Sequence[Trial],
    protocol: Protocol,
    folder: Path,
    workers: Workers = ONE_AT_A_TIME,
    *,
    retry_failed: bool = False,
    keep: tuple[Kept, ...] = (),
    grace: float = 3600.0,
    on_begin: Callable[[int], None] | None = None,
    on_record: Callable[[Record], None] | None = None,
) -> None:
    """Do all runs that the folder does not hold yet.

    Parameters
    ----------
    trials
        From :func:`kida.evaluation.trials.plan`, in this order.
    protocol
        What they have in common.
    folder
        Where to keep the records; made if need be.
    workers
        Where the runs are done, each on a core of its own.
    retry_failed
        Whether runs recorded as failed are done again.
    keep
        What of the variables is recorded.
    grace
        Seconds that a solve may take beyond twice its limit: of one that takes longer its process
        is ended, and it has failed.
    on_begin
        Called once with the number of runs that are missing, before the first.
    on_record
        Called in this thread with each new record, once it is on disk.

    Raises
    ------
    UserError
        If a policy does not exist, the folder belongs to another protocol, holds runs of another
        policy under the same name, or with other initial bounds, or is in use by another command;
        or if a machine can do no run, as where a disk is full.
    KeyboardInterrupt
        On Ctrl-C: runs under way are lost, finished ones are kept.
    """
    identities = {policy: policy_identity(policy) for policy in {t.policy for t in trials}}
    if read_protocol(folder) is None and not holds_only_lock(folder):
        raise UserError(f"{folder} is not empty and holds no results; name another folder")
    with locked(folder):
        _claim(folder, protocol)
        waiting = [trial for trial in trials if not _done(folder, trial, identities, retry_failed)]
        if on_begin is not None:
            on_begin(len(waiting))

        def ended(job: Job, failure: Failure | None) -> None:
            assert isinstance(job, Solve)
            path = Path(job.record)
            if failure is not None and failure.unfit:
                raise UserError(f"{failure.reason}; what is finished stays")
            if failure is not None:
                write_json(path, Failed(job=job.assignment, error=failure.error))
            record = read_record(path)
            _log.info("%s: %s", job.label, _outcome(record))
            if on_record is not None:
                on_record(record)

        workers.run(
            [_job(trial, protocol, folder, workers, keep, grace) for trial in waiting], ended
        )


def _outcome(record: Record) -> str:
    if isinstance(record, Failed):
        return f"failed, {record.reason}"
    result = record.result
    return f"{result.status}, dual bound {result.dual_bound:.6g}, {result.nodes} nodes"


def _job(
    trial: Trial,
    protocol: Protocol,
    folder: Path,
    workers: Workers,
    keep: tuple[Kept, ...],
    grace: float,
) -> Solve:
    return Solve(
        record=str((folder / RUNS_FOLDER / trial.file_name).absolute()),
        # Long roots come on top of the limit, and SCIP cannot stop in the middle of an LP.
        patience=2 * protocol.seconds + grace,
        assignment=Assignment(
            instance=trial.instance,
            digest=digest_of(trial.instance),
            seed=trial.seed,
            # 0 would mean no permutation.
            permutation_seed=trial.seed + 1 if protocol.permute else 0,
            policy=trial.policy,
            settings=protocol.settings,
            time_limit=protocol.seconds,
            node_limit=protocol.node_limit,
            memory_limit=protocol.memory_limit,
            user_parameters=protocol.user_parameters,
            jobs=None if workers.scheduler is not None else workers.count,
            command=("kida", *sys.argv[1:]),
            keep=keep,
        ),
        folder=str(Path.cwd()),
    )


def _claim(folder: Path, protocol: Protocol) -> None:
    """Write the folder's protocol, or check that it is the one that is there."""
    wanted = replaced(protocol, scip=versions()["scip"])
    found = read_protocol(folder)
    if found is None:
        write_json(folder / PROTOCOL_FILE, wanted)
        return
    if (difference := wanted.difference(found)) is not None:
        name, mine, theirs = difference
        raise UserError(
            f"{folder} holds runs with {name} {theirs!r}, not {mine!r}; "
            "name another folder, or the same configuration"
        )


def _done(folder: Path, trial: Trial, identities: dict[str, str], retry_failed: bool) -> bool:
    path = folder / RUNS_FOLDER / trial.file_name
    if not path.exists():
        if (
            trial.old_file_name != trial.file_name
            and (folder / RUNS_FOLDER / trial.old_file_name).exists()
        ):
            raise UserError(
                f"{folder} holds runs that do not say which content of {trial.instance.name} they "
                "solved, as older versions wrote them; name another folder"
            )
        return False
    record = read_record(path)
    if isinstance(record, Failed):
        return not retry_failed
    if record.policy_identity != identities[trial.policy]:
        raise UserError(
            f"{folder} holds runs of another policy by the name {trial.policy!r} "
            "(it has been changed or trained anew); name another folder"
        )
    known = initial_bounds(trial.instance)
    if (record.initial_primal_bound, record.initial_dual_bound) != (known.primal, known.dual):
        raise UserError(
            f"{folder} holds runs of {trial.instance.name} with other initial bounds than are "
            "known of it now, under which runs would not compare; name another folder"
        )
    return True
