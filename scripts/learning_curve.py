r"""A learning curve: samples against nodes in the solver, on validation instances.

    python scripts/learning_curve.py set_cover --size 400x750 --peer runs/peers/set_cover
    python scripts/learning_curve.py independent_set --samples 500 2000 --embeddings 32

Collects once, under the family's recipe (scripts/train_FAMILY.toml), trains every kind of network
on nested parts of it, and solves validation instances of the same size, which selected nothing, to
optimality. Writes OUT/curve.md and .json; run again, it goes on. A peer is a policy's folder, such
as `kida import` makes of a published network. Everything is measured by nodes.
"""

import argparse
import sys
from pathlib import Path

from kida.cli import status_of
from kida.jobs.cores import available_cores
from kida.jobs.run import Workers
from kida.lab.curve import Collection, Kind, curve, markdown, train_all
from kida.lab.progress import Lines, publish
from kida.lab.yardstick import Yardstick
from kida.learning.config import read_config
from kida.learning.plan import Plan
from kida.learning.preflight import check_run
from kida.learning.run import Run
from kida.lock import locked
from kida.network.policy import Policy


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    chosen = _arguments(arguments)
    recipe = Path(__file__).with_name(f"train_{chosen.family}.toml")
    most = max(chosen.samples)
    options = [
        "generations=1",
        # More than are needed: it ends when there are samples enough.
        f"collection.episodes={max(most // 4, 10)}",
        f"collection.validation_episodes={max(most // 40, 4)}",
        *(() if chosen.size is None else (f"size={chosen.size}",)),
        *chosen.set,
    ]
    config = read_config(chosen.family, recipe if recipe.exists() else None, options)
    check_run(config)
    workers = Workers(chosen.jobs, scheduler=chosen.scheduler)
    kinds = [Kind(size, loss) for size in chosen.embeddings for loss in chosen.losses]
    peers = {folder.name: Policy.load(folder) for folder in chosen.peer}
    log = Lines()
    with locked(chosen.out):
        collection = Collection(Run(chosen.out / "run", config, log), Plan(config))
        collection.play(most, workers)
        networks = train_all(collection, sorted(chosen.samples), kinds, workers.count)
        yardstick = Yardstick(config.collection.settings, None, chosen.out / "solves", workers, log)
        draws = collection.plan.selection(chosen.instances)
        content = curve(collection, networks, peers, yardstick, draws)
        publish(chosen.out, "curve", content, markdown(content))
    return 0


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("family")
    parser.add_argument("--size", help="default: the recipe's")
    parser.add_argument("--samples", type=int, nargs="+", default=[500, 2000, 8000, 32000])
    parser.add_argument("--embeddings", type=int, nargs="+", default=[32, 64])
    parser.add_argument("--losses", nargs="+", choices=["hard", "soft"], default=["hard", "soft"])
    parser.add_argument("--peer", type=Path, action="append", default=[], metavar="FOLDER")
    parser.add_argument("--instances", type=int, default=40, help="to solve (40)")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE")
    parser.add_argument("--out", type=Path, default=Path("runs/curve"), help="%(default)s")
    parser.add_argument("--jobs", type=int, default=available_cores(), help="default: cores")
    parser.add_argument("--scheduler", help="address of a Dask scheduler that does the solves")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(status_of(main))
