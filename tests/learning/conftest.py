"""Real samples, recorded once for all tests of this folder."""

import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
import torch

from kida.instances.registry import instances
from kida.learning.collect import Episode, EpisodeRecord, play
from kida.learning.config import CollectionConfig
from kida.learning.samples import Shard
from kida.sample import Sample


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Torch's threads wait for each other by spinning, which a busy machine punishes."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def played(tmp_path_factory) -> tuple[Path, EpisodeRecord]:
    """The shard and the record of an episode on the competition's first instance."""
    path = tmp_path_factory.mktemp("episodes") / "train_000000_0.safetensors"
    options = CollectionConfig(
        expert_candidates=0, samples_per_episode=24, probability_by_depth=(0.5,)
    )
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
