r"""Train a policy for a family of instances, in several generations.

    kida train item_placement --out runs/ip
    kida train --config scripts/train_item_placement.toml --out runs/ip
    kida train my_instances/ --set generations=3 --set training.embedding_size=32 --out runs/mine
    kida train --status runs/ip

Episodes are played on all cores, a strong-branching expert labels some of their nodes, a network
is trained on all samples so far and plays the next generation; in the end the best generations are
merged. The last ten minutes or so go into a verdict: whether the policy is better than SCIP's
default on test instances that the run has not seen (RUN/verdict.json). Whatever a run needs is
checked before any work. Run the same command again to go on with an interrupted run. The options
of a configuration file, and of --set, are described in kida/learning/config.py; docs/training.md
says which to think about.
"""

import argparse
import contextlib
from functools import singledispatchmethod
from pathlib import Path
from typing import TYPE_CHECKING

from kida.cli.common import open_console
from kida.cli.numbers import processes
from kida.cli.progress import ProgressBar, duration
from kida.errors import UserError
from kida.learning.events import (
    Barrier,
    Collecting,
    EpisodeEnded,
    Epoch,
    Event,
    FilesDivided,
    GenerationMade,
    Kept,
    Probing,
    ProofSolve,
    Proving,
    Rewarded,
    Selecting,
    Solve,
    Started,
    Step,
    Stopped,
    Surveying,
    Training,
    Warned,
)
from kida.network.policy import holds_policy

if TYPE_CHECKING:
    from kida.learning.config import RunConfig
    from kida.learning.forecast import Forecast, Left

HELP = "train a policy for a family of instances"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "family",
        nargs="?",
        help="a family, or a folder or pattern of instance files (default: the configuration's)",
    )
    parser.add_argument("--out", type=Path, metavar="RUN", help="run folder, new or to go on with")
    parser.add_argument("--config", type=Path, metavar="FILE.toml", help="configuration file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="set one option, such as generations=3 or training.epochs=5",
    )
    parser.add_argument(
        "--jobs", type=processes("--jobs"), metavar="N", help="worker processes (default: cores)"
    )
    parser.add_argument(
        "--threads",
        type=processes("--threads"),
        metavar="N",
        help="torch's threads (default: jobs)",
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="play on this Dask cluster instead")
    parser.add_argument(
        "--tensorboard", action="store_true", help="write curves for TensorBoard into the run"
    )
    parser.add_argument(
        "--no-verdict", action="store_true", help="do not compare the policy with SCIP's default"
    )
    parser.add_argument(
        "--status", type=Path, metavar="RUN", help="show how far a run is, and exit"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.status is not None:
        _show_status(arguments.status)
        return 0
    if arguments.out is None:
        raise UserError("kida train needs a family (or --config) and --out RUN, or --status RUN")
    from kida.evaluation.verdict import sentence
    from kida.jobs.cores import available_cores
    from kida.jobs.run import Workers
    from kida.learning.config import read_config
    from kida.learning.dagger import train
    from kida.learning.forecast import Forecast
    from kida.learning.preflight import check_run
    from kida.learning.proof import prove
    from kida.learning.tensorboard import TensorBoard

    config = read_config(arguments.family, arguments.config, arguments.set)
    jobs = available_cores() if arguments.jobs is None else arguments.jobs
    workers = Workers(jobs, arguments.scheduler)
    # Before anything is shown: a mistake is one sentence.
    check_run(config, threads=arguments.threads, run=arguments.out)
    with contextlib.ExitStack() as stack:
        listeners = []
        if arguments.tensorboard:
            listeners.append(stack.enter_context(TensorBoard(arguments.out)).show)
        bar = stack.enter_context(ProgressBar(open_console()))
        forecast = Forecast(
            arguments.out,
            config,
            jobs,
            arguments.threads or jobs,
            verdict=not arguments.no_verdict,
        )
        listeners += [forecast.see, _Display(bar, config, forecast).show]

        def listen(event: Event) -> None:
            for listener in listeners:
                listener(event)

        folder = train(
            arguments.out,
            config,
            workers=workers,
            threads=arguments.threads,
            listener=listen,
        )
        verdict = None
        if not arguments.no_verdict:
            verdict = prove(arguments.out, workers=workers, listener=listen)
    if verdict is not None:
        print(f"Verdict: {sentence(verdict)}")
    print(f"The policy is in {folder}; try it: kida solve FILE --model {folder}")
    return 0


class _Display:
    """Shows events as a progress bar and lines above it, with what is left of the whole run."""

    def __init__(self, bar: ProgressBar, config: "RunConfig", forecast: "Forecast") -> None:
        self._bar = bar
        self._config = config
        self._forecast = forecast
        self._estimated = False
        self._samples = 0
        self._rewards = 0

    def show(self, event: Event) -> None:
        """Show one event of ``kida.learning``; those without a way to are left out."""
        self._show(event)
        if not self._estimated and (left := self._forecast.left()) is not None:
            self._estimated = True
            self._bar.say(f"the run: {_shown(left)}")

    @singledispatchmethod
    def _show(self, event: Event) -> None:
        pass

    def _progress(self, phase: str, done: int, of: int | None, note: str = "") -> None:
        left = self._forecast.left()
        self._bar.show(phase, done, of, note, None if left is None else left.total)

    @_show.register
    def _on_started(self, event: Started) -> None:
        if self._forecast.left() is not None:
            return
        config, most = self._config, self._forecast.at_most()
        collection = config.collection
        rest = "selection and verdict" if most.verdict else "selection"
        learns = config.kind == "network"
        epochs = f" and at most {config.training.epochs} epochs" if learns else ""
        self._bar.say(
            f"the run: {config.generations} generation{'' if config.generations == 1 else 's'}, "
            "each of "
            f"{collection.episodes + collection.validation_episodes} episodes of at most "
            f"{collection.time_limit:g} s{epochs}; with {rest} at most about "
            f"{duration(most.total)}{', and the epochs' if learns else ''}; an estimate follows "
            "after the first episodes"
        )

    @_show.register
    def _on_generation(self, event: GenerationMade) -> None:
        left = self._forecast.left()
        if left is not None:
            self._bar.say(f"generation {event.generation} is done; the run: {_shown(left)}")

    @_show.register
    def _on_survey(self, event: Surveying) -> None:
        self._bar.show(f"looking at {event.files} files", 0, None)

    @_show.register
    def _on_instances(self, event: FilesDivided) -> None:
        self._bar.say(
            f"files: {event.train} to train on, {event.valid} to select by, "
            f"{event.test} kept for tests"
        )

    @_show.register
    def _on_collecting(self, event: Collecting) -> None:
        self._samples = 0
        self._progress(f"generation {event.generation}: episodes", 0, event.waiting)

    @_show.register
    def _on_episode(self, event: EpisodeEnded) -> None:
        self._samples += event.samples
        rate = event.samples_per_second
        note = f"{self._samples} samples, {rate:.1f}/s"
        phase = f"generation {event.generation}: episodes"
        self._progress(phase, event.done, event.of, note)

    @_show.register
    def _on_training(self, event: Training) -> None:
        self._bar.say(
            f"generation {event.generation}: training on {event.samples} samples, "
            f"validating on {event.validation_samples} "
            f"({event.uninformative} without information left out)"
        )

    @_show.register
    def _on_step(self, event: Step) -> None:
        note = f"loss {event.loss:.3f}, {event.samples_per_second:.0f} samples/s"
        phase = f"generation {event.generation}: epoch {event.epoch}"
        self._progress(phase, event.samples, event.of, note)

    @_show.register
    def _on_epoch(self, event: Epoch) -> None:
        self._bar.say(
            f"  epoch {event.epoch:3}: loss {event.loss:.3f}, "
            f"validation {event.validation_loss:.3f}, "
            f"top-1 {event.validation_top1:.2f}, top-5 {event.validation_top5:.2f}, "
            f"score {event.validation_score_ratio:.2f}"
        )

    @_show.register
    def _on_stopped(self, event: Stopped) -> None:
        self._bar.say(
            f"  the validation loss stands still: training ends after epoch {event.epoch} of "
            f"at most {event.of}"
        )

    @_show.register
    def _on_reward(self, event: Rewarded) -> None:
        if event.bound is None:
            text = f"rise of the dual bound, {event.policy}: {event.reward:.1%} of the best's"
        else:
            text = f"mean dual bound in the solver, {event.policy}: {event.bound:.4f}"
        self._bar.say(text)
        self._rewards += 1

    @_show.register
    def _on_kept(self, event: Kept) -> None:
        for sentence in event.sentences:
            self._bar.say(sentence)

    @_show.register
    def _on_barrier(self, event: Barrier) -> None:
        pair = f"generations {event.first} and {event.second}"
        self._bar.say(f"loss barrier between {pair}: {event.barrier:.4f}")

    @_show.register
    def _on_selecting(self, event: Selecting) -> None:
        self._progress(self._selecting(), 0, None)

    @_show.register
    def _on_solve(self, event: Solve) -> None:
        self._progress(self._selecting(), event.done, event.of)

    def _selecting(self) -> str:
        return f"selecting by reward ({self._rewards} measured)"

    @_show.register
    def _on_probing(self, event: Probing) -> None:
        self._bar.say(
            f"verdict: first, SCIP's default solves {event.instances} training instances for at "
            f"most {event.seconds:g} s each, to see what can be compared"
        )

    @_show.register
    def _on_proving(self, event: Proving) -> None:
        instances, seeds = len(event.instances), event.seeds
        shown = event.detectable
        power = "" if shown is None else f"; enough to prove a ratio of about {shown:.2f} or less"
        self._bar.say(
            f"verdict: the policy against SCIP's default on {instances} unseen "
            f"instance{'' if instances == 1 else 's'} with {seeds} seed{'' if seeds == 1 else 's'}"
            f" each, settings {event.settings}, at most {event.time_limit:g} s per solve"
            f"{power}"
        )

    @_show.register
    def _on_proof(self, event: ProofSolve) -> None:
        phase = "verdict" if event.kind == "results" else "verdict: a look"
        self._progress(phase, event.done, event.of)

    @_show.register
    def _on_warning(self, event: Warned) -> None:
        self._bar.say(f"warning: {event.text}")


def _shown(left: "Left") -> str:
    # Of the last two only the limits are known, until they are under way.
    parts = {
        "episodes": left.episodes,
        "training": left.training,
        "selection at most": left.selection,
        "verdict at most": left.verdict,
    }
    shown = ", ".join(f"{name} {duration(seconds)}" for name, seconds in parts.items() if seconds)
    return f"about {duration(left.total)} left" + (f" ({shown})" if shown else "")


def _show_status(folder: Path) -> None:
    from rich import box
    from rich.table import Table

    from kida.evaluation.verdict import read_verdict, sentence
    from kida.learning.run import status

    generations = status(folder)
    columns = ["generation", "episodes", "failed", "empty", "samples", "epochs", "loss"]
    table = Table(title=str(folder), caption="loss: of the validation samples", box=box.SIMPLE_HEAD)
    for name in (*columns, ""):
        table.add_column(name, justify="right", no_wrap=True)
    for entry in generations:
        loss = entry["validation_loss"]
        cells = [
            str(entry["generation"]),
            f"{entry['episodes']}/{entry['of']}",
            str(entry["failed"]),
            str(entry["empty"]),
            str(entry["samples"]),
            str(entry["epochs"]),
            "" if loss is None else f"{loss:.3f}",
        ]
        table.add_row(*cells, "done" if entry["finished"] else "")
    console = open_console()
    console.print(table)
    finished = holds_policy(folder / "policy")
    console.print(f"the final policy is in {folder / 'policy'}" if finished else "not finished")
    verdict = read_verdict(folder)
    if verdict is not None:
        console.print(f"verdict: {sentence(verdict)}", soft_wrap=True)
