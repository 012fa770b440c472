r"""When averaging generations helps, and what heir is better: see docs/inheritance.md.

    python scripts/inheritance.py                    all of it, half a day on two cores
    python scripts/inheritance.py gisp               one problem of PROBLEMS, or several
    python scripts/inheritance.py gisp --replicates 1    the first of its replicates
    python scripts/inheritance.py regime             how many episodes leave networks over-confident
    python scripts/inheritance.py gisp --quick       every step once, in minutes; worth nothing

writes OUT/PROBLEM/inheritance.md, .json and .png, after every replicate and every stage with what
is known by then. Run it again to go on after an interruption. Everything is measured by nodes, on
validation instances, so that other work on the machine changes nothing but the duration; with
--scheduler the solves are done by a Dask cluster.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

# Before torch is imported: its threads shall sleep while they wait.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from kida.boundary import read_json, write_json
from kida.cli import status_of
from kida.errors import UserError
from kida.evaluation.page import png_of
from kida.files import atomic_path
from kida.jobs.cores import available_cores
from kida.lab.evolution import check_library
from kida.lab.hands import Hands
from kida.lab.heirs import ITERATIONS, POPULATION, SEARCH_DRAWS, TEACHER_WEIGHT
from kida.lab.inheritance import Replicate, study
from kida.lab.inheritance_tables import markdown
from kida.lab.likeness import answers
from kida.lab.members import DECAY, Pool, make_members
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
# Three generations, as KIDA merged.
_ITEM_PLACEMENT = (
    "generations=3",
    "collection.episodes=30",
    "collection.validation_episodes=6",
    "training.epochs=12",
    "training.draws_per_epoch=2000",
)
# Few samples a batch, as KIDA's.
_GISP = (
    "generations=4",
    'collection.settings="default"',
    "collection.episodes=12",
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
TRANSFER, REGIME = "transfer", "regime"
ONE_GENERATION = (*_GISP, "generations=1", "collection.time_limit=30")
# Episodes of the unseen family that networks are trained on, and those of the regime.
EPISODES, FEW_TO_MANY = (4, 12, 40), (6, 12, 40)


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
    cells
        Of members.
    epochs
        Of a member's training.
    replicates, ruled
        How often it is all done, and in how many of these further rules are tried.
    selecting, reported
        Draws of a replicate that select coefficients, and that are reported on.
    """

    family: str
    recipe: Path | None
    options: tuple[str, ...]
    levers: tuple[str, ...]
    node_limit: int | None
    cells: str
    epochs: int
    replicates: int
    ruled: int
    selecting: int
    reported: int

    def config(self, *more: str) -> RunConfig:
        """Return the configuration of the pool's run."""
        found = read_config(self.family, self.recipe, (*self.options, *more))
        parameters = {**found.collection.parameters, **combined(self.levers)}
        return replace(found, collection=replace(found.collection, parameters=parameters))


#: By name. Of item placement there are a hundred validation instances, and a solve takes a quarter
#: of a minute: a search for coefficients is out of reach. Under SCIP's own handling of symmetries
#: no bound rises within thousands of nodes (docs/results.md): there is nothing to measure by nodes.
#: The levers make a solve of GISP several times as short, so that there can be many.
PROBLEMS: Mapping[str, Problem] = {
    "gisp": Problem(
        "generalized_independent_set",
        None,
        _GISP,
        ("no-cuts", "no-heuristics", "aggressive-presolving"),
        None,
        "abde",
        60,
        replicates=3,
        ruled=2,
        selecting=96,
        reported=250,
    ),
    "item_placement": Problem(
        "item_placement",
        RECIPE,
        _ITEM_PLACEMENT,
        (),
        2000,
        "abde",
        30,
        replicates=1,
        ruled=0,
        selecting=0,
        reported=100,
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
# Samples drawn for an epoch.
DRAWS = 2000
# Epochs of networks that starts for another family are made of, and draws they are compared on.
TRANSFER_EPOCHS, TRANSFERRED = 60, 100


def main() -> int:
    """Run the command."""
    arguments = _arguments()
    check_library()
    workers = Hands(arguments.jobs, scheduler=arguments.scheduler)
    status = 0
    for problem in arguments.problems or (*PROBLEMS, TRANSFER):
        try:
            if problem == TRANSFER:
                _transfer(arguments.out / problem, workers, quick=arguments.quick)
            elif problem == REGIME:
                _regime(arguments.out / problem, workers, quick=arguments.quick)
            else:
                _study(problem, arguments, workers)
        except UserError as error:
            # The others may come to their end.
            print(f"{problem}: {error}", file=sys.stderr, flush=True)
            status = 2
    return status


def _study(problem: str, arguments: argparse.Namespace, workers: Hands) -> None:
    """Make all networks of a problem, measure them, and write the tables."""
    what, folder, log = PROBLEMS[problem], arguments.out / problem, Lines()
    if arguments.quick:
        what = what._replace(
            options=(*what.options, *QUICK),
            epochs=2,
            replicates=2,
            ruled=1,
            selecting=2,
            reported=2,
            node_limit=what.node_limit and 10,
        )
    wanted = min(arguments.replicates or what.replicates, what.replicates)
    check_run(what.config())
    block = what.selecting + what.reported
    with locked(folder):
        _claim(
            folder,
            quick=arguments.quick,
            epochs=what.epochs,
            selecting=what.selecting,
            reported=what.reported,
            node_limit=what.node_limit,
            search=[POPULATION, ITERATIONS, SEARCH_DRAWS],
            teacher_weight=TEACHER_WEIGHT,
            decay=DECAY,
        )
        replicates = []
        for number in range(wanted):
            # Another pool, another initialisation, other draws.
            config = what.config(f"seed={number}")
            pool = _pool(folder / str(number + 1) / "run", config, what.epochs, workers, log)
            draws = pool.plan.selection((number + 1) * block)[number * block :]
            replicates.append(Replicate(pool, draws[: what.selecting], draws[what.selecting :]))
        settings = what.config().collection.settings
        yardstick = Yardstick(settings, what.node_limit, folder / "solves", workers, log)
        ruled = min(what.ruled, wanted)
        for content in study(replicates, what.cells, ruled, yardstick, workers, log):
            publish(folder, "inheritance", content, markdown(content))
            if find_spec("matplotlib") is not None:
                from kida.lab.inheritance_figure import figure

                with atomic_path(folder / "inheritance.png") as temporary:
                    temporary.write_bytes(png_of(figure(content)))


def _transfer(folder: Path, workers: Hands, *, quick: bool) -> None:
    """Compare starts for a family, and write the table."""
    log = Lines()
    size = (*ONE_GENERATION, *(QUICK if quick else ()), "generations=1")
    mixture = dict(list(MIXTURE.items())[:2]) if quick else MIXTURE
    report, epochs = (2, 2) if quick else (TRANSFERRED, TRANSFER_EPOCHS)
    with locked(folder):
        _claim(folder, quick=quick, epochs=epochs)
        pools = {
            family: _pool(
                folder / family, read_config(family, None, (*size, *own)), epochs, workers, log
            )
            for family, own in mixture.items()
        }
        config = PROBLEMS["gisp"].config(*size)
        unseen = _pool(folder / "unseen", config, epochs, workers, log)
        draws = unseen.plan.selection(report)
        yardstick = Yardstick(config.collection.settings, None, folder / "solves", workers, log)
        episodes = (1, 3) if quick else EPISODES
        content = transfer(pools, unseen, episodes, yardstick, draws, workers, log)
        publish(folder, "inheritance", content, transfer_markdown(content))


def _regime(folder: Path, workers: Hands, *, quick: bool) -> None:
    """Train a network each on few episodes and on many; write how over-confident it is."""
    log, what = Lines(), PROBLEMS["gisp"]
    epochs, counts = (2, (2, 3)) if quick else (what.epochs, FEW_TO_MANY)
    size = (*(QUICK if quick else ()), "generations=1")
    lines = [
        f"{what.family}: one network each, {epochs * DRAWS:,} draws",
        "",
        "| episodes | samples | accuracy on them | cross-entropy | with the logits times | becomes "
        "| accuracy |",
        "|---|---|---|---|---|---|---|",
    ]
    content = {}
    with locked(folder):
        _claim(folder, quick=quick, epochs=epochs)
        for count in counts:
            config = what.config(*size, f"collection.episodes={count}")
            pool = _pool(folder / str(count), config, epochs, workers, log)
            pool.play(workers)
            make_members(pool, "a", workers)
            trained, held = (
                answers(pool.load("a_1"), samples, pool.config)
                for samples in (pool.samples(), pool.validation())
            )
            factor = held.calibration()
            lines.append(
                f"| {count} | {len(pool.samples())} | {trained.accuracy():.2f} "
                f"| {held.cross_entropy():.2f} | {factor:.2f} | {held.cross_entropy(factor):.2f} "
                f"| {held.accuracy():.2f} |"
            )
            content[str(count)] = {"cross_entropy": held.cross_entropy(), "factor": factor}
        publish(folder, "regime", content, "\n".join([*lines, ""]))


def _claim(folder: Path, **constants: Any) -> None:
    """Write what networks are made by, or refuse to go on with those made by something else."""
    ours = {"draws": DRAWS, **constants}
    try:
        theirs = read_json(folder / "study.json", dict[str, Any], "what a study is made by")
    except FileNotFoundError:
        write_json(folder / "study.json", ours)
        return
    if theirs != ours:
        raise UserError(f"{folder} is of another study ({theirs}, not {ours}): give another --out")


def _pool(folder: Path, config: RunConfig, epochs: int, workers: Hands, log: Lines) -> Pool:
    return Pool(Run(folder, config, log), Plan(config), epochs, DRAWS, workers.count)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("problems", nargs="*", metavar="PROBLEM", help="default: all")
    parser.add_argument("--out", type=Path, default=Path("runs/inheritance"), help="%(default)s")
    parser.add_argument("--jobs", type=int, default=available_cores(), help="default: cores")
    parser.add_argument("--scheduler", help="address of a Dask scheduler that does the solves")
    parser.add_argument("--replicates", type=int, metavar="N", help="so many, and not all")
    parser.add_argument("--quick", action="store_true", help="tiny, for testing")
    arguments = parser.parse_args()
    if arguments.replicates is not None and arguments.replicates < 1:
        parser.error("--replicates is less than 1")
    known = (*PROBLEMS, TRANSFER, REGIME)
    for problem in arguments.problems:
        if problem not in known:
            parser.error(f"there is no problem {problem!r}; the problems are {', '.join(known)}")
    return arguments


if __name__ == "__main__":
    sys.exit(status_of(main))
