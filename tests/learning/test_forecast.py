"""Forecasts against a run that keeps to its plan, and against what is left out of it."""

import json

import pytest
from msgspec.structs import asdict, replace

from kida.boundary import plain
from kida.errors import UserError
from kida.learning import forecast as module
from kida.learning.config import InheritanceConfig, read_config
from kida.learning.events import (
    Collecting,
    EpisodeEnded,
    Epoch,
    GenerationMade,
    ProofSolve,
    Proving,
    RunFinished,
    Selecting,
    Solve,
    Step,
    Tick,
    Training,
)
from kida.learning.forecast import Forecast, solves_to_select
from kida.learning.proof import PROBE_SECONDS, PROBES, TOTAL_SECONDS
from kida.learning.records import EpisodeRecord

CONFIG = read_config(
    "item_placement",
    None,
    ["generations=2", "collection.episodes=16", "collection.validation_episodes=4"],
)
JOBS = 2
#: Of the run that is played here: seconds per episode on each core, samples of each, epochs that
#: bring something, and samples per second in training.
EPISODE, SAMPLES, EPOCHS, SPEED = 10.0, 5, 6, 8.0


RECORD = EpisodeRecord(
    instance="x",
    split="train",
    index=0,
    seed=0,
    acting="pscost",
    samples=SAMPLES,
    nodes=100,
    decisions=50,
    expert_decisions=SAMPLES,
    status="timelimit",
    seconds=EPISODE,
    root_seconds=0.5,
    expert_seconds=0.1,
    lp_seconds=1.0,
    dual_bound=3.0,
    reward=2.5,
)
EPOCH = Epoch(
    epoch=1,
    learning_rate=1e-3,
    loss=1.0,
    samples_per_second=SPEED,
    validation_loss=1.0,
    validation_top1=0.5,
    validation_top5=0.9,
    validation_score_ratio=0.9,
)


def collecting(generation=1, waiting=20):
    acting = ("network",)
    return Collecting(generation=generation, episodes=waiting, waiting=waiting, acting=acting)


def ended(done, of=20, generation=1, samples=SAMPLES):
    about = asdict(replace(RECORD, samples=samples))
    return EpisodeEnded(generation=generation, done=done, of=of, samples_per_second=1.0, **about)


def events():
    """Yield the events of a run that keeps to its plan, but for its epochs, and the time."""
    now = 1000.0
    for number in (1, 2):
        yield now, collecting(number)
        for done in range(1, 21):
            # The two cores take turns, half an episode apart.
            now += EPISODE / JOBS * (2 if done == 1 else 1) - (EPISODE / JOBS if done == 20 else 0)
            yield now, ended(done, generation=number)
        count = 16 * SAMPLES * number
        yield (
            now,
            Training(generation=number, samples=count, validation_samples=9, uninformative=0),
        )
        for epoch in range(1, EPOCHS + 1):
            half = {"samples": count // 2, "of": count, "samples_per_second": SPEED, "loss": 1.0}
            yield now, Step(generation=number, epoch=epoch, **half)
            now += count / SPEED
            yield now, replace(EPOCH, generation=number, epoch=epoch)
        yield now, GenerationMade(generation=number, epochs=EPOCHS)
    yield now, Selecting()
    for done in range(1, 13):
        now += 45 / JOBS
        yield now, Solve(done=done, of=12)
    yield now, RunFinished(policy="policy")


def line(event, now):
    return json.dumps({"time": now, **plain(event)}) + "\n"


@pytest.fixture
def speed(monkeypatch):
    """Training's speed is known at the first episodes, as if it had been timed."""
    monkeypatch.setattr(Forecast, "_timed", lambda self, number: 1 / SPEED)


def test_the_estimate_is_what_a_run_of_its_plan_takes(tmp_path, speed):
    forecast = Forecast(tmp_path, CONFIG, JOBS, JOBS, verdict=False)
    told = [*events()]
    end = told[-1][0]
    assert forecast.left() is None
    estimates = []
    for now, event in told:
        forecast.see(event, now)
        left = forecast.left()
        if left is not None:
            estimates.append((event, end - now, left))
    # The first one: epochs are counted in full, as nobody knows that they will end earlier.
    event, rest, left = estimates[0]
    assert event.done == module.FIRST_EPISODES
    surplus = (CONFIG.training.epochs - EPOCHS) * (16 + 32) * SAMPLES / SPEED
    assert left.total == pytest.approx(rest + surplus, rel=0.1)
    assert left.training == pytest.approx(20 * (16 + 32) * SAMPLES / SPEED)
    # From the first generation's end on they are known.
    late = [
        estimate
        for estimate in estimates
        if getattr(estimate[0], "generation", 3) >= 2 or isinstance(estimate[0], GenerationMade)
    ]
    for event, rest, left in late:
        if not isinstance(event, Step | RunFinished):
            assert left.total == pytest.approx(rest, rel=0.12, abs=30), event
    assert estimates[-1][2].total == 0


def test_of_what_steers_scip_no_epochs_are_foreseen(tmp_path, speed):
    config = replace(CONFIG, generations=1, kind="relpscost")
    forecast = Forecast(tmp_path, config, JOBS, JOBS, verdict=False)
    for now, event in events():
        forecast.see(event, now)
        left = forecast.left()
        if left is not None:
            assert left.training == 0
        if isinstance(event, Training):
            break
    assert left.total == left.selection == 0


def test_a_run_that_goes_on_takes_its_past_into_account(tmp_path, speed):
    one = Forecast(tmp_path / "none", CONFIG, JOBS, JOBS, verdict=False)
    lines = []
    for now, event in events():
        one.see(event, now)
        if not isinstance(event, Tick):
            lines.append(line(event, now))
        if isinstance(event, GenerationMade):
            break
    (tmp_path / "log.jsonl").write_text("".join(lines))
    resumed = Forecast(tmp_path, CONFIG, JOBS, JOBS, verdict=False)
    assert resumed.left() == one.left()
    assert resumed.left().episodes > 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"time": 3}', "missing required field `event`"),
        ('{"event": "episode"}', "missing required field `time`"),
        ('{"event": "epoch", "epoch": "x", "time": 1}', "epoch is 'x'"),
        ('{"event": "generation", "generation": -1, "time": 1}', "generation is -1"),
        ("[]", "is no run's log"),
    ],
)
def test_a_log_that_is_none_is_refused(tmp_path, line, message):
    (tmp_path / "log.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=message):
        Forecast(tmp_path, CONFIG, JOBS, JOBS)


def test_kinds_of_other_rooms_and_other_fields_do_no_harm(tmp_path):
    lines = [
        '{"event": "nonesuch", "time": 1.0, "epoch": "x"}\n',
        line(collecting(), 2.0).replace("}", ', "more": 3}'),
    ]
    (tmp_path / "log.jsonl").write_text("".join(lines))
    assert Forecast(tmp_path, CONFIG, JOBS, JOBS).left() is None


def test_before_anything_is_measured_the_limits_count(tmp_path):
    most = Forecast(tmp_path, CONFIG, JOBS, JOBS).at_most()
    assert most.episodes == 2 * 20 * 42 / JOBS
    assert most.selection == 12 * 47 / JOBS
    assert most.verdict == TOTAL_SECONDS + PROBES * PROBE_SECONDS / JOBS
    assert Forecast(tmp_path, CONFIG, JOBS, JOBS, verdict=False).at_most().verdict == 0


def test_the_verdict_is_foreseen_from_what_it_compares(tmp_path):
    forecast = Forecast(tmp_path, CONFIG, JOBS, JOBS)
    forecast.see(RunFinished(policy="policy"), 0.0)
    assert forecast.left().verdict > TOTAL_SECONDS
    compared = {"settings": "default", "time_limit": 60.0, "instances": (0, 1, 2), "seeds": 5}
    forecast.see(Proving(**compared, solves=30, expected=8.0))
    assert forecast.left().total == 30 * 10 / JOBS
    forecast.see(ProofSolve(kind="results", done=0, of=30))
    forecast.see(ProofSolve(kind="results", done=30, of=30))
    assert forecast.left().total == 0


@pytest.mark.parametrize(
    ("options", "generations", "solves"),
    [
        ({}, 1, 0),
        ({}, 3, 4 * (3 + 1)),
        ({"method": "last"}, 3, 0),
        ({"method": "greedy"}, 3, 4 * (3 + 3)),
        ({"expert_depths": (-1, 2), "expert_candidates": (0, 4)}, 1, 4 * 3),
        ({"instances": 6, "expert_depths": (3,)}, 2, 6 * 3),
    ],
)
def test_the_solves_of_a_selection(options, generations, solves):
    assert solves_to_select(replace(InheritanceConfig(), **options), generations) == solves


@pytest.mark.slow
def test_training_is_timed_on_the_first_samples(tmp_path, played):
    episodes = tmp_path / "gen_01" / "episodes"
    episodes.mkdir(parents=True)
    (episodes / played[0].name).write_bytes(played[0].read_bytes())
    config = read_config("item_placement", None, ["training.embedding_size=8"])
    forecast = Forecast(tmp_path, config, 1, 1)
    time = 0.0
    forecast.see(collecting(waiting=70), time)
    for done in range(1, module.FIRST_EPISODES + 1):
        assert forecast.left() is None
        time += 10
        forecast.see(ended(done, of=70, samples=24), time)
    assert forecast.left().training > 0
