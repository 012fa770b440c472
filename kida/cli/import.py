"""Make a policy out of a network that others published, to use or to compare with.

    kida import il.pkl --out peers/set_cover
    kida compare set_cover:test:0 --policies peers/set_cover,set_cover,default

Known are the networks of the KIDA release, and those of the same form that read all 19 columns of
Ecole's NodeBipartite, such as the imitation networks of Scavuzzo et al. 2022. The file is a state
dictionary: .safetensors, .npz, or torch's .pkl, .pt and .pth (which need the extra 'train').
Nothing in it is executed; what cannot be read without that is refused.
"""

import argparse
from pathlib import Path

HELP = "make a policy out of a published network"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "checkpoint", type=Path, help="a .safetensors, .npz, .pkl, .pt or .pth file"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="where the policy goes: a new folder",
    )


def run(arguments: argparse.Namespace) -> int:
    """Import and report."""
    from kida.errors import UserError
    from kida.network.checkpoint import import_checkpoint

    folder: Path = arguments.out
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise UserError(f"{folder} is there already; give --out another name, or remove it")
    policy = import_checkpoint(arguments.checkpoint)
    policy.save(folder)
    shape, card = policy.card.shape, policy.card
    print(
        f"{folder}: embedding {shape.embedding_size}, {len(shape.variable_features)} columns of "
        f"the variables, chooses among {card.candidates} candidates (in {folder}/card.json)"
    )
    return 0
