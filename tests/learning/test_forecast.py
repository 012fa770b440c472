"""Forecasts against a run that keeps to its plan, and against what is left out of it."""

import json

import pytest
from msgspec.structs import replace

from kida.errors import UserError
from kida.learning import forecast as module
from kida.learning.config import InheritanceConfig, read_config
from kida.learning.forecast import Forecast, solves_to_select
from kida.learning.proof import PROBE_SECONDS, PROBES, TOTAL_SECONDS

CONFIG = read_config(
    "item_placement",
    None,
    ["generations=2", "collection.episodes=16", "collection.validation_episodes=4"],
)
JOBS = 2
#: Of the run that is played here: seconds per episode on each core, samples of each, epochs that
#: bring something, and samples per second in training.
EPISODE, SAMPLES, EPOCHS, SPEED = 10.0, 5, 6, 8.0


def events():
    """Yield the events of a run that keeps to its plan, but for its epochs, and the time."""
    now = 1000.0
    for generation in (1, 2):
        yield now, {"event": "collecting", "generation": generation, "episodes": 20, "waiting": 20}
        for done in range(1, 21):
            # The two cores take turns, half an episode apart.
            now += EPISODE / JOBS * (2 if done == 1 else 1) - (EPISODE / JOBS if done == 20 else 0)
            about = {"generation": generation, "done": done, "of": 20, "samples": SAMPLES}
            yield now, {"event": "episode", **about}
        count = 16 * SAMPLES * generation
        yield now, {"event": "training", "generation": generation, "samples": count}
        for epoch in range(1, EPOCHS + 1):
            half = {"samples": count // 2, "of": count, "samples_per_second": SPEED}
            yield now, {"event": "step", "generation": generation, "epoch": epoch, **half}
            now += count / SPEED
            yield now, {"event": "epoch", "generation": generation, "epoch": epoch}
        yield now, {"event": "generation", "generation": generation, "epochs": EPOCHS}
    yield now, {"event": "selecting"}
    for done in range(1, 13):
        now += 45 / JOBS
        yield now, {"event": "solve", "done": done, "of": 12}
    yield now, {"event": "finished"}


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
        forecast.see(event | {"time": now})
        left = forecast.left()
        if left is not None:
            estimates.append((event, end - now, left))
    # The first one: epochs are counted in full, as nobody knows that they will end earlier.
    event, rest, left = estimates[0]
    assert event["done"] == module.FIRST_EPISODES
    surplus = (CONFIG.training.epochs - EPOCHS) * (16 + 32) * SAMPLES / SPEED
    assert left.total == pytest.approx(rest + surplus, rel=0.1)
    assert left.training == pytest.approx(20 * (16 + 32) * SAMPLES / SPEED)
    # From the first generation's end on they are known.
    late = [e for e in estimates if e[0].get("generation", 3) >= 2 or e[0]["event"] == "generation"]
    for event, rest, left in late:
        if event["event"] not in ("step", "finished"):
            assert left.total == pytest.approx(rest, rel=0.12, abs=30), event
    assert estimates[-1][2].total == 0


def test_a_run_that_goes_on_takes_its_past_into_account(tmp_path, speed):
    one = Forecast(tmp_path / "none", CONFIG, JOBS, JOBS, verdict=False)
    lines = []
    for now, event in events():
        one.see(event | {"time": now})
        if event["event"] not in ("step", "solve"):
            lines.append(json.dumps(event | {"time": now}) + "\n")
        if event["event"] == "generation":
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
        ('{"event": "epoch", "epoch": "x", "time": 1}', "'epoch' makes no sense: epoch is 'x'"),
        ('{"event": "generation", "generation": -1, "time": 1}', "generation is -1"),
        ("[]", "is no run's log"),
    ],
)
def test_a_log_that_is_none_is_refused(tmp_path, line, message):
    (tmp_path / "log.jsonl").write_text(line + "\n")
    with pytest.raises(UserError, match=message):
        Forecast(tmp_path, CONFIG, JOBS, JOBS)


def test_events_that_hold_little_do_no_harm(tmp_path):
    kinds = [name.removeprefix("_on_") for name in dir(Forecast) if name.startswith("_on_")]
    lines = [json.dumps({"event": kind, "time": 1.0}) + "\n" for kind in kinds]
    (tmp_path / "log.jsonl").write_text("".join(lines))
    forecast = Forecast(tmp_path, CONFIG, JOBS, JOBS)
    assert forecast.left() is None or forecast.left().total >= 0


def test_before_anything_is_measured_the_limits_count(tmp_path):
    most = Forecast(tmp_path, CONFIG, JOBS, JOBS).at_most()
    assert most.episodes == 2 * 20 * 42 / JOBS
    assert most.selection == 12 * 47 / JOBS
    assert most.verdict == TOTAL_SECONDS + PROBES * PROBE_SECONDS / JOBS
    assert Forecast(tmp_path, CONFIG, JOBS, JOBS, verdict=False).at_most().verdict == 0


def test_the_verdict_is_foreseen_from_what_it_compares(tmp_path):
    forecast = Forecast(tmp_path, CONFIG, JOBS, JOBS)
    forecast.see({"event": "finished", "time": 0.0})
    assert forecast.left().verdict > TOTAL_SECONDS
    forecast.see({"event": "proving", "solves": 30, "expected": 8.0})
    assert forecast.left().total == 30 * 10 / JOBS
    forecast.see({"event": "proof", "kind": "results", "done": 0, "of": 30})
    forecast.see({"event": "proof", "kind": "results", "done": 30, "of": 30})
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
    forecast.see({"event": "collecting", "generation": 1, "waiting": 70, "time": time})
    for done in range(1, module.FIRST_EPISODES + 1):
        assert forecast.left() is None
        time += 10
        about = {"generation": 1, "done": done, "of": 70, "samples": 24}
        forecast.see({"event": "episode", "time": time, **about})
    assert forecast.left().training > 0
