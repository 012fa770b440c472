"""One solve: an instance, a policy and settings in; a typed result out.

``optimize`` is what callers with a model of their own need: SCIP runs in a thread without the
interpreter lock, so that Ctrl-C takes effect at once and progress can be shown, and an exception
of the branching rule surfaces. ``solve`` builds the model, runs it, and frees it again.
"""

import errno
import json
import logging
import math
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from pyscipopt import Model

from kida._core import BoundRecorder, learned_pseudocosts
from kida.errors import UserError
from kida.files import atomic_path, cannot_write
from kida.instances.family import Instance
from kida.instances.registry import initial_bounds
from kida.interrupts import SAME_REQUEST
from kida.sense import Sense, sign
from kida.settings import Limits, Settings, named_settings
from kida.solver.branching import Brancher, BranchingStatistics, capsule
from kida.solver.names import path_to_write, variable_names
from kida.solver.policies import attach_policy
from kida.solver.problem import open_model
from kida.solver.settings import apply_limits, apply_seeds, apply_settings
from kida.solver.time_split import time_split
from kida.trajectory import SCIP_INFINITY, BoundTrajectory, with_infinities

#: How long an interrupted solve may take to come to rest before it is abandoned, in seconds: an LP
#: is solved to its end. A second Ctrl-C abandons it at once.
_PATIENCE = 30.0
# Bytes of the stack of SCIP's thread, where the system's own would be small.
_STACK = 16 << 20
# Kinds of variables; and the largest value that is still an integer.
_INTEGER, _LARGEST_INTEGER = ("BINARY", "INTEGER"), 1e15


_log = logging.getLogger(__name__)


class Reason(Enum):
    """Why a solve ended, as in OR-tools' MathOpt."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible or unbounded"
    #: Nothing better than the objective limit exists.
    CUTOFF = "cutoff"
    #: A limit was reached, with a solution or without one.
    FEASIBLE = "feasible"
    NO_SOLUTION_FOUND = "no solution found"


class Limit(Enum):
    """Which limit was reached, if any."""

    TIME = "time"
    NODES = "nodes"
    MEMORY = "memory"
    GAP = "gap"
    SOLUTIONS = "solutions"
    BOUND = "bound"
    RESTARTS = "restarts"
    INTERRUPTED = "interrupted"


_PROVEN = {
    "optimal": Reason.OPTIMAL,
    "infeasible": Reason.INFEASIBLE,
    "unbounded": Reason.UNBOUNDED,
    "inforunbd": Reason.INFEASIBLE_OR_UNBOUNDED,
}
_LIMITS = {
    "timelimit": Limit.TIME,
    "nodelimit": Limit.NODES,
    "totalnodelimit": Limit.NODES,
    "stallnodelimit": Limit.NODES,
    "memlimit": Limit.MEMORY,
    "gaplimit": Limit.GAP,
    "sollimit": Limit.SOLUTIONS,
    "bestsollimit": Limit.SOLUTIONS,
    "primallimit": Limit.BOUND,
    "duallimit": Limit.BOUND,
    "restartlimit": Limit.RESTARTS,
    "userinterrupt": Limit.INTERRUPTED,
}


@dataclass(frozen=True)
class Termination:
    """How a solve ended.

    Attributes
    ----------
    reason
        What is known about the problem.
    limit
        The limit that stopped the solve, or ``None`` if it came to its end.
    status
        SCIP's own word.
    """

    reason: Reason
    limit: Limit | None
    status: str

    @property
    def solved(self) -> bool:
        """Whether nothing is left to prove; which of two things holds is, if either may."""
        return self.limit is None and self.reason is not Reason.INFEASIBLE_OR_UNBOUNDED


@dataclass(frozen=True)
class Progress:
    """Where a running solve stands; times in seconds from its start, bounds may be infinite."""

    wall: float
    dual_bound: float
    primal_bound: float
    nodes: int
    lp_iterations: int


@dataclass(frozen=True, eq=False)
class SolveResult:
    """All that one solve gave.

    Attributes
    ----------
    termination
        How it ended.
    sense
        Whether the objective was minimised or maximised.
    dual_bound, primal_bound
        In the original objective, infinite where there is none. Under an objective limit SCIP's
        primal bound is that limit until something better is found.
    wall_time, cpu_time
        Seconds of the whole solve, root node included, and of processor time of this process.
    nodes
        Nodes processed, over all restarts.
    fair_nodes
        ``nodes``, plus two for each cutoff and each domain reduction that a branching rule found
        while looking for candidates: what it would have cost to find them by branching
        (Gamrath and Schubert, ZIB-Report 17-34).
    lp_iterations
        Simplex iterations outside strong branching.
    lp_time, strong_branching_time
        Seconds in LPs of the nodes, and in those of strong branching.
    time_split
        Name of a part of SCIP to the seconds spent in it, see :mod:`kida.solver.time_split`.
    trajectory
        Every change of the bounds.
    branching
        The learned rule's or the function's own account; ``None`` for SCIP's rules.
    solution
        Name to value of the variables that are not 0 in the best solution; ``None`` without one.
    integers
        Name to value of all variables in it that have to be integer; none without one.
    pseudocosts
        Name to what a unit down and a unit up has cost on average, in the objective, None where
        nobody knows, of the variables that something was learned of.
    """

    termination: Termination
    sense: Sense
    dual_bound: float
    primal_bound: float
    wall_time: float
    cpu_time: float
    nodes: int
    fair_nodes: int
    lp_iterations: int
    lp_time: float
    strong_branching_time: float
    time_split: Mapping[str, float]
    trajectory: BoundTrajectory
    branching: BranchingStatistics | None
    solution: Mapping[str, float] | None
    integers: Mapping[str, float]
    pseudocosts: Mapping[str, tuple[float | None, float | None]]

    @property
    def gap(self) -> float:
        """Return ``|primal - dual| / min(|primal|, |dual|)``, as SCIP defines it."""
        primal, dual = self.primal_bound, self.dual_bound
        if primal == dual:
            return 0.0
        if math.isinf(primal) or math.isinf(dual) or primal * dual <= 0:
            return math.inf
        gap = abs(primal - dual) / min(abs(primal), abs(dual))
        return gap if gap < SCIP_INFINITY else math.inf


def optimize(
    model: Model,
    brancher: Brancher | None = None,
    *,
    on_wait: Callable[[], None] | None = None,
    interval: float = 0.25,
) -> None:
    """Solve ``model`` as ``model.optimize()`` does, but interruptibly and without losing errors.

    Parameters
    ----------
    model
        The model to solve; it keeps its results.
    brancher
        What :func:`kida.attach` returned.
    on_wait
        Called about every ``interval`` seconds in the calling thread while SCIP runs.
    interval
        Seconds.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, once SCIP has come to rest: the model holds what was found by then, can be solved
        on, and its parameters are as they were. After a second Ctrl-C, or 30 seconds, it must not
        be touched any more.
    Exception
        Whatever the branching rule raised; otherwise whatever ``model.optimize()`` raises.
    """
    interrupt = _optimize(model, brancher, threading.Event(), on_wait, interval)
    if interrupt is not None:
        raise interrupt


def _optimize(
    model: Model,
    brancher: Brancher | None,
    finished: threading.Event,
    on_wait: Callable[[], None] | None,
    interval: float = 0.25,
) -> KeyboardInterrupt | None:
    """Do what :func:`optimize` does, but return an interrupt if SCIP has come to rest.

    ``finished`` is set unless SCIP runs in the model.
    """
    finished.clear()
    failures: list[Exception] = []

    def run() -> None:
        try:
            model.optimizeNogil()
        except Exception as error:
            failures.append(error)
        finally:
            finished.set()

    # SCIP's own handler prints, and turns Ctrl-C into a normal return; Python's does neither.
    catches = model.getParam("misc/catchctrlc")
    model.setParam("misc/catchctrlc", False)
    # A thread that outlives its patience must not keep the process alive: daemon. Waiting is for
    # the event, not for the thread: before Python 3.13 an interrupted `join` forgets the thread.
    thread = threading.Thread(target=run, name="scip", daemon=True)
    if sys.platform == "win32":
        # SCIP recurses; this is said where the thread begins, and for all that begin after it.
        threading.stack_size(_STACK)
    thread.start()
    interrupt: KeyboardInterrupt | None = None
    try:
        while not finished.wait(interval):
            if on_wait is not None:
                on_wait()
    except BaseException as error:
        began = time.monotonic()
        # Repeated, because SCIP forgets interrupts that arrive before it has begun.
        while not finished.is_set() and time.monotonic() < began + _PATIENCE:
            try:
                model.interruptSolve()
                finished.wait(0.05)
            except KeyboardInterrupt:
                if time.monotonic() > began + SAME_REQUEST:
                    raise
        if not (finished.is_set() and isinstance(error, KeyboardInterrupt)):
            raise
        interrupt = error
    finally:
        if finished.is_set():
            model.setParam("misc/catchctrlc", catches)
    if brancher is not None:
        brancher.raise_error()
    if failures:
        raise failures[0]
    return interrupt


def solve(
    instance: Instance,
    policy: str | Callable[[Model], Brancher | None] = "default",
    *,
    settings: str | Settings = "default",
    limits: Limits | None = None,
    seed: int = 0,
    permutation_seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    solution_file: Path | None = None,
    raise_interrupt: bool = False,
) -> SolveResult:
    """Solve one instance and free all of SCIP's memory again.

    Ctrl-C ends the solve and gives what was found by then, with ``Limit.INTERRUPTED``; a second one
    raises ``KeyboardInterrupt``. A loop over instances has to look at that, or to ask for
    ``raise_interrupt``. SIGTERM does the same where its handler raises ``KeyboardInterrupt``, as
    after ``signal.signal(signal.SIGTERM, signal.default_int_handler)``.

    Parameters
    ----------
    instance
        What to solve.
    policy
        What branches: see :mod:`kida.solver.policies`; or a function that attaches it to the
        model.
    settings
        A name of :data:`kida.settings.SETTINGS`, or settings.
    limits
        When to stop; by default, when the settings say.
    seed, permutation_seed
        See :func:`kida.solver.settings.apply_seeds`.
    on_progress
        Called about four times a second while SCIP runs.
    solution_file
        Where to write the best solution, in SCIP's format, if there is one.
    raise_interrupt
        Whether Ctrl-C raises instead of giving a result; the solution is written all the same.

    Raises
    ------
    UserError
        If the policy, the settings or the limits make no sense, or the instance cannot be read.
    KeyboardInterrupt
        On a second Ctrl-C, on one before the solve has begun, or on any if that is asked for.
    Exception
        Whatever the branching rule raised.
    """
    if isinstance(settings, str):
        settings = named_settings(settings)
    if solution_file is not None:
        _check_place(solution_file)
    limits = limits or Limits()
    model = open_model(instance)
    at_rest = threading.Event()
    at_rest.set()
    try:
        prepare(model, instance, settings, limits, (seed, permutation_seed))
        sense: Sense = "maximize" if model.getObjectiveSense() == "maximize" else "minimize"
        after_root = limits.seconds(settings) if settings.clock_starts == "root_end" else math.inf
        recorder = BoundRecorder(capsule(model), limit_after_root=after_root)
        brancher = policy(model) if callable(policy) else attach_policy(model, policy, seed)
        _log.info("solving %s, policy %s, settings %s", instance.name, policy, settings.name)
        recorder.start()
        interrupt = _optimize(model, brancher, at_rest, _reporter(recorder, sense, on_progress))
        recorder.finish(capsule(model))
        trajectory = BoundTrajectory.from_arrays(
            recorder.arrays(), recorder.root_end_wall, recorder.root_end_cpu, sense
        )
        solution, integers = _best_solution(model)
        # Before anything else that may fail.
        if solution_file is not None and solution is not None:
            with atomic_path(solution_file) as temporary:
                _write_solution(model, solution, temporary)
        result = _result(model, sense, trajectory, brancher, solution, integers)
        _log.info(
            "%s: %s, bounds %.10g and %.10g, %d nodes, %.2f s",
            instance.name,
            result.termination.status,
            result.dual_bound,
            result.primal_bound,
            result.nodes,
            result.wall_time,
        )
    finally:
        # SCIP may still be running in an abandoned model: that is left as it is.
        if at_rest.is_set():
            model.free()
    if interrupt is not None and raise_interrupt:
        raise interrupt
    return result


def prepare(
    model: Model,
    instance: Instance | None,
    settings: Settings,
    limits: Limits,
    seeds: tuple[int, int],
) -> None:
    """Make a model ready to be solved but for who branches.

    Parameters
    ----------
    model
        A fresh model.
    instance
        What it was made of, which may have initial bounds; ``None`` if that is not known.
    settings, limits
        As :func:`solve` takes them.
    seeds
        Of SCIP, and of the permutation.
    """
    apply_settings(model, settings)
    apply_limits(model, limits, settings)
    apply_seeds(model, *seeds)
    known = None if instance is None else initial_bounds(instance).primal
    if settings.objective_limit and known is not None:
        model.setObjlimit(known)


def _reporter(
    recorder: Any, sense: Sense, on_progress: Callable[[Progress], None] | None
) -> Callable[[], None] | None:
    """Return what tells ``on_progress`` where the solve that begins now stands."""
    if on_progress is None:
        return None
    started = time.perf_counter()

    def report() -> None:
        last, dual, primal, nodes, iterations = recorder.latest()
        if not last:  # no event yet
            dual, primal = -sign(sense) * math.inf, sign(sense) * math.inf
        dual, primal = with_infinities([dual, primal]).tolist()
        # The recorder's time is that of its last event, which may be long ago.
        on_progress(Progress(time.perf_counter() - started, dual, primal, nodes, iterations))

    return report


def _check_place(file: Path) -> None:
    """Refuse a file that is there or cannot be written, before hours of solving."""
    if file.exists():
        raise UserError(f"{file} exists already; name another file, or remove it")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent):
            pass
    except OSError as error:
        raise cannot_write(file, error) from error


def _best_solution(model: Model) -> tuple[dict[str, float] | None, dict[str, float]]:
    """Return name to value of the best solution's variables that are not 0, None without one.

    And of those that have to be integer, rounded.
    """
    if not model.getNSols():
        return None, {}
    best, variables = model.getBestSol(), model.getVars()
    exact = {
        name: (model.getSolVal(best, variable), variable.vtype() in _INTEGER)
        for name, variable in zip(variable_names(variables), variables, strict=True)
    }
    return (
        {name: value for name, (value, _) in exact.items() if value != 0.0},
        {
            name: float(round(value))
            for name, (value, integer) in exact.items()
            if integer and abs(value) <= _LARGEST_INTEGER
        },
    )


def _result(
    model: Model,
    sense: Sense,
    trajectory: BoundTrajectory,
    brancher: Brancher | None,
    solution: Mapping[str, float] | None,
    integers: Mapping[str, float],
) -> SolveResult:
    statistics = scip_statistics(model)
    # There are no tables of what a solve that was stopped early has not come to.
    split = time_split(statistics)
    searched = statistics.get("branchrules", {}).get("plugins", {}).values()
    found = sum(rule["ncutoffs"] + rule["ndomreds"] for rule in searched)
    dual, primal = with_infinities([model.getDualbound(), model.getPrimalbound()]).tolist()
    nodes = model.getNTotalNodes()
    return SolveResult(
        termination=termination(model, solution is not None),
        sense=sense,
        dual_bound=dual,
        primal_bound=primal,
        wall_time=float(trajectory.wall[-1]),
        cpu_time=float(trajectory.cpu[-1]),
        nodes=nodes,
        fair_nodes=nodes + 2 * found,
        lp_iterations=model.getNLPIterations(),
        lp_time=split["lp"],
        strong_branching_time=split["strong branching"],
        time_split=split,
        trajectory=trajectory,
        branching=None if brancher is None else brancher.statistics,
        solution=solution,
        integers=integers,
        pseudocosts=learned_pseudocosts(capsule(model)),
    )


def _write_solution(model: Model, solution: Mapping[str, float], path: Path) -> None:
    """Write the best solution, all of it: SCIP does not notice that a disk is full."""
    with path_to_write(path) as file:
        model.writeBestSol(file)
    lines = path.read_bytes().splitlines(keepends=True)
    # The objective value, and whatever SCIP does not take for 0.
    expected = 1 + sum(not model.isZero(value) for value in solution.values())
    if len(lines) < expected or not lines[-1].endswith(b"\n"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def scip_statistics(model: Model) -> dict[str, Any]:
    """Return SCIP's statistics tables, which it gives only as a file.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    with _scratch_file() as path:
        model.writeStatisticsJson(str(path))
        # Names of problems and plugins are in the file; they need not be UTF-8.
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8", errors="replace"))
        # SCIP does not notice that a disk is full.
        except (OSError, ValueError) as error:
            raise UserError(
                f"SCIP cannot write its statistics to {path.parent} ({error}): free space there, "
                "or set TMPDIR to another folder"
            ) from error
    return content


@contextmanager
def _scratch_file() -> Iterator[Path]:
    """Yield the path of a file in memory, which no full disk can spoil; on disk without Linux."""
    if sys.platform == "linux" and Path("/proc/self/fd").is_dir():
        descriptor = os.memfd_create("statistics")
        try:
            yield Path(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder) / "statistics.json"


def termination(model: Model, has_solution: bool) -> Termination:
    """Return how the model's solve ended."""
    status = model.getStatus()
    if status in _PROVEN:
        reason = _PROVEN[status]
        if reason is Reason.INFEASIBLE and abs(model.getObjlimit()) < model.infinity():
            reason = Reason.CUTOFF
        return Termination(reason, None, status)
    reason = Reason.FEASIBLE if has_solution else Reason.NO_SOLUTION_FOUND
    return Termination(reason, _LIMITS[status], status)
