"""kida in a program of your own: the progress of a solve, the events of a training run, the log.

  python examples/embed.py --out FOLDER [--episodes 8]

A shipped policy solves a problem, and the bounds are told while it does; then a small network is
trained for the same family (which needs the extra ``train``), told event by event, and solves it
too, as well as it can after so little. What kida says beside that goes to Python's ``logging``.
Called once more with the same folder, it finds the network there.
"""

import argparse
import logging
from pathlib import Path

import kida
from kida.instances.registry import instances
from kida.learning.config import CollectionConfig, RunConfig, TrainingConfig
from kida.learning.dagger import train
from kida.learning.events import EpisodeEnded, Epoch, Event, GenerationMade, Warned
from kida.settings import Limits

FAMILY = "combinatorial_auction"


def show(progress: kida.Progress) -> None:
    """Tell how far a solve is; what is raised here would end it."""
    print(f"{progress.wall:.1f} s: {progress.dual_bound:g} .. {progress.primal_bound:g}")


def listen(event: Event) -> None:
    """Tell how far a training run is: what is of interest, by its type."""
    match event:
        case EpisodeEnded(done=done, of=of, samples=samples):
            print(f"episode {done} of {of}: {samples} samples")
        case Epoch(epoch=epoch, validation_loss=loss):
            print(f"epoch {epoch}: validation loss {loss:.3f}")
        case GenerationMade(generation=generation):
            print(f"generation {generation} is made")
        case Warned(text=text):
            print(f"warning: {text}")


def learned(folder: Path, episodes: int) -> Path:
    """Train one generation, or go on with it; return the folder of its policy."""
    config = RunConfig(
        family=FAMILY,
        size="easy",
        generations=1,
        collection=CollectionConfig(episodes=episodes, validation_episodes=1, time_limit=3.0),
        training=TrainingConfig(epochs=4),
    )
    return train(folder, config, listener=listen)


def solve(instance: kida.Instance, policy: str) -> None:
    """Solve a problem for a few seconds, and tell what came of it."""
    result = kida.solve(instance, policy, limits=Limits(3.0), on_progress=show)
    print(f"{policy}: {result.nodes} nodes, objective {result.primal_bound:g}")


def main() -> None:
    """Solve, train, and solve again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the run's")
    parser.add_argument("--episodes", type=int, default=8)
    options = parser.parse_args()
    logging.basicConfig(format="%(name)s: %(message)s")
    logging.getLogger("kida.solver").setLevel(logging.INFO)
    (instance,) = instances(FAMILY, "test", count=1, size="easy")
    solve(instance, FAMILY)
    solve(instance, str(learned(options.out, options.episodes)))


if __name__ == "__main__":
    main()
