r"""What each choice in scripts/train_item_placement.toml is worth, by paired reward in the solver.

    python scripts/ablation_item_placement.py            an hour and a quarter on two cores
    python scripts/ablation_item_placement.py --quick    every step once, in minutes; worth nothing

writes ablation.md and ablation.json into --out. Run it again to go on after an interruption, or
with more --draws to add some. The comparison is on validation instances that no training and no
selection here has seen. The base is the recipe with three generations, whose average KIDA's top
three therefore are, under the first of the recipe's inheritance.expert_depths.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from kida.boundary import plain, write_json
from kida.cli import status_of
from kida.errors import UserError
from kida.evaluation.records import Failed, Protocol, Record
from kida.evaluation.results import load_results
from kida.evaluation.runner import evaluate
from kida.evaluation.summary import warnings
from kida.evaluation.trials import plan
from kida.files import atomic_path
from kida.instances.registry import instances
from kida.jobs.cores import available_cores
from kida.jobs.run import Workers
from kida.lab.ablation import Entrant, Variant, expand, make_policies
from kida.lab.events import Searched, SearchIteration
from kida.lab.sections import Entry, compare_sections, markdown
from kida.learning.events import Collecting, Event, GenerationMade, Training, Warned

FAMILY = "item_placement"
RECIPE = Path(__file__).with_name("train_item_placement.toml")

SIZE = (
    "generations=3",
    "collection.episodes=20",
    "collection.validation_episodes=4",
    "inheritance.count=3",
    "inheritance.instances=6",
    "inheritance.iterate=false",
    "search.population=8",
    "search.iterations=10",
    "search.instances=2",
    "search.first_seconds=5",
    "search.last_seconds=10",
    "search.comparison=6",
)
QUICK_SIZE = (
    *SIZE,
    "collection.episodes=2",
    "collection.validation_episodes=1",
    "collection.samples_per_episode=4",
    # Strong branching of all unfixed variables takes seconds a node.
    "collection.time_limit=15",
    "training.epochs=1",
    "training.prenorm_batches=1",
    "inheritance.instances=1",
    "inheritance.time_limit=1",
    "search.population=4",
    "search.iterations=1",
    "search.instances=1",
    "search.first_seconds=1",
    "search.last_seconds=1",
    "search.comparison=1",
)
# Compared on the valid split's instances from here on; those before select the greedy soup.
FIRST_INSTANCE = 20
# The table is written anew after so many draws.
ROUND = 4

BASE = "KIDA, top 3"
MERGING = "Merging"
TRAINING = "Training, on the base's episodes"
EXPERT = "Strong branching at the top of the tree, the network below"
COLLECTION = "Collection, own episodes, first generation only"
SEARCH = "Search on reward, from the base"


def _first(name: str, *options: str) -> Variant:
    """Return a variant that collects otherwise: one generation, as the base's first."""
    return Variant(COLLECTION, name, options, merged=(1,), shared=0, reference="generation 1")


VARIANTS = (
    Variant(MERGING, BASE),
    Variant(MERGING, "generation 1", merged=(1,)),
    Variant(MERGING, "generation 2", merged=(2,)),
    Variant(MERGING, "generation 3", merged=(3,)),
    Variant(MERGING, "greedy soup", greedy=True),
    # The average of one generation is that generation: only the third acts and starts otherwise.
    Variant(MERGING, "iterated inheritance", ("inheritance.iterate=true",), shared=2),
    Variant(TRAINING, "weight decay 0.9", ("training.weight_decay=0.9",)),
    Variant(TRAINING, "label smoothing 0", ("training.label_smoothing=0.0",)),
    Variant(TRAINING, "label smoothing 0.1", ("training.label_smoothing=0.1",)),
    Variant(TRAINING, "embedding 8", ("training.embedding_size=8",)),
    Variant(TRAINING, "embedding 32", ("training.embedding_size=32",)),
    Variant(TRAINING, "embedding 64", ("training.embedding_size=64",)),
    Variant(TRAINING, "hard targets", ("training.loss=hard",)),
    Variant(TRAINING, "soft targets", ("training.loss=soft",)),
    Variant(EXPERT, "never", expert_depth=-1),
    Variant(EXPERT, "to depth 4", expert_depth=4),
    Variant(EXPERT, "to depth 8", expert_depth=8),
    _first("fractional candidates", "collection.candidates=fractional"),
    _first("all unfixed candidates", "collection.candidates=unfixed"),
    _first("score: product of the gains", "collection.expert_score=''"),
    _first(
        "score: mean of the gains",
        "collection.expert_score=''",
        "collection.parameters.branching/scorefunc=s",
        "collection.parameters.branching/scorefac=0.5",
    ),
    _first(
        "symmetries as in SCIP's default",
        "collection.parameters.misc/usesymmetry=7",
        *(
            f"collection.parameters.propagating/symmetry/{name}=true"
            for name in ("detectorbitopes", "detectdoublelex", "detectsubgroups")
        ),
    ),
    Variant(
        SEARCH,
        "search on reward",
        ("generations=1", "search.generations=[1]", "search.start={base}"),
        merged=(1,),
        shared=0,
    ),
)


def main() -> int:
    """Run the command."""
    arguments = _arguments()
    workers = Workers(arguments.jobs)
    size = QUICK_SIZE if arguments.quick else SIZE
    entrants = expand(FAMILY, RECIPE, size, VARIANTS, arguments.out)
    # First what may be wrong with the arguments: an hour passes before the comparison.
    protocol = Protocol(entrants[0].config.collection.settings, arguments.seconds)
    chosen = instances(FAMILY, "valid", FIRST_INSTANCE, arguments.draws)
    made = make_policies(entrants, workers=workers, listener=_say)
    entries = [
        Entry(variant.section, variant.name, str(policy), variant.reference)
        for variant, policy in zip(VARIANTS, made, strict=True)
    ]
    policies = list(dict.fromkeys(entry.policy for entry in entries))
    for end in (*range(ROUND, len(chosen), ROUND), len(chosen)):
        evaluate(
            plan(chosen[:end], [0], policies),
            protocol,
            arguments.out / "results",
            workers,
            on_record=_say_solved,
        )
        _write(entries, entrants, arguments.out)
        print(f"{end} of {len(chosen)} draws are in {arguments.out / 'ablation.md'}", flush=True)
    return 0


def _write(entries: list[Entry], entrants: list[Entrant], folder: Path) -> None:
    results = load_results([folder / "results"])
    if not results.rows:
        raise UserError(f"every solve failed; the reasons are in {folder / 'results' / 'runs'}")
    found = compare_sections(results, entries)
    for record, entrant in zip(found, entrants, strict=True):
        record["policy"] = Path(record["policy"]).name
        record["options"] = list(entrant.variant.options)
    job = results.records[0].job
    about: dict[str, Any] = {
        "command": ["python", *sys.argv],
        "protocol": plain(results.protocol),
        "machine": plain(results.records[0].machine) | {"jobs": job.jobs},
        "instances": sorted({row.instance for row in results.rows}),
        "disturbed_runs": len(results.disturbed),
        "failed_runs": len(results.failures),
        "runs": len(results.rows),
    }
    write_json(folder / "ablation.json", {**about, "rows": found})
    text = (
        f"# Ablation of {RECIPE.name}\n\n"
        f"Dual bound averaged over {job.time_limit:g} s after the root node, on "
        f"{len(about['instances'])} validation instances, {about['instances'][0]} to "
        f"{about['instances'][-1]}; policies took turns, {job.jobs} solves at a time "
        f"({about['disturbed_runs']} of {about['runs']} disturbed, {about['failed_runs']} failed; "
        f"SCIP {results.protocol.scip}, {about['machine']['processor']}). Differences are "
        f"paired by instance, with 95 % intervals (Student's t), not adjusted for being many: "
        f"one in twenty excludes 0 by chance.\n\n{markdown(found)}"
    )
    with atomic_path(folder / "ablation.md") as temporary:
        temporary.write_text(text, encoding="utf-8")
    for warning in warnings(results):
        print(f"warning: {warning}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help="default: runs/ablation_item_placement")
    parser.add_argument("--jobs", type=int, default=available_cores(), help="default: cores")
    parser.add_argument("--draws", type=int, help="validation instances (default: 8)")
    parser.add_argument("--seconds", type=float, help="per solve, after the root (default: 20)")
    parser.add_argument("--quick", action="store_true", help="tiny, for testing")
    arguments = parser.parse_args()
    quick = arguments.quick
    name = "ablation_item_placement_quick" if quick else "ablation_item_placement"
    arguments.out = arguments.out or Path("runs") / name
    arguments.draws = arguments.draws or (2 if quick else 8)
    arguments.seconds = arguments.seconds or (1.0 if quick else 20.0)
    return arguments


def _say(run: str, event: Event) -> None:
    shown = Collecting | Training | GenerationMade | SearchIteration | Searched | Warned
    if isinstance(event, shown):
        print(f"{run}: {json.dumps(plain(event))}", flush=True)


def _say_solved(record: Record) -> None:
    job = record.job
    failed = isinstance(record, Failed)
    outcome = record.reason if failed else f"dual bound {record.result.dual_bound:.6g}"
    print(f"{job.instance.name}, {Path(job.policy).name}: {outcome}", flush=True)


if __name__ == "__main__":
    sys.exit(status_of(main))
