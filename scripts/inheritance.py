r"""When averaging generations helps, and what heir is better: see docs/method.md.

    python scripts/inheritance.py                    all of it, half a day on two cores
    python scripts/inheritance.py gisp               one problem of PROBLEMS, or several
    python scripts/inheritance.py gisp --quick       every step once, in minutes; worth nothing

writes OUT/PROBLEM/inheritance.md and .json. Run it again to go on after an interruption. Everything
is measured by nodes, on validation instances, so that other work on the machine changes nothing but
the duration; with --scheduler the solves are done by a Dask cluster.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

# Before torch is imported: its threads shall sleep while they wait.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from kida.boundary import read_json, write_json
from kida.cli import status_of
from kida.errors import UserError
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
from kida.tuning.lever_choice import combined

RECIPE = Path(__file__).with_name("train_item_placement.toml")
_ITEM_PLACEMENT = (
    "generations=4",
    "collection.episodes=30",
    "collection.validation_episodes=6",
    "training.epochs=12",
    "training.draws_per_epoch=2000",
)
# Few samples a batch, as KIDA's.
_GISP = (
    "generations=4",
    'collection.settings="default"',
    "collection.episodes=40",
    "collection.validation_episodes=8",
    "collection.time_limit=60",
    "training.epochs=12",
    "training.draws_per_epoch=2000",
    "training.edges_per_batch=50000",
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


class Problem(NamedTuple):
    """What networks are compared on.

    Attributes
    ----------
    family, recipe, options
        Of the pool's run.
    levers
        What SCIP's settings are beside, by name.
    node_limit
        Of the measure; None: to optimality.
    reported
        Draws that are reported on.
    """

    family: str
    recipe: Path | None
    options: tuple[str, ...]
    levers: tuple[str, ...]
    node_limit: int | None
    reported: int

    def config(self, *more: str) -> RunConfig:
        """Return the configuration of the pool's run."""
        found = read_config(self.family, self.recipe, (*self.options, *more))
        parameters = {**found.collection.parameters, **combined(self.levers)}
        return replace(found, collection=replace(found.collection, parameters=parameters))


#: By name. Item placement has a hundred validation instances, of which 24 select. Under SCIP's own
#: handling of symmetries no bound rises within thousands of nodes (docs/results.md): there is
#: nothing to measure by nodes. The levers make a solve of GISP several times as short, so that
#: there can be many.
PROBLEMS: Mapping[str, Problem] = {
    "gisp": Problem(
        "generalized_independent_set",
        None,
        _GISP,
        ("no-cuts", "no-heuristics", "aggressive-presolving"),
        None,
        300,
    ),
    "item_placement": Problem("item_placement", RECIPE, _ITEM_PLACEMENT, (), 2000, 76),
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
# Validation draws that select, and those on which starts for another family are compared.
SELECT, TRANSFERRED = 24, 100


def main() -> int:
    """Run the command."""
    arguments = _arguments()
    check_library()
    workers = Workers(arguments.jobs, scheduler=arguments.scheduler)
    status = 0
    for problem in arguments.problems or (*PROBLEMS, TRANSFER):
        make = _transfer if problem == TRANSFER else _study
        try:
            make(problem, arguments.out / problem, workers, quick=arguments.quick)
        except UserError as error:
            # The others may come to their end.
            print(f"{problem}: {error}", file=sys.stderr, flush=True)
            status = 2
    return status


def _study(problem: str, folder: Path, workers: Workers, *, quick: bool) -> None:
    """Make all networks of a problem, measure them, and write the tables."""
    what = PROBLEMS[problem]
    config = what.config(*(QUICK if quick else ()))
    check_run(config)
    log = Lines()
    select, report = (2, 2) if quick else (SELECT, what.reported)
    limit = what.node_limit and (10 if quick else what.node_limit)
    with locked(folder):
        _claim(folder, quick=quick, select=select, report=report, node_limit=limit)
        pool = _pool(folder / "run", config, workers, log, quick=quick)
        draws = pool.plan.selection(select + report)
        yardstick = Yardstick(config.collection.settings, limit, folder / "solves", workers, log)
        content = study(pool, yardstick, draws[:select], draws[select:], workers, log)
        publish(folder, "inheritance", content, markdown(content))


def _transfer(problem: str, folder: Path, workers: Workers, *, quick: bool) -> None:
    """Compare starts for a family, and write the table."""
    log = Lines()
    size = (*ONE_GENERATION, *(QUICK if quick else ()), "generations=1")
    mixture = dict(list(MIXTURE.items())[:2]) if quick else MIXTURE
    report = 2 if quick else TRANSFERRED
    with locked(folder):
        _claim(folder, quick=quick, report=report)
        pools = {
            family: _pool(
                folder / family, read_config(family, None, (*size, *own)), workers, log, quick=quick
            )
            for family, own in mixture.items()
        }
        config = PROBLEMS["gisp"].config(*size)
        unseen = _pool(folder / "unseen", config, workers, log, quick=quick)
        draws = unseen.plan.selection(report)
        yardstick = Yardstick(config.collection.settings, None, folder / "solves", workers, log)
        episodes = (1, 3) if quick else EPISODES
        content = transfer(pools, unseen, episodes, yardstick, draws, workers, log)
        publish(folder, "inheritance", content, transfer_markdown(content))


def _claim(folder: Path, **constants: Any) -> None:
    """Write what networks are made by, or refuse to go on with those made by something else."""
    ours = {"epochs": EPOCHS, "draws": DRAWS, **constants}
    try:
        theirs = read_json(folder / "study.json", dict[str, Any], "what a study is made by")
    except FileNotFoundError:
        write_json(folder / "study.json", ours)
        return
    if theirs != ours:
        raise UserError(f"{folder} is of another study ({theirs}, not {ours}): give another --out")


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
