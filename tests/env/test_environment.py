"""What all environments share, on the one that branches."""

import gc
import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from kida._core import BoundRecorder
from pyscipopt import SCIP_EVENTTYPE, SCIP_RESULT, Branchrule, Eventhdlr, Model

from kida.env import DEFAULT, Branching, Configuring, Lazy, NodeSelection
from kida.env.information import Progress
from kida.env.rewards import LPIterations, Nodes
from kida.errors import UserError
from kida.instances.registry import instances
from kida.settings import Limits, Settings
from kida.solver.problem import read_model
from kida.solver.solve import Limit, Reason

INSTANCES = Path(__file__).parents[2] / "instances"
AUCTION = INSTANCES / "combinatorial_auction_easy_valid_0.mps.gz"


def play(env, instance, seed=0, action=0, most=10**9):
    """Return the rewards of an episode, the first one included, and its last info."""
    _, info = env.reset(instance, seed=seed)
    rewards, over = [env.first_reward], env.done
    while not over and len(rewards) <= most:
        _, reward, terminated, truncated, info = env.step(
            action(info) if callable(action) else action
        )
        rewards.append(reward)
        over = terminated or truncated
    return rewards, info


def last(info):
    return len(info["action_set"]) - 1


def test_an_episode_is_a_solve(branchy):
    env = Branching(reward=Nodes(), information=Progress())
    observation, info = env.reset(branchy, seed=0)
    assert observation is None
    assert info["action_set"].dtype == np.int64
    assert info["action_set"] is env.action_set
    assert not env.done
    assert env.termination is None
    rewards, info = play(env, branchy)
    assert len(rewards) > 50
    assert info["action_set"] is None
    assert env.done
    assert env.termination.reason is Reason.OPTIMAL
    assert sum(rewards) == info["nodes"] == env.model.getNTotalNodes()
    assert info["solved"]
    assert env.solver_seconds > 0
    assert env.model.getStatus() == "optimal"


def test_without_functions_there_is_nothing_to_see(branchy):
    env = Branching()
    observation, info = env.reset(branchy)
    assert observation is None
    assert list(info) == ["action_set"]
    observation, reward, terminated, truncated, info = env.step(0)
    assert (observation, reward, terminated, truncated) == (None, 0.0, False, False)
    assert list(info) == ["action_set"]


def test_functions_see_every_decision(branchy):
    class Seen:
        def __init__(self):
            self.stages, self.calls = [], []

        def before_reset(self, model):
            self.stages.append(model.getStage())

        def extract(self, model, done):
            assert threading.get_ident() == main
            self.calls.append(done)
            return None if done else model.getCurrentNode().getNumber()

    main = threading.get_ident()
    seen = Seen()
    env = Branching((seen, seen), information=seen)
    observation, info = env.reset(branchy)
    assert observation == (1, 1)
    assert info["information"] == 1
    observation, _, _, _, info = env.step(0)
    assert observation == (info["information"],) * 2 != (1, 1)
    play(env, branchy)
    assert seen.stages == [1] * 6  # problem
    assert seen.calls[-3:] == [True] * 3
    assert not any(seen.calls[:-3])


def test_a_lazy_function_is_asked_or_not(branchy):
    env = Branching(Lazy(Progress()))
    first, _ = env.reset(branchy)
    second, *_ = env.step(0)
    assert second()["nodes"] >= 1
    with pytest.raises(UserError, match="an earlier step"):
        first()


def test_the_same_seed_is_the_same_episode(branchy):
    def trace(env, seed):
        chosen = []
        play(env, branchy, seed, lambda info: chosen.append(info["action_set"].tolist()) or 0)
        return chosen, env.model.getNLPIterations()

    env = Branching()
    once = trace(env, 3)
    assert len(once[0]) > 50
    trace(env, 4)
    assert trace(env, 3) == once
    assert trace(Branching(), 3) == once
    found = []
    thread = threading.Thread(target=lambda: found.append(trace(Branching(), 3)))
    thread.start()
    thread.join()
    assert found == [once]


def test_seeds_that_are_not_given_are_drawn(branchy):
    def seeds(env, first):
        env.reset(branchy, seed=first)
        assert first is None or env.seed == first
        drawn = [env.seed]
        for _ in range(3):
            env.reset(branchy)
            drawn.append(env.seed)
            assert env.model.getParam("randomization/randomseedshift") == env.seed
        return drawn

    once = seeds(Branching(), 7)
    assert seeds(Branching(), 7) == once
    assert len(set(once)) == 4
    assert seeds(Branching(), None) != seeds(Branching(), None)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seeds_out_of_bounds(branchy, seed):
    with pytest.raises(UserError, match="the seed is"):
        Branching().reset(branchy, seed=seed)


WRONG = {"x": TypeError, -1: IndexError, 10**6: IndexError, (1.0,) * 999: ValueError}


@pytest.mark.parametrize("action", WRONG)
@pytest.mark.parametrize("kind", [Branching, NodeSelection])
def test_a_wrong_action_changes_nothing(branchy, kind, action):
    env = kind(reward=Nodes())
    right, _ = play(env, branchy)
    env.reset(branchy, seed=0)
    rewards, over = [env.first_reward], False
    while not over:
        before = env.action_set
        with pytest.raises(WRONG[action]):
            env.step(action)
        assert env.action_set is before
        assert env.model.getNTotalNodes() == sum(rewards)
        _, reward, terminated, truncated, _ = env.step(0)
        rewards.append(reward)
        over = terminated or truncated
    assert rewards == right


def test_there_is_no_decision_to_take(branchy):
    env = Branching()
    with pytest.raises(UserError, match="there is no episode"):
        env.step(0)
    play(env, branchy)
    with pytest.raises(UserError, match="the episode is over"):
        env.step(0)
    env.close()
    with pytest.raises(UserError, match="there is no episode"):
        env.step(0)
    env.close()
    assert env.model is None
    assert env.termination is None
    assert env.solver_seconds == 0


def test_a_problem_without_branching_is_over_at_once(tmp_path):
    path = tmp_path / "easy.lp"
    path.write_text("minimize\n obj: x\nsubject to\n c: x >= 1\nend\n")
    env = Branching(information=Progress())
    observation, info = env.reset(path)
    assert observation is None
    assert info["action_set"] is None
    assert info["solved"]
    assert env.done
    assert env.termination.solved
    with pytest.raises(UserError, match="the episode is over"):
        env.step(0)


def test_limits_truncate(branchy):
    env = Branching(limits=Limits(nodes=5))
    env.reset(branchy, seed=0)
    ends = []
    while not env.done:
        ends.append(env.step(0)[2:4])
    assert ends[:-1] == [(False, False)] * (len(ends) - 1)
    assert ends[-1] == (False, True)
    assert env.termination.limit is Limit.NODES


@pytest.mark.slow
def test_the_competitions_clock_starts_at_the_root_end():
    env = Branching(settings="competition", limits=Limits(time=0.2))
    env.reset("item_placement:test:0", seed=0)
    # Known beforehand: a better solution is asked for.
    assert env.model.getObjlimit() < 1e6
    assert env.model.getParam("limits/time") == pytest.approx(
        env.model.getSolvingTime() + 0.2, abs=0.2
    )
    while not env.done:
        *_, truncated, _ = env.step(0)
    assert truncated
    assert env.termination.limit is Limit.TIME


class TestInstances:
    def test_by_path_and_by_name(self, knapsack):
        env = Branching()
        env.reset(knapsack)
        variables = env.model.getNVars(transformed=False)
        assert variables == 30
        env.reset(str(knapsack))
        env.reset(instances(str(knapsack))[0])
        assert env.model.getNVars(transformed=False) == variables

    def test_of_a_family(self):
        env = Configuring()
        numbers = []
        listed = instances("combinatorial_auction", "valid")[0]
        for instance in ("combinatorial_auction:valid:0", listed, AUCTION):
            env.reset(instance)
            objective = {v.name: v.getObj() for v in env.model.getVars()}
            numbers.append((env.model.getNConss(), objective))
        assert numbers[0] == numbers[1] == numbers[2]

    def test_a_model_is_copied(self, branchy):
        env = Branching(parameters={"limits/totalnodes": 10})
        play(env, branchy)
        assert branchy.getStage() == 1
        assert branchy.getParam("limits/totalnodes") == -1
        assert env.model.getParam("separating/gomory/freq") == -1  # the model's own
        assert env.model.getProbName() == branchy.getProbName()
        assert env.model.getObjectiveSense() == "maximize"

    def test_a_solved_model_is_solved_anew(self, branchy):
        branchy.optimize()
        env = Branching(information=Progress())
        _, info = play(env, branchy)
        assert branchy.getStatus() == "optimal"
        assert info["primal_bound"] == branchy.getObjVal()

    @pytest.mark.parametrize(
        ("instance", "message"),
        [
            ("nowhere.mps", "there is no file 'nowhere.mps'"),
            ("set_cover:test", "is not FAMILY:SPLIT:INDEX"),
            ("no_family:test:0", "no_family"),
            (None, "there is no file 'None'"),
        ],
    )
    def test_that_are_none(self, instance, message):
        env = Branching()
        with pytest.raises(UserError, match=message):
            env.reset(instance)
        assert env.model is None


class TestSettings:
    def test_parameters_are_set_last(self, branchy):
        settings = Settings("x", "", {"limits/totalnodes": 3, "separating/maxrounds": 7})
        env = Branching(settings=settings, parameters={"separating/maxrounds": 2})
        env.reset(branchy)
        assert env.model.getParam("limits/totalnodes") == 3
        assert env.model.getParam("separating/maxrounds") == 2

    def test_that_do_not_exist(self, branchy):
        with pytest.raises(UserError, match="no settings named 'fast'"):
            Branching(settings="fast")
        with pytest.raises(UserError, match="SCIP refuses no/such"):
            Branching(parameters={"no/such": 1}).reset(branchy)

    def test_nothing_is_printed(self, branchy, capfd):
        for env in (Branching(), NodeSelection(), Configuring()):
            play(env, branchy, action=DEFAULT)
            env.close()
        assert capfd.readouterr() == ("", "")


class TestFailures:
    def test_a_functions_exception_leaves_the_episode_alive(self, branchy):
        class Fails:
            def __init__(self):
                self.broken = False

            def before_reset(self, model):
                pass

            def extract(self, model, done):
                if self.broken:
                    raise ZeroDivisionError("mine")
                return "seen"

        fails = Fails()
        env = Branching(fails, reward=Nodes())
        env.reset(branchy, seed=0)
        fails.broken = True
        before = env.model.getNTotalNodes()
        with pytest.raises(ZeroDivisionError, match="mine"):
            env.step(0)
        assert env.model.getNTotalNodes() > before
        fails.broken = False
        assert env.action_set is not None
        observation, reward, *_ = env.step(0)
        assert observation == "seen"
        # That of the step whose observation has failed is in it.
        assert env.first_reward + reward == env.model.getNTotalNodes()

    def test_a_function_that_fails_before_the_solve(self, branchy):
        class Fails:
            def before_reset(self, model):
                raise ZeroDivisionError("mine")

            def extract(self, model, done):
                return None

        env = Branching(Fails())
        with pytest.raises(ZeroDivisionError, match="mine"):
            env.reset(branchy)
        assert env.model is None
        with pytest.raises(UserError, match="there is no episode"):
            env.step(0)

    def test_an_error_of_scip_ends_the_episode(self, branchy, capfd):
        class Broken(Branchrule):
            def branchexeclp(self, allowaddcons):
                return {"result": SCIP_RESULT.FEASIBLE}

        class Breaks:
            """Brings a rule that is asked when a decision is left to SCIP."""

            def before_reset(self, model):
                model.includeBranchrule(Broken(), "broken", "", 900_000, -1, 1.0)

            def extract(self, model, done):
                return None

        # As CVXPY does: SCIP's errors would go through Python, whose lock no solve has here.
        other = Model()
        other.redirectOutput()
        env = Branching(Breaks())
        env.reset(branchy)
        env.step(0)
        with pytest.raises(RuntimeError, match="SCIP failed"):
            env.step(DEFAULT)
        assert "broken" in capfd.readouterr().err
        with pytest.raises(UserError, match="there is no episode"):
            env.step(0)
        env.reset(branchy)
        assert not env.done

    @pytest.mark.slow
    def test_ctrl_c_in_a_step_ends_the_episode(self):
        no_cuts = {"separating/maxrounds": 0, "separating/maxroundsroot": 0}
        strong = {"branching/vanillafullstrong/priority": 900_000}
        settings = Settings("slow nodes", "", no_cuts | strong, heuristics=False)
        env = Branching(settings=settings)
        env.reset(AUCTION)
        timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            leave_all_to_scip(env)
        timer.join()
        assert env.done
        assert env.termination.limit is Limit.INTERRUPTED
        assert env.model.getNTotalNodes() >= 1
        with pytest.raises(UserError, match="the episode is over"):
            env.step(0)
        env.reset(AUCTION)
        assert not env.done

    def test_another_thread_cannot_step_meanwhile(self, branchy):
        refusals = set()

        class Steps(Eventhdlr):
            def eventinit(self):
                self.model.catchEvent(SCIP_EVENTTYPE.NODEFOCUSED, self)

            def eventexit(self):
                self.model.dropEvent(SCIP_EVENTTYPE.NODEFOCUSED, self)

            def eventexec(self, event):
                try:
                    env.step(0)
                except UserError as error:
                    refusals.add(str(error))

        class Included:
            def before_reset(self, model):
                model.includeEventhdlr(Steps(), "steps", "")

            def extract(self, model, done):
                return None

        env = Branching(Included())
        env.reset(branchy)
        env.step(0)
        assert refusals == {
            "another thread has resumed this solve and it still runs",
            "there is no episode: call reset(instance) first",  # during reset
        }
        assert not env.done


def leave_all_to_scip(env):
    while not env.done:
        env.step(DEFAULT)


def threads() -> int:
    if not Path("/proc/self/task").is_dir():
        pytest.skip("the system does not tell a process's threads")
    return len(os.listdir("/proc/self/task"))


class TestManyAtOnce:
    def test_in_one_thread(self, branchy):
        before = threads()
        right, _ = play(Branching(reward=LPIterations()), branchy)
        envs = [Branching(reward=LPIterations()) for _ in range(8)]
        rewards = []
        for env in envs:
            env.reset(branchy, seed=0)
            rewards.append([env.first_reward])
        assert threads() == before + 8
        while not all(env.done for env in envs):
            for env, so_far in zip(envs, rewards, strict=True):
                if not env.done:
                    so_far.append(env.step(0)[1])
        assert rewards == [right] * 8
        assert threads() == before

    def test_in_several_threads(self, knapsack):
        results = {}

        def work(number):
            model = read_model(knapsack)
            model.setParam("separating/maxrounds", 0)
            model.setParam("separating/maxroundsroot", 0)
            env = Branching(reward=LPIterations())
            results[number] = [play(env, model, seed)[0] for seed in range(4)]
            env.close()

        work("alone")
        workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [results[k] for k in range(4)] == [results["alone"]] * 4

    def test_episodes_that_nobody_ends(self, branchy):
        before = threads()
        for number in range(30):
            env = (Branching, NodeSelection)[number % 2](information=Progress())
            env.reset(branchy)
            env.step(0)
            env.circle = env
        del env
        gc.collect()
        assert threads() == before

    def test_models_in_a_circle_with_the_environment_are_collected(self, branchy):
        class Handler(Eventhdlr):
            pass

        class Watches:
            def before_reset(self, model):
                handler = Handler()
                handler.watches = self
                model.includeEventhdlr(handler, "watches", "")

            def extract(self, model, done):
                return None

        gc.collect()
        before = BoundRecorder.alive()
        for ended in (True, False):
            watches = Watches()
            watches.environment = env = Branching(watches, limits=Limits(nodes=20))
            env.reset(branchy)
            while ended and not env.done:
                env.step(0)
            # An episode that waits has a thread, which nobody else could end.
            if not ended:
                env.close()
            del env, watches
            gc.collect()
            assert BoundRecorder.alive() == before

    def test_models_that_plugins_keep_alive_are_collected(self, branchy):
        class Watches:
            def before_reset(self, model):
                model.includeEventhdlr(Eventhdlr(), "watches", "")

            def extract(self, model, done):
                return None

        gc.collect()
        before = BoundRecorder.alive()
        env = Branching(Watches())
        gc.disable()
        try:
            for _ in range(40):
                env.reset(branchy)
                assert BoundRecorder.alive() - before < 30
        finally:
            gc.enable()


def test_a_context_closes(branchy):
    before = threads()
    with Branching() as env:
        env.reset(branchy)
        assert threads() == before + 1
    assert threads() == before
    assert env.model is None


def test_the_model_outlives_the_environment(branchy):
    env = Branching()
    env.reset(branchy)
    model = env.model
    env.step(0)
    del env
    assert model.getStatus() == "userinterrupt"
    assert isinstance(model, Model)
    assert sys.getrefcount(model) < 5


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="threads are not bound here")
def test_all_threads_may_run_where_they_might(branchy):
    """For a moment each is bound to the other's core, see ``cpp/sleeper.h``."""

    def cores():
        return {frozenset(os.sched_getaffinity(int(t))) for t in os.listdir("/proc/self/task")}

    before = cores()
    with Branching() as env:
        env.reset(branchy, seed=0)
        for _ in range(5):
            assert not env.done
            env.step(0)
            assert cores() == before
    assert cores() == before
