r"""When averaging generations helps, and what heir is better: see docs/method.md.

    python scripts/inheritance.py                    all of it, half a day on two cores
    python scripts/inheritance.py gisp               one problem of PROBLEMS, or several
    python scripts/inheritance.py gisp --quick       every step once, in minutes; worth nothing

writes OUT/PROBLEM/inheritance.md and .json. Run it again to go on after an interruption. Everything
is measured by nodes, on validation instances, so that other work on the machine changes nothing but
the duration; with --scheduler the solves are done by a Dask cluster.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from kida.cli import status_of
from kida.jobs.cores import available_cores
from kida.jobs.run import Workers
from kida.lab.evolution import check_library
from kida.lab.inheritance import markdown, study
from kida.lab.members import Pool
from kida.lab.progress import Lines, publish
from kida.lab.transfer import markdown as transfer_markdown
from kida.lab.transfer import transfer
from kida.lab.yardstick import Yardstick
from kida.learning.config import RunConfig, read_config
from kida.learning.plan import Plan
from kida.learning.preflight import check_run
from kida.learning.run import Run
from kida.lock import locked

RECIPE = Path(__file__).with_name("train_item_placement.toml")
_ITEM_PLACEMENT = (
    "generations=4",
    "collection.episodes=30",
    "collection.validation_episodes=6",
    "training.epochs=12",
    "training.draws_per_epoch=2000",
)
_OTHER_SYMMETRY = (
    "collection.parameters.misc/usesymmetry=7",
    *(
        f"collection.parameters.propagating/symmetry/{name}=true"
        for name in ("detectorbitopes", "detectdoublelex", "detectsubgroups")
    ),
)
_GISP = (
    "generations=4",
    'collection.settings="default"',
    "collection.episodes=40",
    "collection.validation_episodes=8",
    "collection.time_limit=60",
    "training.epochs=12",
    "training.draws_per_epoch=2000",
)
#: Families whose heir may be a better start on GISP, at sizes of seconds; with the options of each.
MIXTURE = {
    "set_cover": ("size=400x750",),
    "combinatorial_auction": (),
    "facility_location": ("size=small",),
    "independent_set": (),
    "multidimensional_knapsack": (),
    "vertex_cover": (),
    "max_satisfiability": (),
    "lot_sizing": (),
}
TRANSFER = "transfer"
ONE_GENERATION = (*_GISP, "generations=1", "collection.time_limit=30")
# Episodes of the unseen family that networks are trained on.
EPISODES = (4, 12, 40)
#: A problem's family, recipe, options, and the node limit of its measure, None to optimality.
PROBLEMS: Mapping[str, tuple[str, Path | None, tuple[str, ...], int | None]] = {
    "gisp": ("generalized_independent_set", None, _GISP, None),
    "item_placement": ("item_placement", RECIPE, _ITEM_PLACEMENT, 200),
    "item_placement_scip": (
        "item_placement",
        RECIPE,
        (*_ITEM_PLACEMENT, *_OTHER_SYMMETRY),
        200,
    ),
}
QUICK = (
    "generations=2",
    "collection.episodes=3",
    "collection.validation_episodes=1",
    "collection.samples_per_episode=6",
    "collection.time_limit=20",
    "training.embedding_size=8",
    "training.epochs=1",
    "training.prenorm_batches=1",
)
# Epochs and their draws: long enough for members that are as over-confident as KIDA's.
EPOCHS, DRAWS = 60, 2000
# Validation draws that select, and draws after them that are reported on.
SELECT, REPORT = 24, 80


def main() -> int:
    """Run the command."""
    arguments = _arguments()
    check_library()
    workers = Workers(arguments.jobs, scheduler=arguments.scheduler)
    for problem in arguments.problems or (*PROBLEMS, TRANSFER):
        make = _transfer if problem == TRANSFER else _study
        make(problem, arguments.out / problem, workers, quick=arguments.quick)
    return 0


def _study(problem: str, folder: Path, workers: Workers, *, quick: bool) -> None:
    """Make all networks of a problem, measure them, and write the tables."""
    family, recipe, options, node_limit = PROBLEMS[problem]
    config = read_config(family, recipe, (*options, *(QUICK if quick else ())))
    check_run(config)
    log = Lines()
    select, report = (2, 2) if quick else (SELECT, REPORT)
    with locked(folder):
        pool = _pool(folder / "run", config, workers, log, quick=quick)
        draws = pool.plan.selection(select + report)
        limit = node_limit and (10 if quick else node_limit)
        yardstick = Yardstick(config.collection.settings, limit, folder / "solves", workers, log)
        content = study(pool, yardstick, draws[:select], draws[select:], workers, log)
        publish(folder, "inheritance", content, markdown(content))


def _transfer(problem: str, folder: Path, workers: Workers, *, quick: bool) -> None:
    """Compare starts for a family, and write the table."""
    log = Lines()
    size = (*ONE_GENERATION, *(QUICK if quick else ()), "generations=1")
    mixture = dict(list(MIXTURE.items())[:2]) if quick else MIXTURE
    with locked(folder):
        pools = {
            family: _pool(
                folder / family, read_config(family, None, (*size, *own)), workers, log, quick=quick
            )
            for family, own in mixture.items()
        }
        config = read_config(PROBLEMS["gisp"][0], None, size)
        unseen = _pool(folder / "unseen", config, workers, log, quick=quick)
        draws = unseen.plan.selection(2 if quick else REPORT)
        yardstick = Yardstick(config.collection.settings, None, folder / "solves", workers, log)
        episodes = (1, 3) if quick else EPISODES
        content = transfer(pools, unseen, episodes, yardstick, draws, workers, log)
        publish(folder, "inheritance", content, transfer_markdown(content))


def _pool(folder: Path, config: RunConfig, workers: Workers, log: Lines, *, quick: bool) -> Pool:
    epochs, draws = (2, 50) if quick else (EPOCHS, DRAWS)
    return Pool(Run(folder, config, log), Plan(config), epochs, draws, workers.count)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help="default: all")
    parser.add_argument("--out", type=Path, default=Path("runs/inheritance"), help="%(default)s")
    parser.add_argument("--jobs", type=int, default=available_cores(), help="default: cores")
    parser.add_argument("--scheduler", help="address of a Dask scheduler that does the solves")
    parser.add_argument("--quick", action="store_true", help="tiny, for testing")
    arguments = parser.parse_args()
    known = (*PROBLEMS, TRANSFER)
    for problem in arguments.problems:
        if problem not in known:
            parser.error(f"there is no problem {problem!r}; the problems are {', '.join(known)}")
    return arguments


if __name__ == "__main__":
    sys.exit(status_of(main))
