"""One solve as a job while somebody watches: its progress as it goes, its outcome at the end."""

import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kida.boundary import convert, plain
from kida.errors import UserError
from kida.evaluation.outcome import Outcome
from kida.evaluation.solving import outcome
from kida.instances.family import Instance
from kida.jobs.job import Job, Stage, enter
from kida.jobs.run import run_alone
from kida.parameters import NO_PARAMETERS, ParameterValue
from kida.settings import Limits, UserParameters, named_settings
from kida.solver.solve import Progress, solve
from kida.trajectory import with_infinities, without_infinities

#: Solves without a time limit end when they end.
_PATIENCE = 1e9


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or SIGTERM, has ended a solve.

    Attributes
    ----------
    outcome
        What was found by then.
    interrupt
        What ended it.
    """

    def __init__(self, outcome: Outcome, interrupt: KeyboardInterrupt) -> None:
        super().__init__()
        self.outcome = outcome
        self.interrupt = interrupt


class Watched(Job, frozen=True, kw_only=True):
    """A job: one solve whose progress is told.

    Attributes
    ----------
    instance, policy, settings, seed
        See :func:`kida.solver.solve.solve`; the policy's name may be relative to ``folder``.
    user_parameters
        SCIP parameters of the user's own, set on top of the settings.
    time_limit, node_limit, memory_limit
        See :class:`kida.settings.Limits`.
    solution
        Absolute path of the file to write the best solution to; None: none is written.
    folder
        Absolute path of the working folder, in which functions are looked for.
    """

    instance: Instance
    policy: str
    settings: str
    user_parameters: UserParameters
    seed: int
    time_limit: float | None
    node_limit: int | None
    memory_limit: float | None
    solution: str | None
    folder: str

    @property
    def label(self) -> str:
        """What the job is, for messages."""
        return f"{self.instance.name}, {self.policy}"

    def run(self, stage: Stage) -> None:
        """Solve, and tell the outcome: no full disk comes between it and who waits for it."""
        enter(self.folder)

        def show(progress: Progress) -> None:
            bounds = (progress.dual_bound, progress.primal_bound)
            dual, primal = without_infinities(bounds).tolist()
            stage.tell([progress.wall, dual, primal, progress.nodes, progress.lp_iterations])

        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *where, **more: stage.tell(str(message))
            result = solve(
                self.instance,
                self.policy,
                settings=named_settings(self.settings).under(self.user_parameters),
                limits=Limits(self.time_limit, self.node_limit, self.memory_limit),
                seed=self.seed,
                on_progress=show,
                solution_file=None if self.solution is None else Path(self.solution),
            )
        stage.tell(plain(outcome(result)))


def solve_watched(
    instance: Instance,
    policy: str,
    *,
    settings: str,
    limits: Limits,
    user_parameters: Mapping[str, ParameterValue] = NO_PARAMETERS,
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    solution_file: Path | None = None,
    grace: float = 0.0,
) -> Outcome:
    """Solve one instance in a process of its own.

    Parameters
    ----------
    instance, policy, settings, limits, seed, solution_file
        See :func:`kida.solver.solve.solve`.
    user_parameters
        See :class:`Watched`.
    on_progress
        Called about four times a second with how far the solve is.
    grace
        Seconds that the solve has, after Ctrl-C, to come to rest and tell what it has found.

    Raises
    ------
    UserError
        If the policy, the settings or the limits make no sense, the instance cannot be read, or
        the solve has failed.
    Interrupted
        On Ctrl-C, when the process has ended within the grace.
    KeyboardInterrupt
        On Ctrl-C otherwise, and on a second one.
    """
    with tempfile.TemporaryDirectory() as folder:
        job = Watched(
            record=str(Path(folder) / "outcome.json"),
            patience=_PATIENCE,
            instance=instance,
            policy=policy,
            settings=settings,
            user_parameters=dict(user_parameters),
            seed=seed,
            time_limit=limits.time,
            node_limit=limits.nodes,
            memory_limit=limits.memory,
            solution=None if solution_file is None else str(solution_file.absolute()),
            folder=str(Path.cwd()),
        )

        found: list[Outcome] = []

        def told(job: Job, news: Any) -> None:
            if isinstance(news, dict):
                found.append(convert(news, Outcome, "this is no solve's outcome"))
            elif isinstance(news, str):
                warnings.warn(news, RuntimeWarning, stacklevel=2)
            elif on_progress is not None:
                on_progress(_progress(news))

        try:
            failure = run_alone(job, told, grace=grace)
        except KeyboardInterrupt as interrupt:
            if not (grace and found):
                raise
            raise Interrupted(found[0], interrupt) from None
        if not found:
            assert failure is not None
            how = "" if failure.by_user else f"the solve of {job.label} failed: "
            raise UserError(f"{how}{failure.reason}")
        return found[0]


def _progress(news: Any) -> Progress:
    wall, dual, primal, nodes, iterations = convert(
        news, tuple[float, float, float, int, int], "this is no progress"
    )
    dual, primal = with_infinities([dual, primal]).tolist()
    return Progress(wall, dual, primal, nodes, iterations)
