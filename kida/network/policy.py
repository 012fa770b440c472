"""Policies on disk and in memory: a network's weights with the card that says what they are.

A policy is a folder with ``weights.safetensors`` and ``card.json``, or, without a network, the card
alone; the shipped ones are in the repository's ``models/`` and inside the installed package.
Nothing here needs torch: solving never imports it.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors.numpy
from safetensors import SafetensorError

from kida.boundary import checked, read_bytes, write_json
from kida.errors import UserError
from kida.files import atomic_path
from kida.network.architecture import Weights, check_weights
from kida.network.card import Card, read_card

if TYPE_CHECKING:
    from kida._core import NativeNetwork

WEIGHTS_FILE = "weights.safetensors"
CARD_FILE = "card.json"
#: Bytes that a network's weights may have: the largest are just below a mebibyte.
LARGEST_WEIGHTS = 2 << 20


def holds_policy(folder: Path) -> bool:
    """Return whether a policy has been written to ``folder``: its card is written last."""
    return (folder / CARD_FILE).exists()


@dataclass(frozen=True, eq=False)
class Policy:
    """A network's weights and its card.

    Attributes
    ----------
    weights
        Every array of :func:`shapes`, float32 and finite; of a loaded policy, by name. None of
        them without a network.
    card
        What they are.
    """

    weights: Weights
    card: Card

    def __post_init__(self) -> None:
        checked(self.card)
        if self.card.architecture is not None:
            check_weights(self.weights, self.card.architecture)
        elif self.weights:
            raise UserError(
                "there are weights, but the card says that there is no network: they do not "
                "belong together"
            )

    @property
    def has_network(self) -> bool:
        """Whether a network branches; otherwise SCIP does, under the card's parameters."""
        return self.card.architecture is not None

    @property
    def is_parameters_only(self) -> bool:
        """Whether all that it does is to set the card's parameters, which needs no kida."""
        return not (self.has_network or self.card.start or self.card.pseudocosts)

    def identity(self) -> str:
        """Return a digest, in hexadecimal, of everything that decides how the policy branches."""
        card = self.card
        behaviour: list[Any] = [card.candidates, card.expert_depth, card.expert_candidates]
        if card.expert_iterations:  # identities from before that field hold
            behaviour.append(card.expert_iterations)
        later = {"network_depth": card.network_depth, "shortlist": card.shortlist}
        if later != {"network_depth": -1, "shortlist": 0}:
            behaviour.append(later)
        memory = {"start": dict(card.start), "pseudocosts": dict(card.pseudocosts)}
        if any(memory.values()):
            behaviour.append(memory)
        digest = hashlib.sha256(
            json.dumps([*behaviour, dict(card.parameters)], sort_keys=True).encode()
        )
        for name in sorted(self.weights):
            digest.update(name.encode() + self.weights[name].tobytes())
        return digest.hexdigest()

    @classmethod
    def load(cls, name_or_folder: str | Path) -> "Policy":
        """Read a policy: a shipped one by its name, any other by its folder or its run's.

        A name means the shipped policy; for a folder of the same name here, write ``./name``.

        Raises
        ------
        UserError
            If there is none, its card is of another version, unreadable or wrong, or its weights
            are damaged, too large, not finite, or do not fit the card.
        """
        folder = policy_folder(name_or_folder)
        try:
            card = read_card(folder / CARD_FILE)
        except FileNotFoundError:
            raise UserError(
                f"{folder} holds no {CARD_FILE}: it is not a policy; "
                "give the folder that 'kida train' or 'kida tune' left"
            ) from None
        # Weights beside a card without a network are found, to be refused.
        some = card.architecture is not None or (folder / WEIGHTS_FILE).exists()
        weights = read_weights(folder) if some else {}
        try:
            return cls(weights, card)
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
        if self.has_network:
            with atomic_path(folder / WEIGHTS_FILE) as temporary:
                temporary.write_bytes(weights_content(self.weights))
        write_json(folder / CARD_FILE, self.card.to_json())

    def native(self) -> "NativeNetwork":
        """Return the native network with these weights.

        Raises
        ------
        UserError
            If there is no network, or the environment forces an instruction set that this
            processor does not have.
        """
        from kida._core import NativeNetwork
        from kida.network.instruction_set import apply_environment

        apply_environment()
        architecture = self.card.shape
        network: NativeNetwork = NativeNetwork(
            self.weights,
            architecture.embedding_size,
            architecture.candidate_features,
            architecture.incumbent_features,
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


def weights_content(weights: Weights) -> bytes:
    """Return the content of a policy's file of weights."""
    # Not `save_file`, whose files only their owner can read.
    return safetensors.numpy.save(weights)


def read_weights(folder: Path) -> Weights:
    """Read a policy's weights, by name, unchecked.

    Raises
    ------
    UserError
        If there are none in the folder, or they are damaged or too large.
    """
    weights_file = folder / WEIGHTS_FILE
    try:
        content = read_bytes(weights_file, "a network's weights", LARGEST_WEIGHTS)
        # Sorted as always: the reader's own order is another one each time, and a search's steps
        # follow it.
        return dict(sorted(safetensors.numpy.load(content).items()))
    except FileNotFoundError:
        raise UserError(f"{folder} holds no {WEIGHTS_FILE}; restore the file") from None
    # A type of number that numpy lacks is a KeyError.
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{weights_file} is truncated or damaged ({error}); fetch or train it again"
        ) from error


def policy_folder(name_or_folder: str | Path) -> Path:
    """Return the folder of a policy: a shipped one's by its name, any other or its run's.

    Raises
    ------
    UserError
        If there is none.
    """
    if isinstance(name_or_folder, str):
        known = shipped()
        if name_or_folder in known:
            return known[name_or_folder]
    folder = Path(name_or_folder)
    # Not pathlib's question, which raises for a text that is too long for a name.
    if os.path.isdir(folder):
        # Of a training run, the policy that it ended with.
        finished = folder / "policy"
        is_run = not holds_policy(folder) and holds_policy(finished)
        return finished if is_run else folder
    names = ", ".join(shipped()) or "none"
    raise UserError(
        f"there is no policy {str(name_or_folder)!r}: it is neither a folder "
        f"nor a shipped policy (shipped: {names})"
    )
