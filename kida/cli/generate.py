"""Write instances of a family to a folder, as .mps.gz files with their initial bounds.

    kida generate item_placement --split valid --count 20 --out sets/item_placement/valid
    kida generate set_cover --size medium --split test --start 0 --count 100 --out sets/sc --jobs 2

A call that was interrupted goes on where it stopped when it is repeated. Each instance gets a
.json with its initial dual bound (root node) and primal bound (first solution SCIP finds);
manifest.json lists every file with its checksum. `kida instances` lists the families.
"""

import argparse
from pathlib import Path

from kida.cli.numbers import processes, whole

HELP = "write instances of a family to a folder"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("family", help="a family's name, see 'kida instances'")
    parser.add_argument("--size", help="one of the family's sizes (default: its first)")
    parser.add_argument("--split", default="train", help="train, valid or test (default: train)")
    parser.add_argument(
        "--start",
        type=whole("--start"),
        default=0,
        metavar="N",
        help="first index within the split (0)",
    )
    parser.add_argument(
        "--count", type=whole("--count", 1), metavar="N", help="how many (default: all that follow)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where they go")
    parser.add_argument(
        "--jobs", type=processes("--jobs"), default=1, metavar="N", help="worker processes (1)"
    )
    parser.add_argument(
        "--no-bounds",
        action="store_true",
        help="do not solve for bounds that are not known; store them as null",
    )


def run(arguments: argparse.Namespace) -> int:
    """Generate and report."""
    from kida.cli.common import open_console
    from kida.cli.progress import ProgressBar
    from kida.errors import UserError
    from kida.instances.registry import generated_family, instances
    from kida.jobs.run import Workers
    from kida.sets import MANIFEST, generate

    generated_family(arguments.family)
    workers = Workers(arguments.jobs)
    chosen = instances(
        arguments.family, arguments.split, arguments.start, arguments.count, arguments.size
    )
    if not chosen:
        raise UserError(f"--start is {arguments.start}, where the {arguments.split} split ends")
    done = 0
    with ProgressBar(open_console()) as bar:

        def show(_: object) -> None:
            nonlocal done
            done += 1
            bar.show(arguments.family, done, len(chosen))

        bar.show(arguments.family, 0, len(chosen))
        generate(chosen, arguments.out, workers, not arguments.no_bounds, show)
    print(f"{len(chosen)} instances in {arguments.out}, listed in {arguments.out / MANIFEST}")
    return 0
