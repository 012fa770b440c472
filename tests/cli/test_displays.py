"""How training runs and tunings are shown: events of each kind, as lines on a pipe."""

import io

from rich.console import Console

from kida.cli.progress import ProgressBar
from kida.cli.train import _Display as TrainDisplay
from kida.cli.tune import _Display as TuneDisplay
from kida.learning.config import read_config
from kida.learning.events import (
    Barrier,
    Collecting,
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
from kida.learning.forecast import Forecast
from kida.tuning.events import Planned, Said, Solves

EVENTS = (
    Surveying(files=9),
    FilesDivided(train=7, valid=1, test=1),
    Started(jobs=2),
    Collecting(generation=1, episodes=5, waiting=5, acting=("pscost",)),
    Training(generation=1, samples=40, validation_samples=8, uninformative=3),
    Step(generation=1, epoch=1, samples=8, of=40, samples_per_second=9.0, loss=1.5),
    Epoch(
        generation=1,
        epoch=1,
        learning_rate=1e-3,
        loss=1.5,
        samples_per_second=9.0,
        validation_loss=1.25,
        validation_top1=0.5,
        validation_top5=0.75,
        validation_score_ratio=0.9,
    ),
    Stopped(generation=1, epoch=9, of=30),
    GenerationMade(generation=1, epochs=9, validation_loss=1.2, validation_top1=0.5),
    Kept(by_model={8: 0.9}, by_pseudocosts={8: 0.7}),
    Selecting(),
    Solve(done=1, of=4),
    Rewarded(policy="merged", reward=5.0, bound=5.0),
    Rewarded(policy="generation 1", reward=0.925, bound=None),
    Barrier(first=1, second=2, barrier=0.01),
    Probing(instances=4, seconds=90.0),
    Proving(
        settings="default",
        time_limit=60.0,
        instances=(0,),
        seeds=5,
        solves=10,
        expected=9.0,
        detectable=0.7,
    ),
    ProofSolve(kind="results", done=1, of=10),
    Warned(text="a shard is missing"),
)


def test_a_training_run_says_a_line_for_each_kind_that_stays(tmp_path):
    output = io.StringIO()
    config = read_config("item_placement")
    forecast = Forecast(tmp_path, config, 2, 2)
    with ProgressBar(Console(file=output, width=300)) as bar:
        display = TrainDisplay(bar, config, forecast)
        for event in EVENTS:
            display.show(event)
    said = output.getvalue()
    for text in (
        "files: 7 to train on, 1 to select by, 1 kept for tests",
        "generation 1: training on 40 samples, validating on 8 (3 without information left out)",
        "epoch   1: loss 1.500, validation 1.250, top-1 0.50, top-5 0.75, score 0.90",
        "training ends after epoch 9 of at most 30",
        "on a list of 8: 90.0% of the model's, 70.0% of those by pseudocosts",
        "mean dual bound in the solver, merged: 5.0000",
        "rise of the dual bound, generation 1: 92.5% of the best's",
        "loss barrier between generations 1 and 2: 0.0100",
        "SCIP's default solves 4 training instances for at most 90 s each",
        "on 1 unseen instance with 5 seeds each, settings default, at most 60 s per solve; enough",
        "warning: a shard is missing",
    ):
        assert text in said, text


def test_a_tuning_says_its_own_and_what_matters_of_the_training():
    output = io.StringIO()
    console = Console(file=output, width=300)
    steps = {"levers": 60.0, "learning": 120.0}
    own: tuple[Event, ...] = (
        Said(text="reading x"),
        Solves(phase="survey", done=1, of=2, left=100.0),
        Planned(
            goal="time",
            time_limit=9.0,
            steps=steps,
            episodes=5,
            episode_seconds=20.0,
            pairs=7,
            left=300.0,
        ),
    )
    with ProgressBar(console) as bar, TuneDisplay(bar, console) as display:
        for event in (*own, *EVENTS):
            display.show(event)
    said = output.getvalue()
    for text in (
        "reading x",
        "plan: goal time, at most 9 s per solve; to be over in: levers 60 s, learning 2 min; "
        "learning from at most 5 episodes of 20 s a generation; about 7 pairs for the verdict; all "
        "in 5 min at most",
        "generation 1: training on 40 samples, validating on 8\n",
        "generation 1: 9 epochs, validation loss 1.200, top-1 0.50",
        "warning: a shard is missing",
    ):
        assert text in said, text
    assert "loss barrier" not in said
