"""What training costs: collecting samples, reading them, and a step of the network.

Plays episodes of a family, then trains on what they recorded in two forms of the same
network, on the same batches, in the same run: kida's, and the published one in eager PyTorch
Geometric (a small network per edge, every variable scored). Prints samples per second::

    python benchmarks/bench_training.py
    python benchmarks/bench_training.py --embedding-size 32 --episodes 4 --threads 2
    python benchmarks/bench_training.py --embedding-size 32 --family facility_location
"""

import argparse
import dataclasses
import resource
import tempfile
import time
from pathlib import Path

import torch

from kida.instances.registry import instances
from kida.jobs.job import Stage
from kida.learning.collect import Episode
from kida.learning.config import CollectionConfig, TrainingConfig
from kida.learning.losses import Batch, batches
from kida.learning.records import record_file
from kida.learning.samples import Aggregate
from kida.learning.train import initial_network
from kida.network.gnn import Network


def collect(folder: Path, family: str, count: int) -> Aggregate:
    options = CollectionConfig(probability_by_depth=(0.5,), samples_per_episode=32)
    paths = [folder / f"{index}.safetensors" for index in range(count)]
    seconds = lp = 0.0
    for instance, path in zip(instances(family, "train", 0, count), paths, strict=True):
        episode = Episode(
            record=str(record_file(path)),
            instance=instance,
            seed=0,
            acting="random",
            policy=None,
            options=options,
            thinning=1.0,
            shard=str(path),
            folder=str(Path.cwd()),
        )
        record = episode.run(Stage())
        seconds += record.seconds
        lp += record.lp_seconds
    found = Aggregate(paths)
    size = sum(path.stat().st_size for path in paths)
    every = len(found) + found.uninformative
    print(f"collecting          {every / seconds:9.1f} samples/s, {lp / seconds:.0%} of it in LPs")
    print(f"on disk             {size / every / 1000:9.1f} kB/sample")
    return found


def steps_per_second(
    network: Network, made: list[Batch], *, published: bool, repeats: int
) -> float:
    """Return samples per second of complete training steps."""
    optimizer = torch.optim.AdamW(network.parameters())

    def step(batch: Batch) -> None:
        graphs = batch.graphs
        if published:
            every = network(dataclasses.replace(graphs, candidates=None), per_edge=True)
            logits = every[graphs.candidates]
        else:
            logits = network(graphs)
        padded = batch.padded(logits).log_softmax(1).masked_fill(~batch.present, 0)
        loss = -(padded * batch.best).sum() / batch.best.sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    step(made[0])
    started = time.perf_counter()
    for _ in range(repeats):
        for batch in made:
            step(batch)
    seconds = time.perf_counter() - started
    return repeats * sum(len(batch) for batch in made) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--embedding-size", type=int, default=64)
    parser.add_argument("--family", default="item_placement", help="in its first size")
    parser.add_argument("--episodes", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    # The published form does not read what the solver has learned of the candidates.
    config = TrainingConfig(
        embedding_size=arguments.embedding_size, candidate_features=False, device="cpu"
    )
    with tempfile.TemporaryDirectory() as folder:
        samples = collect(Path(folder), arguments.family, arguments.episodes)
        started = time.perf_counter()
        made = list(
            batches((samples[number] for number in range(len(samples))), config.edges_per_batch)
        )
        seconds = time.perf_counter() - started
        print(f"reading, batching   {len(samples) / seconds:9.1f} samples/s")
        network = initial_network(samples, config, seed=0)
        whole = list(
            batches((samples[n] for n in range(len(samples))), config.edges_per_batch, whole=True)
        )
        fast = steps_per_second(network, made, published=False, repeats=3)
        plain = steps_per_second(network, whole, published=True, repeats=1)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"training            {fast:9.1f} samples/s (embedding {arguments.embedding_size})")
        print(
            f"published form      {plain:9.1f} samples/s: kida is {fast / plain:.1f} times faster"
        )
        print(f"peak memory         {peak:9.2f} GB, the published form's included")


if __name__ == "__main__":
    main()
