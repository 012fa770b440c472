"""Episodes on a real Dask cluster, over loopback, with a worker killed in the middle."""

import os
import signal

import pytest

from kida.errors import UserError
from kida.jobs.run import Workers
from kida.learning.config import read_config
from kida.learning.episodes import collect_generation
from kida.learning.events import EpisodeEnded
from kida.learning.plan import Plan
from kida.learning.run import Run, status

SETTINGS = (
    "generations=1",
    "collection.episodes=5",
    "collection.validation_episodes=1",
    "collection.samples_per_episode=4",
    "collection.thinning=[1]",
)


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra cluster is missing")
    config = read_config("item_placement", None, SETTINGS)
    victims: list[int] = []
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",  # any port
        host="127.0.0.1",
        local_directory=str(tmp_path / "dask"),
    ) as cluster:

        def kill_one(event):
            if isinstance(event, EpisodeEnded) and not victims:
                victims.append(cluster.workers[0].process.pid)
                os.kill(victims[0], signal.SIGKILL)

        run = Run(tmp_path / "run", config, kill_one)
        workers = Workers(scheduler=cluster.scheduler_address)
        collect_generation(run, Plan(config), 1, workers)
    assert victims
    (generation,) = status(tmp_path / "run")
    assert generation["episodes"] == 6
    assert generation["samples"] == 24
    assert generation["failed"] == 0


def test_a_scheduler_that_does_not_answer_is_named(tmp_path):
    pytest.importorskip("distributed", reason="the extra cluster is missing")
    dask = pytest.importorskip("dask")
    config = read_config("item_placement", None, SETTINGS)
    run = Run(tmp_path / "run", config)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "500ms"}),
        pytest.raises(UserError, match=r"127\.0\.0\.1:9"),
    ):
        collect_generation(run, Plan(config), 1, Workers(scheduler="tcp://127.0.0.1:9"))
