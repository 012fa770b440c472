"""Checkpoints of others: a state dictionary in any of torch's, numpy's or safetensors' files.

Nothing in them is executed. To read another format, add its suffix to :func:`_read_arrays`.
"""

import zipfile
from pathlib import Path

import numpy as np
import safetensors.numpy

from kida.errors import UserError, missing_extra
from kida.network.architecture import Architecture, Weights
from kida.network.card import Card
from kida.network.policy import Policy

#: Bytes that a checkpoint may have, unpacked: the network's, an optimizer's state and more.
LARGEST_CHECKPOINT = 64 << 20


def import_checkpoint(path: str | Path) -> Policy:
    """Read a checkpoint of the KIDA release, or any file with its state dictionary.

    Parameters
    ----------
    path
        ``.pkl``, ``.pt`` or ``.pth`` as torch writes them (read without executing anything in
        them; needs torch), ``.safetensors``, or ``.npz``.

    Returns
    -------
    Policy
        Its card allows every unfixed variable, as the competition did.

    Raises
    ------
    UserError
        If the file cannot be read or does not hold this network.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no checkpoint at {path}")
    try:
        _check_size(path)
        arrays = _read_arrays(path)
    except UserError:
        raise
    # The readers' failures have no common type, torch's unpickling errors least of all.
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is no readable checkpoint ({first[:300]})") from error
    readout = arrays.get("output_module.2.weight")
    if readout is None or readout.ndim != 2:
        raise UserError(f"{path} holds no output_module.2.weight: it is not a KIDA network")
    card = Card(
        Architecture(int(readout.shape[1])),
        candidates="unfixed",
        recipe={"imported_from": path.name},
    )
    try:
        return Policy(arrays, card)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _read_arrays(path: Path) -> Weights:
    if path.suffix == ".safetensors":
        arrays = safetensors.numpy.load_file(path)
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as content:
            arrays = {name: content[name] for name in content.files}
    elif path.suffix in (".pkl", ".pt", ".pth"):
        try:
            import torch
        except ImportError as error:
            raise missing_extra(f"reading {path}", "torch", "train") from error
        state = torch.load(path, map_location="cpu", weights_only=True)
        arrays = {name: tensor.numpy() for name, tensor in state.items()}
    else:
        raise UserError(
            f"{path} is not a known checkpoint format; give .pkl, .pt, .pth, .safetensors or .npz"
        )
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def _check_size(path: Path) -> None:
    size = path.stat().st_size
    # torch's files are ZIP archives, as numpy's are, and these can hold far more than they weigh.
    if size <= LARGEST_CHECKPOINT and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    if size > LARGEST_CHECKPOINT:
        raise UserError(
            f"{path} is no checkpoint of this network: it holds more than "
            f"{LARGEST_CHECKPOINT >> 20} MiB"
        )
