r"""How much the order of candidates matters to SCIP's reliability branching: see docs/any.md.

    python scripts/lookahead.py set_cover unit_commitment PROBLEMS/*.mps.gz --out runs/lookahead

Solves problems, of a family its first training instances, by SCIP's default; keeps strong branching
of all candidates at some of the nodes; replays its lookahead in other orders; and writes
OUT/lookahead.md and .json. A family is one kind of problem, and so are files whose names begin with
the same letters. Run again, it goes on, also with further problems.
"""

import argparse
import os
import re
import sys
from pathlib import Path

# Before torch is imported: its threads shall sleep while they wait.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from kida.cli import status_of
from kida.evaluation.records import file_slug
from kida.instances.family import Instance
from kida.instances.registry import family_names, instances
from kida.jobs.cores import available_cores
from kida.lab.hands import Hands
from kida.lab.lookahead import collect, markdown, read, table
from kida.lab.progress import Lines, publish
from kida.lock import locked


def main() -> int:
    """Collect, replay and write."""
    chosen = _arguments()
    found = [each for name in chosen.instances for each in _instances(name, chosen.count)]
    tasks = {
        chosen.out / "nodes" / f"{file_slug(instance.name)}_{seed}.safetensors": (instance, seed)
        for seed in range(chosen.seeds)
        for instance in found
    }
    with locked(chosen.out):
        arguments = [
            (instance, seed, chosen.seconds, path) for path, (instance, seed) in tasks.items()
        ]
        Hands(chosen.jobs).each(collect, arguments, Lines())
        nodes = [node for path, (which, _) in tasks.items() for node in read(path, _kind(which))]
        content = table(nodes)
        publish(chosen.out, "lookahead", content, markdown(content))
    return 0


def _instances(name: str, count: int) -> list[Instance]:
    if name in family_names():
        return instances(name, "train", 0, count)
    return instances(name, "all")


def _kind(instance: Instance) -> str:
    """Return a family's name, or the letters that a file's begins with."""
    if instance.path is None:
        return instance.family
    letters = re.match("[A-Za-z]+", instance.name)
    # All that was ever sent to one server bears its name.
    return instance.name if letters is None or letters[0] == "neos" else letters[0]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("instances", nargs="+", metavar="INSTANCES", help="files or families")
    parser.add_argument("--out", type=Path, default=Path("runs/lookahead"), help="%(default)s")
    parser.add_argument("--count", type=int, default=10, help="of a family (10)")
    parser.add_argument("--seeds", type=int, default=2, help="of every problem (2)")
    parser.add_argument("--seconds", type=float, default=25.0, help="of every solve (25)")
    parser.add_argument("--jobs", type=int, default=available_cores(), help="default: cores")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(status_of(main))
