"""The plan says what is not learned, and why, before anything is solved."""

from kida.learning import preflight
from kida.tuning.clock import Clock
from kida.tuning.learning import effort
from kida.tuning.planning import kept_effort, may_learn, plan_event, plan_learning


def test_without_torch_levers_have_the_time_and_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "_installed", lambda package: package != "torch")
    said, clock = [], Clock(tmp_path, 600.0)
    before = clock.left_for("levers")
    assert not may_learn(clock, said.append)
    assert "levers alone are tuned" in said[0]
    assert "training needs torch" in said[0]
    assert clock.left_for("levers") > before + 100


def test_with_torch_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "_installed", lambda package: True)
    said = []
    assert may_learn(Clock(tmp_path, 600.0), said.append)
    assert said == []


def test_where_the_root_takes_the_time_nothing_is_learned(tmp_path, survey_of):
    said, clock = [], Clock(tmp_path, 2700.0)
    assert plan_learning(survey_of(10.0, 9.5), clock, 2, said.append) is None
    assert "too little time after the root" in said[-1]
    said, clock = [], Clock(tmp_path, 2700.0)
    assert (
        plan_learning(survey_of(2.0, 0.5, split={"strong branching": 0.5}), clock, 2, said.append)
        is not None
    )
    assert said == [
        "what branching can win: 75 % of the time passes after the first branching, 25 % in "
        "strong branching"
    ]


def test_the_first_plan_is_kept(tmp_path, survey_of):
    first, later = (effort(survey_of(20.0, 1.0), time, cores=2) for time in (1200.0, 300.0))
    assert first is not None
    assert later is not None
    assert kept_effort(tmp_path, first) == kept_effort(tmp_path, later) == first


def test_a_verdict_of_few_pairs_is_warned_of(tmp_path, survey_of):
    said = []
    event = plan_event(survey_of(60.0, 1.0), None, Clock(tmp_path, 600.0), 1, said.append)
    assert event.pairs < 5
    assert "prove little" in said[0]
