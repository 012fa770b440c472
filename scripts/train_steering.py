r"""Train a model that steers SCIP's reliability branching, on the samples of finished runs.

    options='--set generations=1 --set collection.settings=default
        --set collection.first_acting=default --set collection.act_on_expert=false'
    kida train set_cover --out runs/sc $options
    kida train FOLDER --out runs/mine $options
    python scripts/train_steering.py runs/sc runs/mine --out runs/any

The more different problems the runs are of, the better. Validated on the runs' validation samples,
it prints how often the best candidate is on a shortlist of the model's, and of one by pseudocosts.
docs/any.md says what such a policy does.
"""

import argparse
import sys
from pathlib import Path

from kida.cli import status_of
from kida.errors import UserError
from kida.learning.samples import Aggregate
from kida.learning.steering import fit, rankings_of


def samples_of(runs: list[Path], kind: str) -> Aggregate:
    """Return the training or validation samples (``"train"``, ``"valid"``) of all generations."""
    shards = [sorted(run.glob(f"gen_*/episodes/{kind}_*.safetensors")) for run in runs]
    for run, found in zip(runs, shards, strict=True):
        if not found:
            raise UserError(f"{run} holds no {kind} samples: name the folders of training runs")
    return Aggregate(path for found in shards for path in found)


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the policy's")
    parser.add_argument("--hidden", type=int, default=16, metavar="N", help="neurons (16)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="0")
    chosen = parser.parse_args(arguments)
    found = fit(
        rankings_of(samples_of(chosen.runs, "train")),
        rankings_of(samples_of(chosen.runs, "valid")),
        hidden=chosen.hidden,
        seed=chosen.seed,
    )
    found.policy.save(chosen.out)
    print("\n".join(found.event.sentences))
    print(f"The policy is in {chosen.out}; try it: kida solve FILE --model {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(status_of(main))
