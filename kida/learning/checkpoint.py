"""Where a training stands, on disk: what it needs to go on to the same bits.

One safetensors file: weights of several kinds, the optimizer's moments, and plain state as JSON in
its header.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import safe_open
from torch import Tensor

from kida.errors import UserError
from kida.files import atomic_path, printable

#: A network's state dictionary.
State = dict[str, Tensor]


def write_checkpoint(
    path: Path,
    state: Mapping[str, Any],
    kept: Mapping[str, State],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Write a checkpoint, atomically.

    Parameters
    ----------
    path
        The file.
    state
        JSON content.
    kept
        Kind to weights.
    optimizer
        Of one group of parameters.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    tensors: State = {}
    for kind, weights in kept.items():
        tensors |= {f"{kind}/{name}": tensor.clone() for name, tensor in weights.items()}
    for number, parameter in enumerate(optimizer.param_groups[0]["params"]):
        for name, tensor in optimizer.state[parameter].items():
            tensors[f"optimizer/{number}/{name}"] = tensor
    with atomic_path(path) as temporary:
        # Not `save_file`, to which a full disk is no OSError.
        temporary.write_bytes(
            safetensors.torch.save(tensors, metadata={"state": json.dumps(state)})
        )


def read_checkpoint(
    path: Path, device: torch.device, optimizer: torch.optim.Optimizer
) -> tuple[dict[str, Any], dict[str, State]]:
    """Put ``optimizer`` back to where it was; return the state and, by kind, the weights.

    Raises
    ------
    UserError
        If the file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            state = json.loads(file.metadata()["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        kept, moments = _sorted_out(tensors, device)
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": moments, "param_groups": groups})
        _check_moments(optimizer)
    # Of whatever kind: names, numbers and shapes in it may be anything.
    except Exception as error:
        raise damaged(path, str(error)) from error
    return state, kept


def _check_moments(optimizer: torch.optim.Optimizer) -> None:
    """Raise a ValueError if Adam could not go on from what it has of its parameters."""
    for parameter, moments in optimizer.state.items():
        if moments.keys() != {"step", "exp_avg", "exp_avg_sq"}:
            raise ValueError(f"a parameter has the moments {', '.join(moments)}")
        step = moments.pop("step")
        if not 0 <= float(step) <= 1e9:
            raise ValueError(f"a parameter has had {float(step)} steps")
        if any(moment.shape != parameter.shape for moment in moments.values()):
            raise ValueError("a moment does not have the shape of its parameter")
        moments["step"] = step


def damaged(path: Path, why: str) -> UserError:
    """Return the error that says that a checkpoint cannot be gone on from."""
    why = " ".join(printable(why)[:300].split())
    return UserError(
        f"the checkpoint {path} is damaged ({why}): remove it, and this generation's training "
        "begins again"
    )


def _sorted_out(
    tensors: Mapping[str, Tensor], device: torch.device
) -> tuple[dict[str, State], dict[int, State]]:
    """Return the weights by kind, and the optimizer's moments by the parameter's number."""
    kept: dict[str, State] = {}
    moments: dict[int, State] = {}
    for key, tensor in tensors.items():
        kind, name = key.split("/", 1)
        if kind == "optimizer":
            number, name = name.split("/")
            # Loading them puts each where the optimizer has it: Adam's steps stay on the CPU.
            moments.setdefault(int(number), {})[name] = tensor
        else:
            kept.setdefault(kind, {})[name] = tensor.to(device)
    return kept, moments
