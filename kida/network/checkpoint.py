"""Checkpoints of others: a state dictionary in any of torch's, numpy's or safetensors' files.

Nothing in them is executed. Two published forms are known, told apart by the variables' columns
that they read: KIDA's 17 (Cao et al. 2022) and all 19 of Ecole's ``NodeBipartite``, the
incumbent's two among them (Scavuzzo et al. 2022, after Gasse et al. 2019). To read another format,
add its suffix to :func:`_read_arrays`.
"""

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from kida.boundary import read_bytes
from kida.errors import UserError, missing_extra
from kida.network.architecture import Architecture, Weights
from kida.network.card import Card
from kida.network.policy import Policy
from kida.observation import VariableFeature

#: Bytes that a checkpoint may have, unpacked: the network's, an optimizer's state and more.
LARGEST_CHECKPOINT = 64 << 20


def import_checkpoint(path: str | Path) -> Policy:
    """Read a published network, KIDA's or one that reads all 19 columns of the variables.

    Parameters
    ----------
    path
        ``.pkl``, ``.pt`` or ``.pth`` as torch writes them (read without executing anything in
        them; needs torch), ``.safetensors``, or ``.npz``: the network's state dictionary, alone
        or as the entry ``"state_dict"``.

    Returns
    -------
    Policy
        Its card allows the candidates that the form was evaluated on: KIDA's every unfixed
        variable, as the competition did; of 19 columns the fractional ones.

    Raises
    ------
    UserError
        If the file cannot be read, or only by executing code in it, or does not hold such a
        network.
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
    readout, shift = arrays.get("output_module.2.weight"), arrays.get("var_embedding.0.shift")
    if readout is None or readout.ndim != 2 or shift is None:
        raise UserError(
            f"{path} holds no output_module.2.weight and var_embedding.0.shift: it is not a "
            "network of the KIDA release, nor one of that form"
        )
    with_incumbent = shift.shape == (len(VariableFeature),)
    try:
        card = Card(
            Architecture(int(readout.shape[1]), incumbent_features=with_incumbent),
            candidates="fractional" if with_incumbent else "unfixed",
            recipe={"imported_from": path.name},
        )
        return Policy(arrays, card)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _read_arrays(path: Path) -> Weights:
    if path.suffix == ".safetensors":
        content = read_bytes(path, "a checkpoint", LARGEST_CHECKPOINT)
        arrays: Mapping[str, Any] = safetensors.numpy.load(content)
    elif path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    elif path.suffix in (".pkl", ".pt", ".pth"):
        arrays = _read_torch(path)
    else:
        raise UserError(
            f"{path} is not a known checkpoint format; give .pkl, .pt, .pth, .safetensors or .npz"
        )
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.floating):
            raise UserError(
                f"{path}: {name!r} is {array.dtype}; weights are floating-point numbers"
            )
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def _read_torch(path: Path) -> dict[str, Any]:
    try:
        import torch
    except ImportError as error:
        raise missing_extra(f"reading {path}", "torch", "train") from error
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} is no readable checkpoint: it holds more than tensors, which could only be "
            "read by executing code in it; have whoever made it save the network's state_dict()"
        ) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict) or not all(isinstance(x, torch.Tensor) for x in state.values()):
        raise UserError(
            f"{path} is no state dictionary: it holds other things than named tensors; save the "
            "network's state_dict() and import that"
        )
    # Of numbers that numpy lacks, too.
    return {str(name): tensor.detach().float().numpy() for name, tensor in state.items()}


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
