"""Policies on disk and in memory: a network's weights with the card that says what they are.

A policy is a folder with ``weights.safetensors`` and ``card.json``; the shipped ones are in the
repository's ``models/`` and inside the installed package. Nothing here needs torch: solving never
imports it. A new architecture option is a field of :class:`Architecture` and a line in
:func:`shapes`.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from kida.boundary import write_json
from kida.errors import UserError
from kida.files import atomic_path
from kida.observation import (
    NETWORK_VARIABLE_FEATURES,
    SCHEMA_VERSION,
    CandidateFeature,
    RowFeature,
)
from kida.parameters import ParameterValue

if TYPE_CHECKING:
    from kida._core import NativeNetwork

#: State-dict name to float32 array, prenorm statistics included.
Weights = dict[str, NDArray[np.float32]]
Candidates = Literal["fractional", "unfixed"]

WEIGHTS_FILE = "weights.safetensors"
CARD_FILE = "card.json"
LARGEST_EMBEDDING = 128


@dataclass(frozen=True)
class Architecture:
    """The free choices in the network's shape.

    Attributes
    ----------
    embedding_size
        Width of every hidden layer: a multiple of 8 up to 128.
    statistics
        Whether the readout reads, beside a candidate's embedding, the solver's statistics of it
        (:class:`kida.observation.CandidateFeature`).
    """

    embedding_size: int = 64
    statistics: bool = False

    def __post_init__(self) -> None:
        size = self.embedding_size
        if not isinstance(size, int) or not 8 <= size <= LARGEST_EMBEDDING or size % 8:
            raise UserError(
                f"the embedding size is {size!r}; it must be a multiple of 8 "
                f"up to {LARGEST_EMBEDDING}"
            )
        if not isinstance(self.statistics, bool):
            raise UserError(
                f"the architecture's statistics is {self.statistics!r}; it must be true or false"
            )

    @property
    def schema_version(self) -> int:
        """The version of the observation schema that the network reads."""
        return SCHEMA_VERSION if self.statistics else 1

    @property
    def readout_size(self) -> int:
        """How many numbers the readout makes a candidate's score of."""
        return self.embedding_size + (len(CandidateFeature) if self.statistics else 0)


def shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Return name to shape of every array of the network, in the published release's names."""
    size = architecture.embedding_size
    found: dict[str, tuple[int, ...]] = {"edge_embedding.0.shift": (1,)}
    found["edge_embedding.0.scale"] = (1,)
    for name, features in (
        ("cons_embedding", len(RowFeature)),
        ("var_embedding", len(NETWORK_VARIABLE_FEATURES)),
    ):
        found |= {
            f"{name}.0.shift": (features,),
            f"{name}.0.scale": (features,),
            f"{name}.1.weight": (size, features),
            f"{name}.1.bias": (size,),
            f"{name}.3.weight": (size, size),
            f"{name}.3.bias": (size,),
        }
    for name in ("conv_v_to_c", "conv_c_to_v"):
        found |= {
            f"{name}.feature_module_left.0.weight": (size, size),
            f"{name}.feature_module_left.0.bias": (size,),
            f"{name}.feature_module_edge.0.weight": (size, 1),
            f"{name}.feature_module_right.0.weight": (size, size),
            f"{name}.feature_module_final.0.scale": (1,),
            f"{name}.feature_module_final.2.weight": (size, size),
            f"{name}.feature_module_final.2.bias": (size,),
            f"{name}.post_conv_module.0.scale": (1,),
            f"{name}.output_module.0.weight": (size, 2 * size),
            f"{name}.output_module.0.bias": (size,),
            f"{name}.output_module.2.weight": (size, size),
            f"{name}.output_module.2.bias": (size,),
        }
    found |= {
        "output_module.0.weight": (size, architecture.readout_size),
        "output_module.0.bias": (size,),
        "output_module.2.weight": (1, size),
    }
    return found


@dataclass(frozen=True)
class Card:
    """What a policy is, how it was made and what it was measured to do.

    Attributes
    ----------
    architecture
        The network's shape.
    candidates
        The variables among which the policy chooses: the ``"fractional"`` ones of the LP
        solution, or every ``"unfixed"`` integer variable.
    expert_depth
        At nodes of at most this depth strong branching decides instead of the network; -1 means
        never.
    expert_candidates
        How many candidates strong branching evaluates there: those that the network scores
        highest; 0 means all.
    expert_iterations
        How many simplex iterations it spends on a child at most; 0 means until it is solved.
    parameters
        SCIP parameters that the policy was trained under and brings along, by name: attaching it
        sets them.
    recipe
        How it was trained: whatever is needed to do it again.
    seeds
        The seeds of that training.
    scip_version
        The SCIP that produced the training data, such as ``"10.0.0"``; empty if unknown.
    results
        Measured results, each with the command that measured it.
    """

    architecture: Architecture = field(default_factory=Architecture)
    candidates: Candidates = "fractional"
    expert_depth: int = -1
    expert_candidates: int = 0
    expert_iterations: int = 0
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    scip_version: str = ""
    results: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        if self.candidates not in ("fractional", "unfixed"):
            raise UserError(
                f"the policy's card names the candidates {self.candidates!r}; "
                "write 'fractional' or 'unfixed'"
            )
        if not isinstance(self.expert_depth, int) or self.expert_depth < -1:
            raise UserError(
                f"the policy's card has expert_depth {self.expert_depth!r}; "
                "write a depth, or -1 for never"
            )
        for name in ("expert_candidates", "expert_iterations"):
            limit = getattr(self, name)
            if not isinstance(limit, int) or limit < 0:
                raise UserError(
                    f"the policy's card has {name} {limit!r}; write a number, or 0 for no limit"
                )
        for name, value in self.parameters.items():
            if not isinstance(value, bool | int | float | str):
                raise UserError(
                    f"the policy's card sets SCIP's parameter {name!r} to {value!r}; "
                    "write a number, a truth value or a string"
                )

    @classmethod
    def from_json(cls, content: Any) -> "Card":
        """Return the card that ``content``, the parsed JSON, describes.

        Raises
        ------
        UserError
            If it is no card, is of a schema version unknown here or not its architecture's, or has
            a field unknown here.
        """
        if not isinstance(content, dict) or "schema_version" not in content:
            raise UserError("the policy's card has no schema_version; restore the original file")
        content = dict(content)
        version = content.pop("schema_version")
        # The version comes first: the fields of another version cannot be judged here.
        if version not in range(1, SCHEMA_VERSION + 1):
            raise UserError(
                f"the policy's card has schema version {version!r}, and this kida "
                f"reads versions 1 to {SCHEMA_VERSION}: use the kida that wrote it, or train anew"
            )
        architecture = content.get("architecture", {})
        for given, known in ((content, cls), (architecture, Architecture)):
            names = {entry.name for entry in dataclasses.fields(known)}
            if not isinstance(given, dict) or (unknown := sorted(set(given) - names)):
                raise UserError(
                    f"the policy's card has the unknown field {unknown[0]!r}: "
                    "it was written by a newer kida, or by hand"
                    if isinstance(given, dict)
                    else "the policy's card has an architecture that is not a table"
                )
        shape = Architecture(**architecture)
        if version != shape.schema_version:
            raise UserError(
                f"the policy's card has schema version {version}, but a network "
                f"{'with' if shape.statistics else 'without'} statistics is of version "
                f"{shape.schema_version}: restore the original file"
            )
        return cls(
            **{
                **content,
                "architecture": shape,
                "seeds": tuple(content.get("seeds", ())),
                "results": tuple(content.get("results", ())),
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON content; :meth:`from_json` reads it back."""
        version = self.architecture.schema_version
        return {"schema_version": version, **dataclasses.asdict(self)}


@dataclass(frozen=True, eq=False)
class Policy:
    """A network's weights and its card.

    Attributes
    ----------
    weights
        Every array of :func:`shapes`, float32 and finite.
    card
        What they are.
    """

    weights: Weights
    card: Card

    def __post_init__(self) -> None:
        _check(self.weights, self.card.architecture)

    def identity(self) -> str:
        """Return a digest, in hexadecimal, of everything that decides how the policy branches."""
        card = self.card
        behaviour = [card.candidates, card.expert_depth, card.expert_candidates]
        if card.expert_iterations:  # identities from before that field hold
            behaviour.append(card.expert_iterations)
        digest = hashlib.sha256(
            json.dumps([*behaviour, dict(card.parameters)], sort_keys=True).encode()
        )
        for name in sorted(self.weights):
            digest.update(name.encode() + self.weights[name].tobytes())
        return digest.hexdigest()

    @classmethod
    def load(cls, name_or_folder: str | Path) -> "Policy":
        """Read a policy: a shipped one by its name, any other by its folder.

        A name means the shipped policy; for a folder of the same name here, write ``./name``.

        Raises
        ------
        UserError
            If there is none, its card is of another version or unreadable, or its weights are
            damaged, not finite, or do not fit the card.
        """
        folder = _find(name_or_folder)
        card_file, weights_file = folder / CARD_FILE, folder / WEIGHTS_FILE
        try:
            content = json.loads(card_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(
                f"{folder} holds no {CARD_FILE}: it is not a policy; "
                "give the folder that 'kida train' left"
            ) from None
        except (OSError, ValueError) as error:
            raise UserError(f"{card_file} cannot be read ({error}); restore the file") from error
        try:
            card = Card.from_json(content)
            weights = safetensors.numpy.load_file(weights_file)
            return cls(weights, card)
        except FileNotFoundError:
            raise UserError(f"{folder} holds no {WEIGHTS_FILE}; restore the file") from None
        except (OSError, SafetensorError, ValueError) as error:
            raise UserError(
                f"{weights_file} is truncated or damaged ({error}); fetch or train it again"
            ) from error
        except UserError as error:
            raise UserError(f"{folder}: {error}") from None

    def save(self, folder: str | Path) -> None:
        """Write the policy into ``folder``; each file appears whole or not at all.

        The card is written last, so that a folder with a card is a complete policy.

        Raises
        ------
        UserError
            If the folder cannot be written.
        """
        folder = Path(folder)
        with atomic_path(folder / WEIGHTS_FILE) as temporary:
            # Not `save_file`, whose files only their owner can read.
            temporary.write_bytes(safetensors.numpy.save(self.weights))
        write_json(folder / CARD_FILE, self.card.to_json())

    def native(self) -> "NativeNetwork":
        """Return the native network with these weights."""
        from kida._core import NativeNetwork

        architecture = self.card.architecture
        network: NativeNetwork = NativeNetwork(
            self.weights, architecture.embedding_size, architecture.statistics
        )
        return network


def shipped() -> dict[str, Path]:
    """Return name to folder of every policy that comes with kida."""
    source = Path(__file__).resolve().parents[2]
    # A source tree's models are the newest; an installed package carries its own copy.
    roots = [source / "models"] if (source / "pyproject.toml").is_file() else []
    roots.append(Path(__file__).resolve().parents[1] / "models")
    found: dict[str, Path] = {}
    for root in roots:
        for card in sorted(root.glob(f"*/{CARD_FILE}")):
            found.setdefault(card.parent.name, card.parent)
    return found


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
        arrays = _read_arrays(path)
    except UserError:
        raise
    # The readers' failures have no common type, torch's unpickling errors least of all.
    except Exception as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} is no readable checkpoint ({first})") from error
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
            raise UserError(f"{path} needs torch to be read: pip install 'kida[train]'") from error
        state = torch.load(path, map_location="cpu", weights_only=True)
        arrays = {name: tensor.numpy() for name, tensor in state.items()}
    else:
        raise UserError(
            f"{path} is not a known checkpoint format; give .pkl, .pt, .pth, .safetensors or .npz"
        )
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def _find(name_or_folder: str | Path) -> Path:
    if isinstance(name_or_folder, str):
        known = shipped()
        if name_or_folder in known:
            return known[name_or_folder]
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder
    names = ", ".join(shipped()) or "none"
    raise UserError(
        f"there is no policy {str(name_or_folder)!r}: it is neither a folder "
        f"nor a shipped policy (shipped: {names})"
    )


def _check(weights: Weights, architecture: Architecture) -> None:
    expected = shapes(architecture)
    if missing := sorted(expected.keys() - weights.keys()):
        raise UserError(f"the weights lack {missing[0]!r}; they are not those of this network")
    if extra := sorted(weights.keys() - expected.keys()):
        raise UserError(f"the weights have {extra[0]!r}, which this network does not know")
    for name, shape in expected.items():
        array = cast(NDArray[Any], weights[name])
        if array.shape != shape:
            raise UserError(
                f"the weights' {name!r} has shape {array.shape}, but the card's architecture "
                f"needs {shape}: card and weights do not belong together"
            )
        if array.dtype != np.float32:
            raise UserError(f"the weights' {name!r} is {array.dtype}; it must be float32")
        if not np.isfinite(array).all():
            raise UserError(f"the weights' {name!r} is not finite: the training failed")
