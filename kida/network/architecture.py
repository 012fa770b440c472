"""The network's shape: its free choices, and the arrays that follow from them.

A new option is a field of :class:`Architecture` and a line in :func:`shapes`; the torch and the
native network (``gnn.py``, ``cpp/network.cpp``) follow it.
"""

from typing import Annotated, Any, cast

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from kida.errors import UserError
from kida.observation import (
    NETWORK_VARIABLE_FEATURES,
    SCHEMA_VERSION,
    CandidateFeature,
    RowFeature,
    VariableFeature,
)

#: State-dict name to float32 array, the prenorm layers' included.
Weights = dict[str, NDArray[np.float32]]

LARGEST_EMBEDDING = 128
EmbeddingSize = Annotated[int, Meta(ge=8, le=LARGEST_EMBEDDING, multiple_of=8)]


class Architecture(Struct, frozen=True, forbid_unknown_fields=True):
    """The free choices in the network's shape.

    Attributes
    ----------
    embedding_size
        Width of every hidden layer: a multiple of 8 up to 128.
    candidate_features
        Whether the readout reads, beside a candidate's embedding, what the solver has learned of it
        (:class:`kida.observation.CandidateFeature`).
    incumbent_features
        Whether it reads the incumbent's two columns of the variables too, 0 where there is no
        incumbent. kida trains none that does; imported ones may.

    Raises
    ------
    UserError
        If the embedding size is another.
    """

    embedding_size: EmbeddingSize = 64
    candidate_features: bool = False
    incumbent_features: bool = False

    def __post_init__(self) -> None:
        size = self.embedding_size
        # Programs build it without the checks that a file goes through.
        if type(size) is not int or size not in range(8, LARGEST_EMBEDDING + 1, 8):
            raise UserError(
                f"the embedding size is {size!r}; it must be a multiple of 8 "
                f"up to {LARGEST_EMBEDDING}"
            )

    @property
    def schema_version(self) -> int:
        """The version of the observation schema that the network reads."""
        return SCHEMA_VERSION if self.candidate_features else 1

    @property
    def variable_features(self) -> tuple[VariableFeature, ...]:
        """The columns of the variables' features that the network reads, in its order."""
        return tuple(VariableFeature) if self.incumbent_features else NETWORK_VARIABLE_FEATURES

    @property
    def readout_size(self) -> int:
        """How many numbers the readout makes a candidate's score of."""
        return self.embedding_size + (len(CandidateFeature) if self.candidate_features else 0)


def shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    """Return name to shape of every array of the network, in the published release's names."""
    size = architecture.embedding_size
    found: dict[str, tuple[int, ...]] = {"edge_embedding.0.shift": (1,)}
    found["edge_embedding.0.scale"] = (1,)
    for name, features in (
        ("cons_embedding", len(RowFeature)),
        ("var_embedding", len(architecture.variable_features)),
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


def check_weights(weights: Weights, architecture: Architecture) -> None:
    """Raise a UserError unless these are all arrays of that network, float32 and finite."""
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
