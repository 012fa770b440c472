"""The configuration of a training run: every choice, its default, its bounds and what it means.

Read from TOML with ``--set table.key=value`` on top; unknown keys and values out of bounds are
refused. A new option is a field here with its line in the docstring; an option of the branching
rule itself belongs in ``kida.rule``, from which it is inherited. The number of processes is no part
of the configuration: it may change when a run is resumed.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from kida.boundary import (
    Count,
    Natural,
    Positive,
    Probability,
    Seconds,
    Seed,
    Share,
    convert,
    plain,
    read_toml,
)
from kida.errors import UserError
from kida.network.architecture import Architecture, EmbeddingSize
from kida.parameters import ParameterValue
from kida.rule import Acting, Depth, Recording

#: Who may branch before there is a network.
FirstActing = Literal["expert", "random", "default", "pscost"]
#: A declared kind of options.
Options = TypeVar("Options", bound=Struct)
#: Version of the run folder's layout.
RUN_VERSION = 5


class CollectionConfig(Recording, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How episodes are played and which nodes are recorded.

    The options of the branching rule are those of :class:`kida.rule.Recording`, under its names;
    here is what is particular to a run.

    Attributes
    ----------
    episodes
        Training episodes per generation, each on an instance and seed not used before.
    validation_episodes
        Episodes per generation on instances that are never trained on.
    sizes
        The family's sizes that the first, second, ... generation plays on, the last one for all
        that follow; empty: the run's, on which policies are judged in any case. Where LPs take
        long, many samples of a small size and some of the real one may cost less.
    first_acting
        Who branches at unrecorded nodes in the first generation, when there is no network:
        ``"expert"``, ``"random"``, ``"default"`` (SCIP's own rules) or ``"pscost"`` (SCIP's
        pseudocosts, never strong branching); of several, the episodes take turns.
    acting
        The same for all later generations; ``"network"`` is the previous generation's.
    first_expert_candidates
        In the first generation the expert evaluates only this many candidates, those of best
        pseudocost score, and the others count as never best; 0 means all.
    expert_candidates
        The same for all later generations: those that the network scores highest, where it acts.
        Strong branching is most of the cost of a sample.
    expert_score
        ``module:function`` that makes the expert's scores of its gains: called with an
        :class:`kida.solver.branching.ExpertNode`, returns one score per candidate. Empty: SCIP's
        branching score.
    probability_by_depth
        Probability of recording a node at depth 0, 1, ...; the last value holds for all deeper
        nodes. Recording costs a strong branching.
    thinning
        Factors on those probabilities; the episodes take turns. A factor of 1 fills an episode
        with the first nodes of its tree, a small one spreads the samples over thousands of nodes
        that the acting policy reached.
    samples_per_episode
        An episode ends its recording, and itself, at this number of samples.
    time_limit
        Seconds per episode, from where the settings' clock starts: the end of the root node, or,
        under ``"research"``, the beginning.
    settings
        The named SCIP settings to play under.
    parameters
        SCIP parameters to set on top of them, by name. The policy brings them along, in its card.
        ``branching/scorefunc`` and ``branching/scorefac`` say how the expert makes one score of
        two gains.
    user_parameters
        SCIP parameters of the user's own, set before those: the policy does not bring them along.
    """

    episodes: Count = 60
    validation_episodes: Count = 10
    sizes: tuple[str, ...] = ()
    first_acting: Annotated[tuple[FirstActing, ...], Meta(min_length=1)] = ("pscost",)
    acting: Annotated[tuple[Acting, ...], Meta(min_length=1)] = ("network",)
    first_expert_candidates: Natural = 0
    expert_candidates: Natural = 16
    expert_score: str = ""
    probability_by_depth: Annotated[tuple[Probability, ...], Meta(min_length=1)] = (
        *(1.0,) * 3,
        *(0.5,) * 10,
        0.05,
    )
    thinning: Annotated[tuple[Annotated[float, Meta(gt=0.0, le=1.0)], ...], Meta(min_length=1)] = (
        1.0,
        0.1,
        0.01,
    )
    samples_per_episode: Annotated[int, Meta(ge=1, le=10**6)] = 30
    time_limit: Seconds = 40.0
    settings: str = "competition"
    parameters: Mapping[str, ParameterValue] = {}
    user_parameters: Mapping[str, ParameterValue] = {}


class TrainingConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one generation is trained.

    Attributes
    ----------
    embedding_size
        Width of the network: a multiple of 8 up to 128.
    candidate_features
        Whether the network also reads what the solver has learned of the candidates, such as their
        pseudocosts (:class:`kida.observation.CandidateFeature`). That depends on who branched
        before: ``"default"`` and ``"expert"`` teach the solver more than the finished policy will
        find, ``"pscost"`` does not.
    start
        ``"shared"``: every generation starts from the same initial weights; ``"previous"``: from
        the generation before. Either way they descend from one initialisation, without which
        averaging weights fails.
    epochs
        Epochs per generation, at most.
    draws_per_epoch
        Samples drawn from the aggregate for one epoch: each once before any comes again.
    edges_per_batch
        A batch is filled with samples until it has this many edges: the memory and time of a step
        depend on edges, not on samples.
    learning_rate
        Of AdamW, at the start.
    weight_decay
        Of AdamW, decoupled from the gradient.
    loss
        ``"hard"``: cross-entropy on the best candidates, ties sharing the mass; ``"soft"``:
        cross-entropy on the softmax of the scores.
    temperature
        Of the soft targets, in units of the best score's distance to the mean.
    teacher
        A network whose choices are imitated beside the expert's: ``"previous"`` is the generation
        before (consistency between generations); a policy's name or folder distils it, into a
        network of any size; empty for none.
    teacher_weight
        Weight of the cross-entropy to the teacher's softmax, that of the loss being 1.
    label_smoothing
        Share of the target's mass spread evenly over the candidates.
    average_decay
        Decay per step of the exponential moving average of the weights; 0 keeps none. With one,
        the average is validated and kept.
    patience
        Epochs without a clearly better validation loss before the learning rate falls; after as
        many more that brought nothing either, training stops.
    prenorm_batches
        Batches on which the prenorm statistics are fitted.
    device
        ``"auto"``: CUDA when there is one, else the CPU; or a torch device's name.
    """

    embedding_size: EmbeddingSize = 32
    candidate_features: bool = True
    start: Literal["shared", "previous"] = "previous"
    epochs: Count = 20
    draws_per_epoch: Count = 10_000
    edges_per_batch: Count = 150_000
    learning_rate: Positive = 1e-3
    weight_decay: Annotated[float, Meta(ge=0.0, le=1e9)] = 1e-4
    loss: Literal["hard", "soft"] = "hard"
    temperature: Positive = 0.3
    teacher: str = ""
    teacher_weight: Positive = 0.5
    label_smoothing: Share = 0.1
    average_decay: Share = 0.0
    patience: Count = 3
    prenorm_batches: Count = 8
    device: str = "auto"

    @property
    def architecture(self) -> Architecture:
        """The network's."""
        return Architecture(self.embedding_size, candidate_features=self.candidate_features)


class InheritanceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the generations are merged into the final policy, by reward in the solver.

    Attributes
    ----------
    method
        ``"best"``: uniform average of the ``count`` best generations, as KIDA; ``"greedy"``: a
        generation enters the average only if the reward rises; ``"last"``: no merging.
    count
        See ``method``.
    iterate
        Whether the uniform average of the last ``count`` generations, instead of the last
        generation alone, acts in the next one and is where its training starts, if that is
        ``"previous"`` (WARP, arXiv:2406.16768).
    instances
        Validation instances on which the reward is measured; clear losers stop earlier.
    time_limit
        Seconds per validation solve, counted in the same way as ``collection.time_limit``.
    expert_depths
        Depths to which strong branching is tried above the merged network; the best by reward
        goes into the policy's card. Generations and averages are compared at the first of them.
    expert_candidates
        Lengths of the network's shortlist that strong branching evaluates there, tried with every
        depth; 0 means all candidates. With 1 the network chooses, and the dual bound rises by what
        is proved for the children of its choice before they are processed. Generations are compared
        at the first of them.
    expert_iterations
        As ``collection.expert_iterations``, of that strong branching.
    parameters
        SCIP parameters, by name, that the policies are judged under and the final one brings along,
        beside ``collection.parameters``: such as another order of processing nodes than the
        episodes', in which samples come from all depths.
    """

    method: Literal["best", "greedy", "last"] = "best"
    count: Count = 3
    iterate: bool = False
    instances: Count = 4
    time_limit: Seconds = 45.0
    expert_depths: Annotated[tuple[Depth, ...], Meta(min_length=1)] = (-1,)
    expert_candidates: Annotated[tuple[Natural, ...], Meta(min_length=1)] = (0,)
    expert_iterations: Natural = 0
    parameters: Mapping[str, ParameterValue] = {}


class RunConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One training run.

    Attributes
    ----------
    family
        A family's name, or a folder or pattern of instance files.
    size
        One of the family's sizes; empty means its first.
    seed
        From it every other random choice is derived.
    generations
        How many there are.
    kind
        ``"network"``, or ``"relpscost"``: a small model of the candidates that steers SCIP's
        reliability branching (:mod:`kida.network.steering`), for folders of problems of any kind.
        It is trained on one generation's samples; of ``training`` it has no options.
    collection, training, inheritance
        The parts.
    """

    family: str
    size: str = ""
    seed: Seed = 0
    generations: Annotated[int, Meta(ge=1, le=999)] = 5
    kind: Literal["network", "relpscost"] = "network"
    collection: CollectionConfig = CollectionConfig()
    training: TrainingConfig = TrainingConfig()
    inheritance: InheritanceConfig = InheritanceConfig()


def read_config(
    family: str | None, file: Path | None = None, overrides: Iterable[str] = ()
) -> RunConfig:
    """Return the configuration of a run.

    Parameters
    ----------
    family
        See :class:`RunConfig`; None if the file names it, which must name the same otherwise.
    file
        A TOML file with the tables ``collection``, ``training`` and ``inheritance``.
    overrides
        Assignments ``key=value`` or ``table.key=value`` with TOML values (quotes around a single
        word may be left out), applied in order on top of the file.

    Raises
    ------
    UserError
        If the file cannot be read, no family is named, or a key is unknown or has a value of
        another type or out of its bounds.
    """
    return config_from(read_tables(family, file, overrides))


def read_tables(
    family: str | None, file: Path | None = None, overrides: Iterable[str] = ()
) -> dict[str, Any]:
    """Return what :func:`read_config` reads as plain nested tables, not yet checked.

    Raises
    ------
    UserError
        If the file cannot be read, no family is named or another one, or an override is none.
    """
    content: dict[str, Any] = {} if file is None else read_toml(file, "a configuration")
    for override in overrides:
        _override(content, override)
    if family is None:
        if "family" not in content:
            raise UserError(
                "which family? name it on the command line or in the configuration file"
            )
    elif content.setdefault("family", family) != family:
        raise UserError(
            f"{file or '--set'} is for the family {repr(content['family'])[:100]}, not {family!r}"
        )
    return content


def config_from(content: dict[str, Any]) -> RunConfig:
    """Return the configuration that nested tables of plain values describe.

    Raises
    ------
    UserError
        If a key is unknown, or a value is of another type or out of its bounds.
    """
    return options_from(content, RunConfig)


def options_from(content: dict[str, Any], kind: type[Options]) -> Options:
    """Return options of a declared kind out of plain tables; one value may stand for a list of one.

    Raises
    ------
    UserError
        See :func:`config_from`.
    """
    return convert(_lists(content, kind), kind, "the configuration cannot be used")


def first_difference(ours: Any, theirs: Any) -> str | None:
    """Return the first key in which two configurations differ, with both values, or None."""
    left, right = _flatten(plain(ours)), _flatten(plain(theirs))
    for key in left | right:
        if left.get(key) != right.get(key):
            there, here = json.dumps(right.get(key)), json.dumps(left.get(key))
            return f"{key} is {there} there and {here} here"
    return None


def _override(content: dict[str, Any], override: str) -> None:
    """Put one assignment of ``--set`` into ``content``."""
    key, separator, value = override.partition("=")
    if not separator:
        raise UserError(f"--set {override!r} has no '='; write --set key=value")
    *tables, name = key.strip().split(".")
    place = content
    for table in tables:
        place = place.setdefault(table, {})
        if not isinstance(place, dict):
            raise UserError(f"--set {override!r}: {table} is not a table")
    place[name] = _toml_value(value.strip())


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    # Also Python's own limit on the digits of a number.
    except (ValueError, RecursionError):
        return text


def _lists(content: dict[str, Any], kind: type[Struct]) -> dict[str, Any]:
    """Return ``content`` with lists of one where a value stands for a list."""
    found = dict(content)
    for entry in msgspec.structs.fields(kind):
        value, expected = found.get(entry.name), entry.type
        if isinstance(value, dict) and isinstance(expected, type) and issubclass(expected, Struct):
            found[entry.name] = _lists(value, expected)
        while get_origin(expected) is Annotated:
            expected = get_args(expected)[0]
        if get_origin(expected) is tuple and isinstance(value, str | int | float):
            found[entry.name] = [value]
    return found


def _flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = list(value) if isinstance(value, tuple) else value
    return flat
