"""How much is learned is planned from the survey, and fits the time."""

import itertools
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from kida.errors import UserError
from kida.jobs.run import ONE_AT_A_TIME
from kida.learning.events import Warned
from kida.tuning import learning
from kida.tuning.clock import Clock
from kida.tuning.config import TuneConfig
from kida.tuning.files import divide
from kida.tuning.learning import (
    LEAST_EPISODES,
    MOST_EPISODES,
    MOST_GENERATIONS,
    Effort,
    SlowExpertError,
    effort,
    learn,
    run_config,
)


@pytest.mark.parametrize(("seconds", "root"), [(2.0, 0.5), (20.0, 1.0), (60.0, 20.0)])
def test_episodes_fit_the_time(seconds, root, survey_of):
    found = effort(survey_of(seconds, root), 900.0, cores=2)
    assert found is not None
    assert found.episodes + found.validation_episodes == MOST_EPISODES
    assert 900.0 * 2 / (found.seconds + 1.0) > LEAST_EPISODES
    # Their search is cut off in time, the root being over.
    assert root < found.seconds <= 1.2 * root + 40


def test_with_more_time_episodes_are_longer(survey_of):
    little, much = (effort(survey_of(20.0, 1.0), time, cores=2) for time in (300.0, 1200.0))
    assert little is not None
    assert much is not None
    assert little.seconds < much.seconds


def test_where_nodes_are_slow_the_first_expert_is_asked_about_a_few_candidates(survey_of):
    found = [effort(survey_of(20.0, 4.0, nodes=nodes), 900.0, cores=1) for nodes in (100, 5000)]
    assert [planned.first_candidates for planned in found] == [16, 0]
    for planned in found:
        collection = run_config(TuneConfig(problems="mine"), planned, {}, 3).collection
        assert collection.first_expert_candidates == planned.first_candidates


def test_how_thinly_is_recorded_follows_from_the_episodes_tree(survey_of):
    # The whole tree is large, and what an episode sees of it is not.
    large = survey_of(80.0, 1.0, nodes=20_000)
    short, long = (effort(large, seconds, cores=2) for seconds in (200.0, 3000.0))
    assert short is not None
    assert long is not None
    assert short.thinning == (1.0, 0.3)
    assert long.thinning == (1.0, 0.1, 0.01)


@pytest.mark.parametrize(
    ("number", "candidates", "seconds"), [(1, 0, 3.0), (1, 0, 0.9), (1, 16, 3.0), (2, 0, 3.0)]
)
def test_an_expert_too_slow_for_an_episode_is_noticed(
    number, candidates, seconds, monkeypatch, tmp_path
):
    record = SimpleNamespace(samples=1, expert_decisions=2, expert_seconds=seconds)
    monkeypatch.setattr(learning, "records_in", lambda folder: [record] * LEAST_EPISODES)
    collection = SimpleNamespace(first_expert_candidates=candidates)
    run = SimpleNamespace(
        generation=lambda number: tmp_path, config=SimpleNamespace(collection=collection)
    )
    enough = learning._collected(run, number, Clock(tmp_path, 600.0))
    if (number, candidates, seconds) == (1, 0, 3.0):
        with pytest.raises(SlowExpertError, match=r"takes 1\.5 s; it is asked about the 16"):
            enough()
    else:
        assert not enough()


def test_too_little_time_for_episodes_is_told(survey_of):
    assert effort(survey_of(20.0, 10.0), 20.0, cores=2) is None


def test_episodes_are_played_under_the_levers_and_the_users_settings(survey_of):
    config = TuneConfig(problems="mine", user_parameters={"lp/pricing": "q"}, settings="research")
    planned = effort(survey_of(2.0, 0.5), 900.0, cores=2)
    assert planned is not None
    collection = run_config(config, planned, {"misc/usesymmetry": 2}, 3).collection
    assert collection.parameters == {"misc/usesymmetry": 2}
    assert collection.user_parameters == {"lp/pricing": "q"}
    assert collection.settings == "research"
    assert collection.episodes == planned.episodes


@pytest.mark.slow
def test_what_is_learned_is_gone_on_from_with_more_files(
    knapsacks, make_policy, tmp_path, survey_of
):
    folder = knapsacks(tmp_path / "mine", 6, items=30)
    config = TuneConfig(problems=str(folder))
    division = divide(str(folder), tmp_path, ONE_AT_A_TIME)
    # Half of the time passes before strong branching, so that it is worth steering.
    found = survey_of(2.0, 1.0)
    file = replace(found.files[0], split={"strong branching": 1.0})
    found = replace(found, files=(file,))
    planned = Effort(episodes=3, validation_episodes=2, seconds=5.0, thinning=(1.0,))
    # Whoever looks at the clock takes a second.
    seconds = itertools.count()

    class Ticking:
        used = property(lambda self: next(seconds))

        def left_for(self, step):
            return 10.0

    clock = Ticking()
    warned = []

    def listen(event):
        if isinstance(event, Warned):
            warned.append(event.text)

    def learned(home, former=None):
        return learn(
            config, division, found, planned, {}, clock, tmp_path / home,
            workers=ONE_AT_A_TIME, threads=1, former=former, listener=listen,
        )  # fmt: skip

    first = learned("first")
    identities = [policy.identity() for policy in first.networks]
    assert len(set(identities)) == MOST_GENERATIONS
    assert first.steering is not None, warned
    assert [policy.identity() for policy in learned("first").networks] == identities
    again = learned("again", first.networks[-1])
    assert identities[-1] not in {policy.identity() for policy in again.networks}
    with pytest.raises(UserError, match="is of another shape"):
        learned("refused", make_policy(0))
