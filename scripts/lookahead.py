r"""How much the order of candidates matters to SCIP's reliability branching: see docs/any.md.

    python scripts/lookahead.py set_cover unit_commitment PROBLEMS/*.mps.gz --out runs/lookahead

Solves problems, of a family its first training instances, by SCIP's default; keeps strong branching
of all candidates at some of the nodes; replays its lookahead in other orders; and writes
OUT/lookahead.md and .json, and into OUT/policy a policy of the kind "relpscost" that learned from
these nodes. A family is one kind of problem, and so are files whose names begin with the same
letters, such as all of "neos", and what KINDS says. Run again, it goes on, also with further
problems.
"""

import argparse
import os
import re
import sys
from pathlib import Path

# Before torch is imported: its threads shall sleep while they wait.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from kida.cli import status_of
from kida.errors import UserError
from kida.evaluation.records import file_slug
from kida.instances.family import Instance
from kida.instances.registry import family_names, instances
from kida.jobs.cores import available_cores
from kida.lab.default_nodes import collect, read
from kida.lab.hands import Hands
from kida.lab.lookahead import markdown, steering_policy, table
from kida.lab.progress import Lines, publish
from kida.lock import locked

#: Kinds that are told by more than a family's name or a file's first letters.
KINDS = {
    "bin_packing": "bppc|fhnw-binpack",
    "crowder": r"p\d+$",  # Crowder, Johnson and Padberg 1983
    "fixed_charge_network": r"h\d+x|r\d+x|sp\d+x|p\d+x|gr\d+x|beasleyC|mc\d|fixnet|n\d-|khb",
    "generalized_assignment": "f2gap",
    "independent_set": "vertex_cover|generalized_independent_set",
    "job_shop": "compact_abz",
    "knapsack": "multiple_knapsack|multidimensional_knapsack",
    "lot_sizing": r"tr\d|pp08a|pg",
    "market_split": "markshare|pb-market",
    "set_cover": "glass-sc",
}


def main() -> int:
    """Collect, replay and write."""
    chosen = _arguments()
    found = [each for name in chosen.instances for each in _instances(name, chosen.count)]
    # Nodes of other durations are others.
    home = chosen.out / f"nodes_{chosen.seconds:g}s"
    tasks = {
        home / f"{file_slug(instance.name)}_{seed}.safetensors": (instance, seed)
        for seed in range(chosen.seeds)
        for instance in found
    }
    if len(tasks) < chosen.seeds * len(found):
        raise UserError("two problems have the same name: rename one, or name it once")
    with locked(chosen.out):
        arguments = [
            (instance, seed, chosen.seconds, path) for path, (instance, seed) in tasks.items()
        ]
        Hands(chosen.jobs).each(collect, arguments, Lines())
        nodes = [node for path, (which, _) in tasks.items() for node in read(path, _kind(which))]
        of = {"problems": len(found), "seeds": chosen.seeds, "seconds": chosen.seconds}
        content = of | table(nodes)
        publish(chosen.out, "lookahead", content, markdown(content))
        found = steering_policy(nodes)
        found.policy.save(chosen.out / "policy")
        print("Of a fold of kinds, which chose the epoch:")
        print("\n".join(found.event.sentences))
    return 0


def _instances(name: str, count: int) -> list[Instance]:
    if name in family_names():
        return instances(name, "train", 0, count)
    return instances(name, "all")


def _kind(instance: Instance) -> str:
    """Return the problem's kind: what networks shall not have seen of a problem is all of it."""
    name = instance.family if instance.path is None else instance.name
    for kind, pattern in KINDS.items():
        if re.match(pattern, name):
            return kind
    letters = re.match("[A-Za-z]{2,}", instance.name)
    return name if instance.path is None or letters is None else letters[0]


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
