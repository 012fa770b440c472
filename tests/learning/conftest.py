"""Real samples, recorded once for all tests of this folder."""

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from msgspec.structs import replace

from kida.boundary import write_json
from kida.evaluation.outcome import Outcome, Trajectory
from kida.evaluation.records import (
    PROTOCOL_FILE,
    RUNS_FOLDER,
    Assignment,
    Finished,
    Machine,
    Protocol,
)
from kida.evaluation.trials import Trial
from kida.instances.registry import initial_bounds, instances
from kida.jobs.run import Workers, run_alone
from kida.learning.collect import Episode
from kida.learning.config import CollectionConfig, RunConfig
from kida.learning.judge import Judge
from kida.learning.plan import Draw, Plan
from kida.learning.records import EpisodeRecord, record_file, record_of
from kida.learning.samples import Shard
from kida.network.policy import Policy
from kida.sample import Sample
from kida.solver.policies import policy_identity
from kida.solver.versions import versions


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Torch's threads wait for each other by spinning, which a busy machine punishes."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def make_episode() -> Callable[..., Episode]:
    """Return what makes an episode on a training instance of item placement, without a policy."""

    def make(index: int, shard: Path, options: CollectionConfig, **fields: Any) -> Episode:
        episode = Episode(
            record=str(record_file(shard)),
            instance=instances("item_placement", "train", index, 1)[0],
            seed=0,
            acting="random",
            policy=None,
            options=options,
            thinning=1.0,
            shard=str(shard),
            folder=str(Path.cwd()),
        )
        return replace(episode, **fields)

    return make


@pytest.fixture(scope="session")
def played(make_episode, made_once) -> tuple[Path, EpisodeRecord]:
    """The shard and the record of an episode on the competition's first instance."""
    name = "train_000000_0.safetensors"
    options = CollectionConfig(
        expert_candidates=0, samples_per_episode=24, probability_by_depth=(0.5,)
    )

    def make(folder: Path) -> None:
        assert run_alone(make_episode(0, folder / name, options)) is None

    path = made_once("episode", make) / name
    record = record_of(path)
    assert record is not None
    return path, record


@pytest.fixture(scope="session")
def samples(played) -> list[Sample]:
    """Its samples."""
    shard = Shard(played[0])
    return [shard.sample(index) for index in range(len(shard))]


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Return what lets no file grow beyond some bytes: the system refuses to write more."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


class _NoWorkers(Workers):
    """Rewards come from disk: nothing may be solved."""

    def run(self, jobs, ended, told=None):
        assert not jobs, "a solve was asked for"


class WrittenRewards:
    """A judge of rewards that a test has written, as records of solves.

    Attributes
    ----------
    base, noise
        Shape ``(8,)``: rewards on the judge's draws, and differences of mean about 0.
    judge
        Finds what was written, and solves nothing.
    """

    # Above all initial dual bounds, below which no reward is.
    base = 20 + np.array([1.0, 9.0, 3.0, 7.0, 2.0, 5.0, 4.0, 8.0])
    noise = np.array([0.1, -0.1, 0.0, 0.1, 0.0, -0.1, 0.1, 0.0])

    def __init__(self, folder: Path, draws: Sequence[Draw] = ()) -> None:
        self._folder = folder
        self._draws = draws or Plan(RunConfig(family="item_placement")).selection(len(self.base))
        self.judge = Judge("competition", 45.0, self._draws, folder, _NoWorkers())
        protocol = Protocol("competition", 45.0, scip=versions()["scip"])
        write_json(folder / "results" / PROTOCOL_FILE, protocol)

    def write(
        self, policy: Policy, rewards: Sequence[float], root: Sequence[float] | None = None
    ) -> None:
        """Write the policy's rewards on the first draws, and its bounds at the end of the root."""
        home = self._folder / "policies" / policy.identity()[:16]
        policy.save(home)
        for number, (draw, reward) in enumerate(zip(self._draws, rewards, strict=False)):
            trial = Trial(draw.instance, draw.seed, str(home))
            path = self._folder / "results" / RUNS_FOLDER / trial.file_name
            at_root = reward if root is None else root[number]
            write_json(path, _record(trial, float(reward), float(at_root)))


def _record(trial: Trial, bound: float, root: float) -> Finished:
    """Return the record of a solve whose dual bound rose just after the root node, or never."""
    known = initial_bounds(trial.instance)
    trajectory = Trajectory(
        sense="minimize",
        root_end_wall=0.5,
        root_end_cpu=0.5,
        wall=[0.0, 0.5 + 1e-9, 45.5],
        cpu=[0.0, 0.5 + 1e-9, 45.5],
        dual=[root, bound, bound],
        primal=[1e20, 1e20, 1e20],
        nodes=[0, 1, 1000],
    )
    return Finished(
        job=Assignment(
            instance=trial.instance,
            seed=trial.seed,
            policy=trial.policy,
            settings="competition",
            time_limit=45.0,
        ),
        policy_identity=policy_identity(trial.policy),
        initial_primal_bound=known.primal,
        initial_dual_bound=known.dual,
        machine=Machine(processor="none"),
        versions=versions(),
        started="2026-01-01T00:00:00+00:00",
        load=(None, None),
        cpu_share=1.0,
        disturbed=(),
        result=Outcome(
            reason="no solution found",
            limit="time",
            status="timelimit",
            sense="minimize",
            dual_bound=bound,
            primal_bound=1e20,
            gap=None,
            has_solution=False,
            wall_time=45.5,
            cpu_time=45.5,
            nodes=1000,
            fair_nodes=1000,
            lp_iterations=0,
            lp_time=0.0,
            strong_branching_time=0.0,
            branching=None,
            trajectory=trajectory,
        ),
    )


@pytest.fixture
def written_of(tmp_path) -> Callable[[Sequence[Draw]], WrittenRewards]:
    """Return what makes a judge on other draws, see ``written``."""
    return lambda draws: WrittenRewards(tmp_path / "rewards", draws)


@pytest.fixture
def written(tmp_path) -> WrittenRewards:
    """Return a judge, and what writes the rewards that it finds."""
    return WrittenRewards(tmp_path / "rewards")
