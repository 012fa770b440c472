"""Policies of the kind "relpscost": a small model steers SCIP's reliability branching.

The model scores each candidate by what the solver knows of it, without the LP's graph; only the
best are handed to reliability branching, and a monitor inside the solve finds out how many, and
whether it pays at all (``cpp/shortlist_monitor.h``). Such a policy is a folder like any other, with
``weights.safetensors`` and a ``card.json`` that has a ``kind``. To let models read something more
of a candidate, add its name to ``FEATURES`` and to ``cpp/candidate_model``.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct, field

from kida.boundary import Seed, checked, convert, plain, read_json, write_json
from kida.errors import UserError
from kida.files import atomic_path
from kida.network.architecture import Weights
from kida.network.card import LARGEST_CARD
from kida.network.policy import (
    CARD_FILE,
    WEIGHTS_FILE,
    Policy,
    policy_folder,
    read_weights,
    weights_content,
)
from kida.observation import CandidateFeature
from kida.parameters import ParameterValue, check_parameters

if TYPE_CHECKING:
    from kida._core import NativeSteering

KIND: Literal["relpscost"] = "relpscost"

#: What there is to read of a candidate, all between 0 and 1: the candidates' features of
#: :class:`kida.observation.CandidateFeature`; twice the distance of its LP value from the next
#: integer; its objective coefficient, relative to the largest among the candidates; and a random
#: number, for controls: a model that reads nothing else makes random shortlists.
FEATURES = (
    *(feature.name.lower() for feature in CandidateFeature),
    "fractionality",
    "objective_size",
    "noise",
)

#: The version of these features' meaning; to change one, raise it.
STEERING_VERSION = 1

_Feature = Annotated[str, Meta(max_length=100)]
_Length = Annotated[int, Meta(ge=1, le=10**6)]


class SteeringCard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a steering policy is, how it was made and what it was measured to do.

    Attributes
    ----------
    kind
        ``"relpscost"``.
    features
        What the model reads of a candidate, names of ``FEATURES`` in the order of its weights.
    hidden
        Neurons of its hidden layer.
    shortlists
        How many candidates SCIP's reliability branching may be asked about, rising; the monitor
        chooses among these, and all.
    monitor
        Whether there is one. Without it the first shortlist is used everywhere, pay it or not.
    parameters, recipe, seeds, scip_version, results
        As in :class:`kida.network.card.Card`.

    Raises
    ------
    UserError
        If there is no such feature, one is there twice, the shortlists do not rise, or a parameter
        is none that a card may set.
    """

    kind: Literal["relpscost"] = KIND
    features: Annotated[tuple[_Feature, ...], Meta(min_length=1, max_length=len(FEATURES))]
    hidden: Annotated[int, Meta(ge=1, le=256)]
    shortlists: Annotated[tuple[_Length, ...], Meta(min_length=1, max_length=16)] = (4, 8, 16)
    monitor: bool = True
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    seeds: Annotated[tuple[Seed, ...], Meta(max_length=10_000)] = ()
    scip_version: Annotated[str, Meta(max_length=100)] = ""
    results: Annotated[tuple[dict[str, Any], ...], Meta(max_length=1000)] = ()

    def __post_init__(self) -> None:
        for name in self.features:
            if name not in FEATURES:
                raise UserError(
                    f"there is no candidate feature {name[:100]!r}; there are {', '.join(FEATURES)}"
                )
        if len(set(self.features)) < len(self.features):
            raise UserError("a candidate feature is there twice; each is read once")
        if any(a >= b for a, b in zip(self.shortlists, self.shortlists[1:], strict=False)):
            raise UserError(f"shortlists is {list(self.shortlists)}; the lengths must rise")
        check_parameters(self.parameters, "the policy's card")

    def to_json(self) -> dict[str, Any]:
        """Return the card as JSON content, its version first."""
        return {"schema_version": STEERING_VERSION, **plain(self)}


def steering_card_from(content: Mapping[str, Any], trouble: str) -> SteeringCard:
    """Return the card that parsed JSON describes; ``trouble`` begins the message if none.

    Raises
    ------
    UserError
        If it is of another version, or a field is unknown, missing or wrong.
    """
    content = dict(content)
    version = content.pop("schema_version", None)
    if type(version) is not int or version != STEERING_VERSION:
        raise UserError(
            f"{trouble}: it has schema version {repr(version)[:50]}, and this kida reads version "
            f"{STEERING_VERSION} of the kind {KIND!r}: use the kida that wrote it, or train anew"
        )
    return convert(content, SteeringCard, trouble)


@dataclass(frozen=True, eq=False)
class Steering:
    """A model's weights and its card.

    Attributes
    ----------
    weights
        ``hidden.weight`` of shape ``(h, f)``, ``hidden.bias`` of ``(h,)`` and ``output.weight`` of
        ``(1, h)`` for ``h`` hidden neurons and ``f`` features, float32 and finite: the score of
        features ``x`` is ``output relu(hidden x + bias)``.
    card
        What they are.
    """

    weights: Weights
    card: SteeringCard

    def __post_init__(self) -> None:
        checked(self.card)
        h, f = self.card.hidden, len(self.card.features)
        expected = {"hidden.weight": (h, f), "hidden.bias": (h,), "output.weight": (1, h)}
        if self.weights.keys() != expected.keys():
            raise UserError(
                f"the weights are {', '.join(sorted(self.weights))[:200]}, not those of a steering "
                f"model, {', '.join(sorted(expected))}: card and weights do not belong together"
            )
        for name, shape in expected.items():
            array = self.weights[name]
            if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
                raise UserError(
                    f"the weights' {name!r} must be finite float32 of shape {shape}, as the card "
                    f"says, and is {array.dtype} of shape {array.shape}: restore the original files"
                )

    @property
    def has_network(self) -> bool:
        """Whether anything is learned: of a model, always."""
        return True

    def identity(self) -> str:
        """Return a digest, in hexadecimal, of everything that decides how the policy branches."""
        card = self.card
        behaviour = [KIND, card.features, card.shortlists, card.monitor, dict(card.parameters)]
        digest = hashlib.sha256(json.dumps(behaviour, sort_keys=True).encode())
        for name in sorted(self.weights):
            digest.update(name.encode() + self.weights[name].tobytes())
        return digest.hexdigest()

    def save(self, folder: str | Path) -> None:
        """Write the policy into ``folder``, the card last, as :meth:`Policy.save` does."""
        folder = Path(folder)
        with atomic_path(folder / WEIGHTS_FILE) as temporary:
            temporary.write_bytes(weights_content(self.weights))
        write_json(folder / CARD_FILE, self.card.to_json())

    def native(self) -> "NativeSteering":
        """Return the native model with these weights, and how it is used."""
        from kida._core import NativeSteering

        card = self.card
        columns = [FEATURES.index(name) for name in card.features]
        native: NativeSteering = NativeSteering(
            self.weights, columns, card.hidden, list(card.shortlists), card.monitor
        )
        return native


#: A policy of any kind.
AnyPolicy = Policy | Steering


def load_policy(name_or_folder: str | Path) -> AnyPolicy:
    """Read a policy of any kind, as :meth:`Policy.load` reads a network's.

    Raises
    ------
    UserError
        As there.
    """
    folder = policy_folder(name_or_folder)
    try:
        content = read_json(
            folder / CARD_FILE, dict[str, Any], "a policy's card", largest=LARGEST_CARD
        )
    except FileNotFoundError:
        content = {}
    if "kind" not in content:
        return Policy.load(name_or_folder)
    card = steering_card_from(content, f"{folder / CARD_FILE} is not a policy's card")
    try:
        return Steering(read_weights(folder), card)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None


def by_one_feature(name: str, *, descending: bool = True, **card: Any) -> Steering:
    """Return a model that orders candidates by a single feature, highest or lowest first.

    By ``"pseudocost_score"`` it orders them as SCIP's pseudocost rule does; by ``"noise"`` at
    random.
    """
    sign, bias = (1.0, 0.0) if descending else (-1.0, 1.0)
    weights = {
        "hidden.weight": np.array([[sign]], np.float32),
        "hidden.bias": np.array([bias], np.float32),
        "output.weight": np.array([[1.0]], np.float32),
    }
    return Steering(weights, SteeringCard(features=(name,), hidden=1, **card))
