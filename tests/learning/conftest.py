"""Real samples, recorded once for all tests of this folder."""

import resource
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from kida.boundary import write_json
from kida.instances.registry import instances
from kida.learning.collect import Episode, play
from kida.learning.config import CollectionConfig, RunConfig
from kida.learning.judge import Judge, reward_file
from kida.learning.plan import Plan
from kida.learning.records import EpisodeRecord
from kida.learning.samples import Shard
from kida.network.policy import Policy
from kida.sample import Sample


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Torch's threads wait for each other by spinning, which a busy machine punishes."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def played(tmp_path_factory) -> tuple[Path, EpisodeRecord]:
    """The shard and the record of an episode on the competition's first instance."""
    path = tmp_path_factory.mktemp("episodes") / "train_000000_0.safetensors"
    options = CollectionConfig(expert_candidates=0, max_samples=24, record_probability=(0.5,))
    instance = instances("item_placement", "train", 0, 1)[0]
    return path, play(Episode(instance, 0, "random", None, options, 1.0, path))


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


class _NoExecutor(Executor):
    """Rewards come from disk: nothing may be solved."""

    def submit(self, *arguments, **options):
        raise AssertionError("a solve was asked for")


class WrittenRewards:
    """A judge of rewards that a test has written.

    Attributes
    ----------
    base, noise
        Shape ``(8,)``: rewards on the judge's draws, and differences of mean about 0.
    judge
        Finds what was written, and solves nothing.
    """

    base = np.array([1.0, 9.0, 3.0, 7.0, 2.0, 5.0, 4.0, 8.0])
    noise = np.array([0.1, -0.1, 0.0, 0.1, 0.0, -0.1, 0.1, 0.0])

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._draws = Plan(RunConfig(family="item_placement")).selection(len(self.base))
        self.judge = Judge("competition", 45.0, self._draws, folder, _NoExecutor())

    def write(self, policy: Policy, rewards: Sequence[float]) -> None:
        """Write the policy's rewards on the first draws."""
        home = self._folder / policy.identity()[:16]
        for draw, reward in zip(self._draws, rewards, strict=False):
            write_json(reward_file(home, draw), {"reward": float(reward)})


@pytest.fixture
def written(tmp_path) -> WrittenRewards:
    """Return a judge, and what writes the rewards that it finds."""
    return WrittenRewards(tmp_path / "rewards")
