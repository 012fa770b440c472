import itertools
import math

import numpy as np
import pytest
from kida._core import BoundRecorder
from pyscipopt import SCIP_EVENTTYPE, Eventhdlr

from kida.env import Branching, Configuring
from kida.env.information import Progress
from kida.env.rewards import (
    DualIntegral,
    Gap,
    LPIterations,
    Nodes,
    PrimalDualIntegral,
    PrimalIntegral,
    Reward,
    Solved,
    SolvingTime,
)
from kida.solver import standing
from kida.solver.branching import capsule


class Steps(Reward):
    """1, 2, 3, ..."""

    def before_reset(self, model):
        self.count = 0

    def _value(self, model, done):
        self.count += 1
        return float(self.count)


def values(reward: Reward, steps: int = 3) -> list[float]:
    reward.before_reset(None)
    return [reward.extract(None, False) for _ in range(steps)]


@pytest.mark.parametrize(
    ("reward", "expected"),
    [
        (-Steps(), [-1, -2, -3]),
        (Steps() + 1, [2, 3, 4]),
        (1 + Steps(), [2, 3, 4]),
        (Steps() - 1, [0, 1, 2]),
        (1 - Steps(), [0, -1, -2]),
        (2 * Steps() * 3, [6, 12, 18]),
        (Steps() / 2, [0.5, 1, 1.5]),
        (6 / Steps(), [6, 3, 2]),
        (Steps() ** 2, [1, 4, 9]),
        (abs(1 - Steps()), [0, 1, 2]),
        (Steps().apply(math.sqrt), [1, math.sqrt(2), math.sqrt(3)]),
        (Steps().cumsum(), [1, 3, 6]),
        (-Steps().cumsum() + Steps(), [0, -1, -3]),
        (Steps().cumsum().cumsum(), [1, 4, 10]),
    ],
)
def test_arithmetic(reward, expected):
    assert values(reward) == expected
    assert values(reward) == expected  # of another episode, the same


def test_what_stands_twice_is_extracted_once():
    steps = Steps()
    assert values(steps + steps * steps) == [2, 6, 12]
    total = steps.cumsum()
    assert values(total - total) == [0, 0, 0]


def test_only_rewards_and_numbers_are_combined():
    with pytest.raises(TypeError, match="neither a reward nor a number"):
        Steps() + "1"


def play(env, instance):
    """Return the rewards from the first one on."""
    env.reset(instance, seed=0)
    rewards = [env.first_reward]
    while not env.done:
        rewards.append(env.step(0)[1])
    return rewards


def test_counts_add_up_to_scips(branchy):
    env = Branching(reward=(Nodes(), LPIterations(), SolvingTime(), Solved(), Nodes().cumsum()))
    rewards = np.array(play(env, branchy))
    model = env.model
    nodes, iterations, seconds, solved, total = rewards.T
    assert nodes.sum() == total[-1] == model.getNTotalNodes()
    assert iterations.sum() == model.getNLPIterations()
    assert seconds.sum() == pytest.approx(model.getSolvingTime())
    assert (rewards[:, :3] >= 0).all()
    assert solved.tolist() == [0.0] * (len(solved) - 1) + [1.0]


def test_a_truncated_episode_is_not_solved(branchy):
    env = Branching(reward=Solved(), parameters={"limits/totalnodes": 5})
    assert sum(play(env, branchy)) == 0


def test_the_gap_is_scips_now(branchy):
    env = Branching(reward=Gap(), information=Progress())
    env.reset(branchy, seed=0)
    while not env.done:
        _, reward, _, _, info = env.step(0)
        assert reward == info["gap"] >= 0
        if math.isfinite(reward):
            assert reward == env.model.getGap()
    assert reward == 0


class Pieces:
    """Stands for a recorder's trajectory: two steps, in the second of which both bounds move."""

    def __init__(self, model):
        self._pieces = iter(
            [
                (np.array([2.0]), np.array([-np.inf]), np.array([np.inf])),
                (np.array([1.0, 0.0, 3.0]), np.array([10.0, 0.0, 12.0]), np.array([20.0, 1, 14])),
            ]
        )

    def advance(self):
        return next(self._pieces)


@pytest.mark.parametrize(
    ("reward", "expected"),
    [
        (DualIntegral(), [math.inf, -46.0]),
        (DualIntegral(15.0, initial=11.0), [8.0, 4 + 9]),
        (PrimalIntegral(initial=15.0), [30.0, 15 + 3 * 14]),
        (PrimalIntegral(lambda model: 10.0, initial=15.0), [10.0, 5 + 12]),
        (PrimalIntegral(), [math.inf, 20 + 42]),
        (PrimalDualIntegral(), [math.inf, 10 + 6]),
        (PrimalDualIntegral(11.0, 13.0), [4.0, 2 + 3 * 1]),
    ],
)
def test_integrals(monkeypatch, reward, expected):
    monkeypatch.setattr(standing, "Trajectory", Pieces)
    monkeypatch.setattr(standing, "sense", lambda model: "minimize")
    assert values(reward, 2) == expected


def test_integrals_of_a_maximisation_are_turned_round(monkeypatch):
    class Turned(Pieces):
        def advance(self):
            widths, dual, primal = super().advance()
            return widths, -dual, -primal

    monkeypatch.setattr(standing, "Trajectory", Turned)
    monkeypatch.setattr(standing, "sense", lambda model: "maximize")
    assert values(DualIntegral(-15.0, initial=-11.0), 2) == [8.0, 13.0]
    assert values(PrimalIntegral(-10.0, initial=-15.0), 2) == [10.0, 17.0]
    assert values(PrimalDualIntegral(-11.0, -13.0), 2) == [4.0, 5.0]


def test_nothing_is_between_equal_infinities(monkeypatch):
    class Infeasible(Pieces):
        def advance(self):
            return np.ones(1), np.full(1, np.inf), np.full(1, np.inf)

    monkeypatch.setattr(standing, "Trajectory", Infeasible)
    monkeypatch.setattr(standing, "sense", lambda model: "minimize")
    assert values(PrimalDualIntegral(), 2) == [0.0, 0.0]


def test_a_trajectory_is_read_piece_by_piece(branchy):
    class Reads:
        """Keeps the pieces."""

        def before_reset(self, model):
            self.trajectory, self.pieces = standing.Trajectory(model), []

        def extract(self, model, done):
            self.pieces.append(self.trajectory.advance())

    reads = Reads()
    env = Branching(information=reads)
    play(env, branchy)
    recorder = BoundRecorder.of(capsule(env.model))
    record = recorder.arrays()
    assert sum(len(widths) - 1 for widths, _, _ in reads.pieces) == len(record["wall"]) > 2
    total = sum(widths.sum() for widths, _, _ in reads.pieces)
    assert total == pytest.approx(reads.trajectory.time)
    assert record["wall"][-1] <= total <= recorder.wall
    # The bounds in force at the end of a piece are those at the beginning of the next one.
    for (_, dual, primal), (_, next_dual, next_primal) in itertools.pairwise(reads.pieces):
        assert (dual[-1], primal[-1]) == (next_dual[0], next_primal[0])
    _, dual, primal = reads.pieces[-1]
    assert (dual[-1], primal[-1]) == standing.bounds(env.model)


def test_two_integrals_in_one_environment(branchy):
    env = Branching(reward=(PrimalDualIntegral(5000.0, 0.0), PrimalDualIntegral(5000.0, 0.0)))
    for one, other in play(env, branchy):
        assert one == pytest.approx(other, abs=5.0)  # 5000 times a millisecond in between
        assert math.isfinite(one)


def test_progress_and_rewards_before_a_solve(branchy):
    rewards = (Nodes(), LPIterations(), Gap(), Solved())
    env = Configuring(reward=rewards, information=Progress())
    _, info = env.reset(branchy)
    assert env.first_reward == (0, 0, math.inf, 0)
    assert (info["dual_bound"], info["primal_bound"]) == (math.inf, -math.inf)  # maximised
    assert not info["solved"]
    _, reward, *_, info = env.step({})
    assert reward == (info["nodes"], info["lp_iterations"], 0, 1)
    assert info["dual_bound"] == info["primal_bound"] == env.model.getObjVal()


class Solutions(Eventhdlr):
    """Reads the recorded primal bound in the events that tell of better solutions."""

    def __init__(self):
        self.found, self.recorded = [], []

    def eventinit(self):
        self.model.catchEvent(SCIP_EVENTTYPE.BESTSOLFOUND, self)

    def eventexit(self):
        self.model.dropEvent(SCIP_EVENTTYPE.BESTSOLFOUND, self)

    def eventexec(self, event):
        self.found.append(self.model.getSolObjVal(self.model.getBestSol()))
        recorder = BoundRecorder.of(capsule(self.model))
        self.recorded.append(recorder.arrays()["primal"][-1])


def test_a_better_solution_counts_from_when_it_is_found(branchy):
    """SCIP's own bound is moved after the event: it would count one event too late."""

    class Listening(Gap):
        def before_reset(self, model):
            super().before_reset(model)
            self.solutions = Solutions()
            model.includeEventhdlr(self.solutions, "solutions", "reads the record")

    function = Listening()
    play(Branching(information=function), branchy)
    assert function.solutions.found
    assert function.solutions.recorded == function.solutions.found
