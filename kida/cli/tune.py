"""Find what makes SCIP faster on your own problems, and prove it.

Examples
--------
  kida tune my_instances/ --budget 45m --out runs/mine
      the time to solve the files of a folder: levers of SCIP's, a learned branching, both
  kida tune my_instances/ --goal gap --time-limit 300 --set-file scip.set --budget 4h --out runs/gap
      problems that are not finished in the time one has, under your own SCIP settings
  kida tune daily/ --order --budget 1h --out runs/daily
      files in their order: learn from the first half, judge by the last. The same command next
      month goes on from there, and judges by the files that have come since

A survey shows where SCIP's time goes. Levers (order of nodes, symmetry, cuts, heuristics, SCIP's
own branching rules, ...) race on training files; a network is learned under those that win; all of
it races on files not learned from; and the winner is compared with SCIP's default on files that
nothing has seen, by pairs. What is not proven better is not used. Ctrl-C, or a kill, loses only
what is being solved: the same command goes on. RUN/report.html says how it went, RUN/verdict.json
is for programs, and RUN is the policy: kida solve FILE --model RUN.
"""

import argparse
import sys
import threading
from functools import singledispatchmethod
from pathlib import Path
from typing import Any, Self, get_args

from rich import box
from rich.console import Console
from rich.table import Table

from kida.cli import how_ended
from kida.cli.common import add_own_settings, open_console, read_compared_settings
from kida.cli.numbers import positive, processes, seconds
from kida.cli.progress import ProgressBar, duration
from kida.learning.events import (
    Collecting,
    EpisodeEnded,
    Event,
    GenerationMade,
    Step,
    Training,
    Warned,
)
from kida.settings import SETTINGS
from kida.tuning.events import (
    FilesRead,
    LeversRaced,
    Planned,
    PoliciesRaced,
    Said,
    Solves,
    Surveyed,
)

# Seconds between two looks whether a line of progress is due.
_REMINDER = 5.0
HELP = "find what makes SCIP faster on your own problems, and prove it"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    from kida.evaluation.verdict import Goal

    parser.add_argument(
        "problems", metavar="FOLDER", help="folder, file or pattern of .mps, .lp, .cip; or a family"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="RUN", help="folder, new or to go on with"
    )
    parser.add_argument(
        "--budget",
        type=seconds("--budget"),
        default=45 * 60.0,
        metavar="TIME",
        help="for all of it, such as 45m or 2h (default: 45m)",
    )
    parser.add_argument(
        "--goal",
        choices=get_args(Goal),
        help="time until solved, dual bound over time, or gap over time (default: time if the "
        "survey solves half of its files, else gap, or bound where no gap moves)",
    )
    parser.add_argument(
        "--time-limit",
        type=positive("--time-limit", "seconds"),
        metavar="S",
        help="per solve (default: found by the survey)",
    )
    parser.add_argument(
        "--settings", default="default", help=f"one of {', '.join(SETTINGS)} (default: default)"
    )
    add_own_settings(parser)
    parser.add_argument(
        "--order", action="store_true", help="the files come in an order, see above"
    )
    parser.add_argument(
        "--jobs", type=processes("--jobs"), metavar="N", help="worker processes (default: cores)"
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="solve on this Dask cluster instead; --jobs says how many workers it has",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from kida.jobs.cores import available_cores
    from kida.jobs.run import Workers
    from kida.tuning.tune import tune

    console = open_console()
    config = _config(arguments, console)
    jobs = available_cores() if arguments.jobs is None else arguments.jobs
    workers = Workers(jobs, arguments.scheduler)
    try:
        with ProgressBar(console) as bar, _Display(bar, console) as display:
            found = tune(
                arguments.out,
                config,
                arguments.budget,
                workers=workers,
                # The network is trained here, however many workers there are elsewhere.
                threads=available_cores() if arguments.scheduler else None,
                listener=display.show,
            )
    except KeyboardInterrupt as interrupt:
        status, how = how_ended(interrupt)
        again = "run the same command again to go on from here"
        print(f"kida: {how}; everything finished so far is on disk, {again}", file=sys.stderr)
        return status
    say = bar.say
    say("")
    say(found.sentence)
    for text in found.advice:
        say(f"next: {text}")
    say(f"report: {arguments.out / 'report.html'}; policy: {arguments.out / 'policy'}")
    return 0


def _config(arguments: argparse.Namespace, console: Console) -> Any:
    """Return what is asked for; say which of the user's own settings are not used."""
    from kida.tuning.config import TuneConfig

    parameters, limit = read_compared_settings(arguments.set_file, arguments.time_limit, console)
    return TuneConfig(
        problems=arguments.problems,
        goal=arguments.goal,
        settings=arguments.settings,
        user_parameters=parameters,
        time_limit=limit,
        ordered=arguments.order,
    )


class _Display:
    """Shows a tuning's events, and those of the training run in it; a context manager.

    Solves may be longer than a minute: where nothing can be rewritten, it says in between too how
    far they are.
    """

    def __init__(self, bar: ProgressBar, console: Console) -> None:
        self._bar = bar
        self._console = console
        self._samples = 0
        self._solves: tuple[str, int, int, str] | None = None
        self._busy, self._over = threading.Lock(), threading.Event()

    def __enter__(self) -> Self:
        if not self._console.is_terminal:
            threading.Thread(target=self._remind, daemon=True).start()
        return self

    def __exit__(self, *details: object) -> None:
        self._over.set()

    def _remind(self) -> None:
        while not self._over.wait(_REMINDER):
            with self._busy:
                if self._solves is not None:
                    self._bar.show(*self._solves)

    def show(self, event: Event) -> None:
        """Show one event of ``kida.tuning`` or ``kida.learning``; others are left out."""
        with self._busy:
            if not isinstance(event, Solves):
                self._solves = None
            self._show(event)

    @singledispatchmethod
    def _show(self, event: Event) -> None:
        pass

    @_show.register
    def _on_say(self, event: Said) -> None:
        self._bar.say(event.text)

    @_show.register
    def _on_files_read(self, event: FilesRead) -> None:
        self._bar.show("files are read", event.done, event.of)

    @_show.register
    def _on_solves(self, event: Solves) -> None:
        left = f"{duration(max(event.left, 0.0))} of the budget left"
        self._solves = f"{event.phase}: solves", event.done, event.of, left
        self._bar.show(*self._solves)

    @_show.register
    def _on_collecting(self, event: Collecting) -> None:
        self._samples = 0
        self._bar.show(f"generation {event.generation}: samples", 0, None)

    @_show.register
    def _on_episode(self, event: EpisodeEnded) -> None:
        # How many episodes there will be, nobody knows: they end with the time, or the samples.
        self._samples += event.samples
        phase = f"generation {event.generation}: samples"
        self._bar.show(phase, self._samples, None, f"{event.done} episodes")

    @_show.register
    def _on_training(self, event: Training) -> None:
        self._bar.say(
            f"generation {event.generation}: training on {event.samples} samples, "
            f"validating on {event.validation_samples}"
        )

    @_show.register
    def _on_step(self, event: Step) -> None:
        note = f"loss {event.loss:.3f}"
        phase = f"generation {event.generation}: epoch {event.epoch}"
        self._bar.show(phase, event.samples, event.of, note)

    @_show.register
    def _on_generation(self, event: GenerationMade) -> None:
        self._bar.say(
            f"generation {event.generation}: {event.epochs} epochs, validation loss "
            f"{event.validation_loss:.3f}, top-1 {event.validation_top1:.2f}"
        )

    @_show.register
    def _on_warning(self, event: Warned) -> None:
        self._bar.say(f"warning: {event.text}")

    @_show.register
    def _on_surveyed(self, event: Surveyed) -> None:
        from kida.tuning.report import SURVEY_COLUMNS, survey_rows

        survey = event.survey
        table = _table("SCIP's default", *SURVEY_COLUMNS)
        for row in survey_rows(survey):
            table.add_row(*row)
        self._console.print(table)
        shares = {name: share for name, share in survey.shares.items() if share >= 0.005}
        root = shares.pop("root", 0.0)
        parts = ", ".join(
            f"{name} {share:.0%}".replace("%", " %")
            for name, share in sorted(shares.items(), key=lambda pair: -pair[1])
        )
        self._bar.say(f"of the time: {parts}; {100 * root:.0f} % pass before the first branching")

    @_show.register
    def _on_planned(self, event: Planned) -> None:
        steps = ", ".join(f"{name} {duration(left)}" for name, left in event.steps.items())
        episodes = event.episodes
        learning = "nothing is learned"
        if episodes is not None:
            learning = (
                f"learning from at most {episodes} episodes of {event.episode_seconds:.0f} s a "
                "generation"
            )
        self._bar.say(
            f"plan: goal {event.goal}, at most {event.time_limit:g} s per solve; to be over "
            f"in: {steps}; {learning}; about {event.pairs} pairs for the verdict; "
            f"all in {duration(event.left)} at most"
        )

    @_show.register
    def _on_levers_raced(self, event: LeversRaced) -> None:
        self._standings("levers", event.race.alone)
        for step in event.race.steps:
            base = " + ".join(step.base)
            self._standings("further levers", step.standings, base)
        self._standings("combinations", event.race.combined)
        chosen = " + ".join(event.race.levers)
        self._bar.say(f"levers that won: {chosen}" if chosen else "no lever won")

    @_show.register
    def _on_policies_raced(self, event: PoliciesRaced) -> None:
        against = event.race.against
        base = "SCIP's default" if against == "default" else against
        self._standings("policies", event.race.standings, base)
        winner = event.race.winner
        self._bar.say("no policy won" if winner is None else f"to be proven: {winner.name}")

    def _standings(self, title: str, standings: Any, base: str = "SCIP's default") -> None:
        from kida.tuning.report import RACE_COLUMNS, standing_rows

        if standings:
            table = _table(f"{title}, seconds as a ratio to those of {base}", *RACE_COLUMNS)
            for row in standing_rows(standings):
                table.add_row(*row)
            self._console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    for number, column in enumerate(columns):
        if number:
            table.add_column(column, justify="right", no_wrap=True)
        else:
            table.add_column(column, overflow="fold")
    return table
