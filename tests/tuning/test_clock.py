"""The budget: counted over all starts, shared out among steps."""

import json

import pytest

from kida.errors import UserError
from kida.tuning import clock
from kida.tuning.clock import ENDS, Clock


@pytest.fixture
def now(monkeypatch):
    """A clock that the test turns."""
    turned = [100.0]
    monkeypatch.setattr(clock.time, "monotonic", lambda: turned[0])
    return turned


def test_time_counts_over_all_starts(now, tmp_path):
    first = Clock(tmp_path, 1000.0)
    now[0] += 30
    assert first.used == 30
    first.note()
    now[0] += 500  # nobody worked
    second = Clock(tmp_path, 1000.0)
    now[0] += 20
    assert second.used == 50
    assert second.left == 950


def test_a_kill_loses_seconds_at_most(now, tmp_path):
    running = Clock(tmp_path, 1000.0)
    for _ in range(20):
        now[0] += 1
        running.tick()
    assert 15 <= Clock(tmp_path, 1000.0).used <= 20


def test_what_a_step_leaves_goes_to_the_next(now, tmp_path):
    running = Clock(tmp_path, 1000.0)
    assert running.left_for("survey") == pytest.approx(1000 * ENDS["survey"])
    now[0] += 900
    assert running.left_for("policies") == 0
    assert running.left_for("verdict") == pytest.approx(80)


def test_without_learning_its_time_is_the_levers(tmp_path):
    running = Clock(tmp_path, 1000.0)
    running.without_learning()
    assert running.left_for("levers") == pytest.approx(1000 * ENDS["learning"], abs=5)
    assert running.share_of("learning") == 0


def test_levers_may_have_half_of_the_time_for_learning(tmp_path):
    running = Clock(tmp_path, 1000.0)
    ends = {step: running.left_for(step) for step in ENDS}
    running.favour_levers(100.0)  # less than their share
    assert running.left_for("levers") == pytest.approx(ends["levers"], abs=5)
    running.favour_levers(300.0)
    assert running.left_for("levers") == pytest.approx(1000 * ENDS["survey"] + 300, abs=5)
    running.favour_levers(1e6)
    assert running.share_of("learning") >= 0.5 * 1000 * (ENDS["learning"] - ENDS["levers"])
    assert running.left_for("learning") == pytest.approx(ends["learning"], abs=5)


def test_the_shares_fill_the_budget_but_for_what_comes_after(tmp_path):
    assert [*ENDS.values()] == sorted(ENDS.values())
    running = Clock(tmp_path, 1000.0)
    assert sum(running.share_of(step) for step in ENDS) == pytest.approx(980)


def test_a_damaged_note_is_named(tmp_path):
    (tmp_path / "clock.json").write_text(json.dumps({"seconds": "many"}))
    with pytest.raises(UserError, match=r"clock\.json"):
        Clock(tmp_path, 1.0)


def test_what_time_has_decided_is_decided_again(tmp_path):
    first = Clock(tmp_path, 1000.0)
    assert first.decide("levers", "how many", lambda: 7) == 7
    assert first.decide("levers", "4 solves", lambda: True) == 1
    assert first.decide("policies", "4 solves", lambda: False) == 0
    later = Clock(tmp_path, 1000.0)  # without any time
    assert later.decide("policies", "4 solves", lambda: True) == 0
    assert later.decide("levers", "how many", lambda: 0) == 7
    # Another question than before: from here on it is another way.
    assert later.decide("levers", "3 solves", lambda: False) == 0
    assert later.decide("levers", "5 solves", lambda: False) == 0
    assert Clock(tmp_path, 1.0).decide("levers", "how many", lambda: 0) == 7


def test_damaged_decisions_are_named(tmp_path):
    (tmp_path / "decisions.json").write_text(json.dumps({"levers": [{"question": 1}]}))
    with pytest.raises(UserError, match=r"decisions\.json"):
        Clock(tmp_path, 1.0)
