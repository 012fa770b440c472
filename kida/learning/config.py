"""The configuration of a training run: every choice, its default and what it means.

Read from TOML with ``--set table.key=value`` on top; unknown keys are refused. A new option is a
field here with its line in the docstring. The number of processes is no part of it: it may change
when a run is resumed.
"""

import dataclasses
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from kida.errors import UserError
from kida.network.architecture import Architecture
from kida.parameters import ParameterValue
from kida.rule import CandidateSet as Candidates
from kida.solver.branching import Acting, check_limits, check_window

#: Who may branch before there is a network.
FirstActing = Literal["expert", "random", "default", "pscost"]
#: Version of the run folder's layout.
RUN_VERSION = 3


@dataclass(frozen=True)
class CollectionConfig:
    """How episodes are played and which nodes are recorded.

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
    candidates
        Variables that the expert scores and the network chooses from: the ``"fractional"`` ones
        or every ``"unfixed"`` integer one.
    expert
        How the expert foresees a child: ``"strong_branching"`` solves its LP; ``"pseudocost"``
        goes by what branching on the variable has gained so far, for families whose LPs take too
        long. The latter knows little at the top of a tree: record later (``node_window``).
    first_expert_candidates
        In the first generation the expert evaluates only this many candidates, those of best
        pseudocost score, and the others count as never best; 0 means all.
    expert_candidates
        The same for all later generations: those that the network scores highest, where it acts.
        Strong branching is most of the cost of a sample.
    expert_iterations
        Simplex iterations that strong branching spends on a child at most, after which a bound on
        the child's gain stands for it, as in SCIP's reliability branching; 0: until it is solved.
        For families whose LPs take long.
    expert_score
        ``module:function`` that makes the expert's scores of its gains: called with an
        :class:`kida.solver.branching.ExpertNode`, returns one score per candidate. Empty: SCIP's
        branching score.
    probability_by_depth
        Probability of recording a node at depth 0, 1, ...; the last value holds for all deeper
        nodes. Recording costs a full strong branching.
    thinning
        Factors on those probabilities; the episodes take turns. A factor of 1 fills an episode
        with the first nodes of its tree, a small one spreads the samples over thousands of nodes
        that the acting policy reached.
    depth_window
        First and last depth of the nodes that may be recorded; the first alone means from there
        on, an empty list every depth.
    node_window
        The same for a node's number in the order of processing, the root's being 1. The episode
        ends with the window.
    samples_per_episode
        An episode ends its recording, and itself, at this number of samples.
    act_on_expert
        Whether the expert's choice is taken at recorded nodes (as KIDA does) or the acting
        policy's.
    expert_teaches
        Whether strong branching leaves its pseudocosts in the solver where the choice is taken.
        SCIP's rules branch better by them and an ``expert_score`` may need them, but the finished
        policy will not find them: see ``training.statistics``.
    acting_expert_depth
        At nodes of at most this depth the expert acts in any case; -1 means never.
    time_limit
        Seconds per episode, from where the settings' clock starts: the end of the root node, or,
        under ``"research"``, the beginning.
    node_limit
        Nodes per episode.
    settings
        The named SCIP settings to play under.
    parameters
        SCIP parameters to set on top of them, by name. The policy brings them along, in its card.
        ``branching/scorefunc`` and ``branching/scorefac`` say how the expert makes one score of
        two gains.
    """

    episodes: int = 60
    validation_episodes: int = 10
    sizes: tuple[str, ...] = ()
    first_acting: tuple[FirstActing, ...] = ("pscost",)
    acting: tuple[Acting, ...] = ("network",)
    candidates: Candidates = "fractional"
    expert: Literal["strong_branching", "pseudocost"] = "strong_branching"
    first_expert_candidates: int = 0
    expert_candidates: int = 16
    expert_iterations: int = 0
    expert_score: str = ""
    probability_by_depth: tuple[float, ...] = (*(1.0,) * 3, *(0.5,) * 10, 0.05)
    thinning: tuple[float, ...] = (1.0, 0.1, 0.01)
    depth_window: tuple[int, ...] = ()
    node_window: tuple[int, ...] = ()
    samples_per_episode: int = 30
    act_on_expert: bool = True
    expert_teaches: bool = False
    acting_expert_depth: int = -1
    time_limit: float = 40.0
    node_limit: int = 100_000
    settings: str = "competition"
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _positive(self, "episodes", "validation_episodes", "samples_per_episode", "node_limit")
        _positive(self, "time_limit")
        if not self.probability_by_depth or not all(
            0 <= probability <= 1 for probability in self.probability_by_depth
        ):
            raise UserError("probability_by_depth must be a list of numbers between 0 and 1")
        for name in ("depth_window", "node_window"):
            check_window(name, getattr(self, name))
        if not self.first_acting or not self.acting:
            raise UserError("first_acting and acting must name somebody")
        check_limits(self, "first_expert_candidates", "expert_candidates", "expert_iterations")
        if not self.thinning or not all(0 < factor <= 1 for factor in self.thinning):
            raise UserError("thinning must be a list of numbers above 0 and at most 1")


@dataclass(frozen=True)
class TrainingConfig:
    """How one generation is trained.

    Attributes
    ----------
    embedding_size
        Width of the network: a multiple of 8 up to 128.
    statistics
        Whether the network also reads the solver's statistics of the candidates, such as their
        pseudocosts (:class:`kida.observation.CandidateFeature`). Those depend on who branched
        before: ``"default"`` and ``"expert"`` teach the solver more than the finished policy will
        find, ``"pscost"`` does not.
    start
        ``"shared"``: every generation starts from the same initial weights; ``"previous"``: from
        the generation before. Either way they descend from one initialisation, without which
        averaging weights fails.
    epochs
        Epochs per generation, at most.
    draws_per_epoch
        Samples drawn from the aggregate for one epoch, without repetition as long as it lasts.
    edges_per_batch
        A batch is filled with samples until it has this many edges: the memory and time of a step
        depend on edges, not on samples.
    learning_rate
        Of AdamW, at the start.
    weight_decay
        Of AdamW, decoupled from the gradient.
    loss
        ``"hard"``: cross-entropy on the best candidates, ties sharing the mass; ``"soft"``:
        cross-entropy on the softmax of the scores; ``"ranking"``: every evaluated candidate
        against every better one, weighted by the difference of their scores.
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
    dropout
        Probability of dropping an embedding's feature while training.
    average_decay
        Decay per step of the exponential moving average of the weights; 0 keeps none. With one,
        the average is validated and kept.
    sampling
        How an epoch draws from the aggregate: ``"uniform"``: in random order, each sample once
        before any comes again; with repetition, ``"recent"``: a generation's samples weigh
        ``recency`` times those of the next one; ``"prioritised"``: a sample weighs the loss that
        it had when it was last drawn.
    recency
        See ``sampling``.
    shallow_weight
        Loss weight of samples at depth <= ``shallow_depth``, those below having weight 1.
    shallow_depth
        See ``shallow_weight``.
    patience
        Epochs without a better validation loss before the learning rate is multiplied by
        ``plateau_factor``.
    plateau_factor
        See ``patience``.
    stop_patience
        Epochs without a better validation loss before training stops.
    prenorm_batches
        Batches on which the prenorm statistics are fitted.
    device
        ``"auto"``: CUDA when there is one, else the CPU; or a torch device's name.
    precision
        ``"bfloat16"`` for mixed precision: matrix products in bfloat16, sums in float32.
    """

    embedding_size: int = 32
    statistics: bool = True
    start: Literal["shared", "previous"] = "previous"
    epochs: int = 20
    draws_per_epoch: int = 10_000
    edges_per_batch: int = 150_000
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    loss: Literal["hard", "soft", "ranking"] = "hard"
    temperature: float = 0.3
    teacher: str = ""
    teacher_weight: float = 0.5
    label_smoothing: float = 0.1
    dropout: float = 0.0
    average_decay: float = 0.0
    sampling: Literal["uniform", "recent", "prioritised"] = "uniform"
    recency: float = 0.7
    shallow_weight: float = 1.0
    shallow_depth: int = 12
    patience: int = 3
    plateau_factor: float = 0.3
    stop_patience: int = 8
    prenorm_batches: int = 8
    device: str = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"

    def __post_init__(self) -> None:
        _ = self.architecture  # refuses what no network has
        _positive(self, "epochs", "draws_per_epoch", "edges_per_batch", "learning_rate")
        _positive(
            self, "teacher_weight", "temperature", "recency", "shallow_weight", "prenorm_batches"
        )
        _positive(self, "patience", "stop_patience", "plateau_factor")
        for name in ("label_smoothing", "dropout", "average_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f"{name} is {getattr(self, name)}; it must be in [0, 1)")

    @property
    def architecture(self) -> Architecture:
        """The network's."""
        return Architecture(self.embedding_size, self.statistics)


@dataclass(frozen=True)
class InheritanceConfig:
    """How the generations are merged into the final policy, by reward in the solver.

    Attributes
    ----------
    method
        ``"best"``: uniform average of the ``count`` best generations, as KIDA; ``"greedy"``: a
        generation enters the average only if the reward rises; ``"weighted"``: average of the
        ``count`` best, weighted by how far each stands above the worst of all;
        ``"exponential"``: of all, each counting ``decay`` times the next; ``"scan"``: the best of
        five points between the two best; ``"last"``: no merging.
    count, decay
        See ``method``.
    iterate
        Whether the uniform average of the last ``count`` generations, instead of the last
        generation alone, acts in the next one and is where its training starts, if that is
        ``"previous"`` (WARP, arXiv:2406.16768).
    refit_prenorms
        Whether prenorm statistics are fitted anew after the final merge; KIDA averages them.
    every
        Only every so-manyth generation is a candidate (KIDA: every tenth).
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

    method: Literal["best", "greedy", "weighted", "exponential", "scan", "last"] = "best"
    count: int = 3
    decay: float = 0.5
    iterate: bool = False
    refit_prenorms: bool = False
    every: int = 1
    instances: int = 4
    time_limit: float = 45.0
    expert_depths: tuple[int, ...] = (-1,)
    expert_candidates: tuple[int, ...] = (0,)
    expert_iterations: int = 0
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _positive(self, "count", "every", "instances", "time_limit")
        if not 0 < self.decay <= 1:
            raise UserError(f"decay is {self.decay}; it must be above 0 and at most 1")
        if not self.expert_depths or min(self.expert_depths) < -1:
            raise UserError("expert_depths must be a list of depths, -1 meaning never")
        if not self.expert_candidates or min(self.expert_candidates) < 0:
            raise UserError("expert_candidates must be a list of numbers, 0 meaning all")
        check_limits(self, "expert_iterations")


@dataclass(frozen=True)
class SearchConfig:
    """How generations are made by search on reward, instead of by collecting and imitation.

    Attributes
    ----------
    generations
        Their numbers, counted from 1; none by default.
    start
        Where the search starts: ``"previous"`` is the policy that the generation before handed
        on, or the initial network in the first generation; ``"initial"`` is the initial network,
        that is from scratch; anything else is a policy's name or folder.
    parameters
        What is searched: ``"neurons"``, a factor for each hidden neuron; ``"readout"``, the
        weights of the layers that make a score of a candidate's embedding; ``"all"``, every
        weight and bias; ``"subspace"``, the same in ``dimension`` random directions.
    dimension
        See ``parameters``.
    sigma
        Standard deviation of the first perturbations: relative to the root mean square of a
        layer's weights or, of the neurons' factors, that of their logarithm.
    learning_rate
        Share of the step to the mean of the selected candidates that is taken. Below 1 less of
        the noise is inherited, which many parameters and few candidates make large.
    population
        Candidates per iteration: an even number, as they come in antithetic pairs.
    iterations
        How often the population is drawn, measured and selected.
    instances
        Training instances per iteration, new ones in each, common to all its candidates.
    first_seconds, last_seconds
        Time limit of a solve in the first and in the last iteration, counted in the same way as
        ``collection.time_limit``; it grows geometrically in between.
    expert_depth
        Depth to which strong branching decides while searching, -1 meaning nowhere; by default
        what the start's card says. Below a deep expert only long episodes show differences.
    fitness
        What a candidate is worth: ``"gain"``: the rise of the mean dual bound above that of the
        root, in units of the population's mean rise on the same instance, averaged over the
        instances; ``"rank"``: its mean rank.
    comparison
        Held-out instances on which the result is compared with the start, for ``last_seconds``
        each; the better one is the generation's policy.
    """

    generations: tuple[int, ...] = ()
    start: str = "previous"
    parameters: Literal["neurons", "readout", "all", "subspace"] = "neurons"
    dimension: int = 32
    sigma: float = 0.1
    learning_rate: float = 0.5
    population: int = 16
    iterations: int = 40
    instances: int = 2
    first_seconds: float = 5.0
    last_seconds: float = 15.0
    expert_depth: int | None = None
    fitness: Literal["gain", "rank"] = "gain"
    comparison: int = 12

    def __post_init__(self) -> None:
        _positive(self, "sigma", "learning_rate", "iterations", "instances", "comparison")
        _positive(self, "first_seconds", "last_seconds")
        if len(set(self.generations)) < len(self.generations):
            raise UserError("search.generations names a generation twice")
        if not self.start:
            raise UserError("search.start is empty; write previous, initial or a policy")
        if self.population < 4 or self.population % 2:
            raise UserError(f"population is {self.population}; it must be even and at least 4")
        if self.dimension < 2:
            raise UserError(f"dimension is {self.dimension}; it must be at least 2")
        if self.expert_depth is not None and self.expert_depth < -1:
            raise UserError(f"search.expert_depth is {self.expert_depth}; -1 means never")
        if self.learning_rate > 1:
            raise UserError(f"search.learning_rate is {self.learning_rate}; at most 1 makes sense")
        if self.last_seconds < self.first_seconds:
            raise UserError("last_seconds is less than first_seconds; episodes can only grow")


@dataclass(frozen=True)
class RunConfig:
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
        DAgger generations, those made by search on reward included.
    collection, training, inheritance, search
        The parts.
    """

    family: str
    size: str = ""
    seed: int = 0
    generations: int = 5
    collection: CollectionConfig = field(default_factory=CollectionConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    inheritance: InheritanceConfig = field(default_factory=InheritanceConfig)
    search: SearchConfig = field(default_factory=SearchConfig)

    def __post_init__(self) -> None:
        _positive(self, "generations")
        for number in self.search.generations:
            if not 1 <= number <= self.generations:
                raise UserError(
                    f"search.generations names generation {number}, but the run has generations "
                    f"1 to {self.generations}"
                )


def read_config(
    family: str | None, file: Path | None = None, overrides: Iterable[str] = ()
) -> RunConfig:
    """Return the configuration of a run.

    Parameters
    ----------
    family
        See :class:`RunConfig`; None if the file names it, which must name the same otherwise.
    file
        A TOML file with the tables ``collection``, ``training``, ``inheritance`` and ``search``.
    overrides
        Assignments ``key=value`` or ``table.key=value`` with TOML values (quotes around a single
        word may be left out), applied in order on top of the file.

    Raises
    ------
    UserError
        If the file cannot be read, no family is named, or a key is unknown or has a value of
        another type.
    """
    content: dict[str, Any] = {}
    if file is not None:
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"cannot read {file}: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UserError(f"{file} is not valid TOML: {error}") from error
    for override in overrides:
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
    if family is None:
        if "family" not in content:
            raise UserError(
                "which family? name it on the command line or in the configuration file"
            )
    elif content.setdefault("family", family) != family:
        raise UserError(
            f"{file or '--set'} is for the family {content['family']!r}, not {family!r}"
        )
    return config_from(content)


def config_from(content: dict[str, Any]) -> RunConfig:
    """Return the configuration that nested tables of plain values describe.

    Raises
    ------
    UserError
        If a key is unknown or a value is of another type.
    """
    config = _build(RunConfig, content, "")
    assert isinstance(config, RunConfig)
    return config


def first_difference(ours: RunConfig, theirs: RunConfig) -> str | None:
    """Return the first key in which two configurations differ, with both values, or None."""
    left, right = _flatten(dataclasses.asdict(ours)), _flatten(dataclasses.asdict(theirs))
    for key in left | right:
        if left.get(key) != right.get(key):
            there, here = json.dumps(right.get(key)), json.dumps(left.get(key))
            return f"{key} is {there} there and {here} here"
    return None


def _build(kind: Any, content: dict[str, Any], prefix: str) -> Any:
    hints = get_type_hints(kind)
    for key in content:
        if key not in hints:
            known = ", ".join(hints)
            raise UserError(f"there is no option {prefix + key!r}; the options here are {known}")
    arguments = {}
    for key, value in content.items():
        hint = hints[key]
        if dataclasses.is_dataclass(hint):
            if not isinstance(value, dict):
                raise UserError(f"{prefix + key} is a table; set one of its keys")
            arguments[key] = _build(hint, value, f"{prefix}{key}.")
        else:
            arguments[key] = _convert(value, hint, prefix + key)
    return kind(**arguments)


def _convert(value: Any, hint: Any, key: str) -> Any:
    origin, options = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in options:
            raise UserError(f"{key} is {value!r}; choose one of {', '.join(map(str, options))}")
        return value
    if origin is tuple:
        entries = value if isinstance(value, list | tuple) else [value]  # one may stand alone
        return tuple(_convert(entry, options[0], key) for entry in entries)
    if origin is Mapping:
        if not isinstance(value, dict):
            raise UserError(f"{key} is {value!r}; it must be a table")
        for name, entry in value.items():
            if not isinstance(entry, get_args(options[1])):
                raise UserError(f"{key} sets {name} to {entry!r}, which SCIP has no use for")
        return value
    if origin in (Union, UnionType):
        return None if value is None else _convert(value, options[0], key)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise UserError(f"{key} is {value!r}; it must be of type {hint.__name__}")
    return value


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _positive(config: Any, *names: str) -> None:
    for name in names:
        value = getattr(config, name)
        # Written so that NaN fails too.
        if not value > 0:
            raise UserError(f"{name} is {value}; it must be positive")
