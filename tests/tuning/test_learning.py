"""How much is learned is planned from the survey, and fits the time."""

import pytest

from kida.tuning.config import TuneConfig
from kida.tuning.learning import LEAST_EPISODES, MOST_EPISODES, effort, run_config
from kida.tuning.survey import Survey, Surveyed


def survey(seconds: float, root: float, nodes: int = 100) -> Survey:
    file = Surveyed(
        name="a",
        solved=True,
        branched=True,
        seconds=seconds,
        root_seconds=root,
        nodes=nodes,
        gap=0.0,
        split={},
    )
    return Survey(files=(file,), goal="time", time_limit=100.0, seconds_per_solve=seconds + 1.0)


@pytest.mark.parametrize(("seconds", "root"), [(2.0, 0.5), (20.0, 1.0), (60.0, 20.0)])
def test_episodes_fit_the_time(seconds, root):
    found = effort(survey(seconds, root), 900.0, cores=2)
    assert found is not None
    assert found.episodes + found.validation_episodes == MOST_EPISODES
    assert 900.0 * 2 / (found.seconds + 1.0) > LEAST_EPISODES
    # Their search is cut off in time, the root being over.
    assert root < found.seconds <= 1.2 * root + 40


def test_with_more_time_episodes_are_longer():
    little, much = (effort(survey(20.0, 1.0), time, cores=2) for time in (300.0, 1200.0))
    assert little is not None
    assert much is not None
    assert little.seconds < much.seconds


def test_where_nodes_are_slow_the_first_expert_is_asked_about_a_few_candidates():
    found = [effort(survey(20.0, 4.0, nodes), 900.0, cores=1) for nodes in (100, 5000)]
    assert [planned.first_candidates for planned in found] == [16, 0]
    for planned in found:
        collection = run_config(TuneConfig(problems="mine"), planned, {}, 3).collection
        assert collection.first_expert_candidates == planned.first_candidates


def test_too_little_time_for_episodes_is_told():
    assert effort(survey(20.0, 10.0), 20.0, cores=2) is None


def test_episodes_are_played_under_the_levers_and_the_users_settings():
    config = TuneConfig(problems="mine", user_parameters={"lp/pricing": "q"}, settings="research")
    planned = effort(survey(2.0, 0.5), 900.0, cores=2)
    assert planned is not None
    collection = run_config(config, planned, {"misc/usesymmetry": 2}, 3).collection
    assert collection.parameters == {"misc/usesymmetry": 2}
    assert collection.user_parameters == {"lp/pricing": "q"}
    assert collection.settings == "research"
    assert collection.episodes == planned.episodes
