"""Strong-branching samples on disk: one safetensors shard per episode, read by memory map.

A shard holds flat arrays with offsets. What repeats from node to node is stored once an episode:
every distinct LP row (its edges, bias and cosine) in a row library that nodes refer to by number,
so that cuts coming and going cost nothing extra, and the objective of the variables. An item
placement sample takes 25 to 37 kB. The numbers that the network reads are float32, as the native
core produces them, so reading gives back exactly the recorded observation, except the two
incumbent columns, which the network does not read: they come back as NaN. Scores and gains are
rounded from float64 to float32; rounding is monotone, so the best candidate stays the best, and
the distances lost (6e-8 relative) are below those that count as a tie in training. The candidates'
features, all between 0 and 1, are rounded to multiples of 1 / 65535, as uint16.

To store something more, add it in :func:`write_shard` and :meth:`Shard.sample`, and raise
``SHARD_VERSION``.
"""

import itertools
import logging
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from kida.errors import UserError
from kida.files import atomic_path
from kida.observation import (
    SCHEMA_VERSION,
    CandidateFeature,
    Observation,
    RowFeature,
    VariableFeature,
)
from kida.sample import Sample

SHARD_VERSION = 4
FORMAT = "kida-samples"

_log = logging.getLogger(__name__)

_V = VariableFeature
# Columns that are 0 or 1, packed into the bits of one uint16 per variable.
_FLAGS = (
    *(_V.IS_TYPE_BINARY, _V.IS_TYPE_INTEGER, _V.IS_TYPE_IMPLICIT_INTEGER, _V.IS_TYPE_CONTINUOUS),
    *(_V.HAS_LOWER_BOUND, _V.HAS_UPPER_BOUND),
    *(_V.IS_SOLUTION_AT_LOWER_BOUND, _V.IS_SOLUTION_AT_UPPER_BOUND),
    *(_V.IS_BASIS_LOWER, _V.IS_BASIS_BASIC, _V.IS_BASIS_UPPER, _V.IS_BASIS_ZERO),
)
_VALUES = {
    "reduced_costs": _V.NORMED_REDUCED_COST,
    "values": _V.SOLUTION_VALUE,
    "fractions": _V.SOLUTION_FRAC,
    "variable_ages": _V.SCALED_AGE,
}
# Of the candidates' features, between 0 and 1.
_STEPS = np.float32(65535)
_LARGEST = float(np.finfo(np.float32).max)


class ShardError(Exception):
    """A file that is no intact shard; the message says why."""


def write_shard(path: Path, samples: Sequence[Sample]) -> None:
    """Write one episode's samples, atomically.

    Parameters
    ----------
    path
        The new file, ``*.safetensors``.
    samples
        The recorded nodes, in order; there may be none.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    rows, objectives = _RowLibrary(), _Library()
    flat: dict[str, list[NDArray[Any]]] = {}

    def put(name: str, array: Any, dtype: Any) -> None:
        flat.setdefault(name, []).append(np.asarray(array).astype(dtype, copy=False).ravel())

    for sample in samples:
        seen = sample.observation
        put("rows", rows.numbers(seen), np.int64)
        put("tight", seen.row_features[:, RowFeature.IS_TIGHT], np.uint8)
        put("duals", seen.row_features[:, RowFeature.DUAL_SOLUTION_VALUE], np.float32)
        put("row_ages", seen.row_features[:, RowFeature.SCALED_AGE], np.float32)
        put("objective", objectives.number(seen.variable_features[:, _V.OBJECTIVE]), np.int64)
        bits = seen.variable_features[:, _FLAGS].astype(np.uint16) << np.arange(
            len(_FLAGS), dtype=np.uint16
        )
        put("flags", bits.sum(axis=1, dtype=np.uint16), np.uint16)
        for name, column in _VALUES.items():
            put(name, seen.variable_features[:, column], np.float32)
        put("candidates", sample.candidates, np.int64)
        put("candidate_features", np.rint(sample.candidate_features * _STEPS), np.uint16)
        for name in ("scores", "down_gains", "up_gains"):
            put(name, np.clip(getattr(sample, name), -_LARGEST, _LARGEST), np.float32)
        put("depth", sample.depth, np.int32)
        put("node_number", sample.node_number, np.int64)
        put("lp_objective", sample.lp_objective, np.float64)
        put("chosen", sample.chosen, np.int32)
        put("taken", sample.taken, np.int32)
        put("dual_bound", sample.dual_bound, np.float64)
        put("row_count", len(seen.row_features), np.int32)
        put("variable_count", len(seen.variable_features), np.int32)
        put("candidate_count", len(sample.candidates), np.int32)
    arrays = {name: np.concatenate(parts) for name, parts in flat.items()}
    if samples:
        arrays |= rows.arrays()
        features = arrays["candidate_features"]
        arrays["candidate_features"] = features.reshape(-1, len(CandidateFeature))
        arrays["objective_values"], arrays["objective_starts"] = objectives.flat()
    for name in ("rows", "candidates", "edge_columns"):
        if name in arrays and arrays[name].size and arrays[name].max() < 1 << 16:
            arrays[name] = arrays[name].astype(np.uint16)
    header = {
        "format": FORMAT,
        "version": str(SHARD_VERSION),
        "observation_schema": str(SCHEMA_VERSION),
        "samples": str(len(samples)),
        "checksum": str(_checksum(arrays.items())),
    }
    with atomic_path(path) as temporary:
        # Not `save_file`: its files only their owner can read, and a full disk is no OSError to it.
        temporary.write_bytes(safetensors.numpy.save(arrays, metadata=header))


class Shard:
    """One episode's samples, read lazily.

    Parameters
    ----------
    path
        A file that :func:`write_shard` wrote.

    Raises
    ------
    ShardError
        If the file is damaged, or no shard.
    UserError
        If it cannot be read, or is a shard of another version: nothing says that it is damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = cast(Any, safe_open(path, framework="numpy"))
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}") from error
        except SafetensorError as error:
            raise ShardError(f"cannot be read ({error})") from error
        header = self._file.metadata() or {}
        if header.get("format") != FORMAT:
            raise ShardError("is no sample shard")
        found = (header.get("version"), header.get("observation_schema"))
        if found != (str(SHARD_VERSION), str(SCHEMA_VERSION)):
            ours = (SHARD_VERSION, SCHEMA_VERSION)
            raise UserError(
                f"{path} is of version {found}, not {ours}: go on with the kida that wrote it, or "
                "begin a new run with another --out"
            )
        names = sorted(self._file.keys())
        if header.get("checksum") != str(
            _checksum((name, self._file.get_tensor(name)) for name in names)
        ):
            raise ShardError("is damaged: its checksum does not match")
        # The checksum is of the arrays alone.
        if header.get("samples") != str(len(self._file.get_tensor("depth")) if names else 0):
            raise ShardError("is damaged: it does not hold as many samples as it says")
        self._length = int(header["samples"])
        if not self._length:
            return
        self._starts = {
            name: np.concatenate([[0], np.cumsum(self._file.get_tensor(f"{name}_count"))])
            for name in ("row", "variable", "candidate")
        }
        self.depths: NDArray[np.int32] = self._file.get_tensor("depth")
        # Small and needed at every sample: kept in memory.
        self._library = {
            name: self._file.get_tensor(name)
            for name in ("edge_starts", "biases", "cosines", "objective_values", "objective_starts")
        }

    def __len__(self) -> int:
        return self._length

    def _slice(self, name: str, kind: str, index: int) -> NDArray[Any]:
        start, stop = self._starts[kind][index : index + 2]
        found: NDArray[Any] = self._file.get_slice(name)[int(start) : int(stop)]
        return found

    def _scalar(self, name: str, index: int) -> Any:
        return self._file.get_slice(name)[index : index + 1][0]

    def scores(self, index: int) -> NDArray[np.float64]:
        """Return the candidates' scores at sample ``index``, shape ``(k,)``."""
        return self._slice("scores", "candidate", index).astype(np.float64)

    def sample(self, index: int) -> Sample:
        """Return sample ``index``."""
        candidates = self._slice("candidates", "candidate", index).astype(np.int32)
        features = self._slice("candidate_features", "candidate", index)
        return Sample(
            observation=self._observation(index),
            candidates=candidates,
            candidate_features=features.astype(np.float32) / _STEPS,
            down_gains=self._slice("down_gains", "candidate", index).astype(np.float64),
            up_gains=self._slice("up_gains", "candidate", index).astype(np.float64),
            scores=self.scores(index),
            depth=int(self.depths[index]),
            node_number=int(self._scalar("node_number", index)),
            lp_objective=float(self._scalar("lp_objective", index)),
            dual_bound=float(self._scalar("dual_bound", index)),
            chosen=int(self._scalar("chosen", index)),
            taken=int(self._scalar("taken", index)),
        )

    def _observation(self, index: int) -> Observation:
        library = self._library
        rows = self._slice("rows", "row", index).astype(np.int64)
        row_features = np.empty((len(rows), len(RowFeature)), np.float32)
        row_features[:, RowFeature.BIAS] = library["biases"][rows]
        row_features[:, RowFeature.OBJECTIVE_COSINE_SIMILARITY] = library["cosines"][rows]
        row_features[:, RowFeature.IS_TIGHT] = self._slice("tight", "row", index)
        row_features[:, RowFeature.DUAL_SOLUTION_VALUE] = self._slice("duals", "row", index)
        row_features[:, RowFeature.SCALED_AGE] = self._slice("row_ages", "row", index)

        flags = self._slice("flags", "variable", index)
        variable_features = np.full((len(flags), len(_V)), np.nan, np.float32)
        variable_features[:, _FLAGS] = (flags[:, None] >> np.arange(len(_FLAGS))) & 1
        number = int(self._scalar("objective", index))
        start, stop = library["objective_starts"][number : number + 2]
        variable_features[:, _V.OBJECTIVE] = library["objective_values"][start:stop]
        for name, column in _VALUES.items():
            variable_features[:, column] = self._slice(name, "variable", index)

        lengths = np.diff(library["edge_starts"])[rows]
        row_starts = np.concatenate([[0], np.cumsum(lengths)])
        # The edges of the node's rows, out of the library's: one gather for all rows.
        edges = np.arange(row_starts[-1])
        edges += np.repeat(library["edge_starts"][rows] - row_starts[:-1], lengths)
        return Observation(
            row_features,
            variable_features,
            row_starts.astype(np.int32),
            self._edges("edge_columns")[edges].astype(np.int32),
            self._edges("edge_values")[edges],
        )

    def _edges(self, name: str) -> NDArray[Any]:
        found: NDArray[Any] = self._file.get_tensor(name)
        return found


@dataclass(frozen=True)
class Reference:
    """Where a sample is: number of its shard in the aggregate, and its index there."""

    shard: int
    index: int


class Aggregate:
    """All usable samples of a set of shards.

    Damaged and foreign files are renamed to ``*.bad`` and reported, and samples without
    information (all scores equal) are left out. Only a few numbers per sample are held in memory.

    Parameters
    ----------
    paths
        The shards; their order is the samples' order.
    report
        Called with one sentence per file set aside.

    Attributes
    ----------
    references
        The informative samples.
    shards
        The shards, in order.
    uninformative
        How many samples were left out.
    """

    def __init__(self, paths: Iterable[Path], report: Callable[[str], None] = _log.warning) -> None:
        self.shards: list[Shard] = []
        self.references: list[Reference] = []
        self.uninformative = 0
        for path in paths:
            try:
                shard = Shard(path)
            except ShardError as error:
                aside = bad_file(path)
                try:
                    path.rename(aside)
                except OSError as problem:
                    raise UserError(
                        f"the shard {path} {error} and cannot be renamed: remove it"
                    ) from problem
                report(f"the shard {path} {error}; it is set aside as {aside.name}")
                continue
            for index in range(len(shard)):
                if informative(shard.scores(index)):
                    self.references.append(Reference(len(self.shards), index))
                else:
                    self.uninformative += 1
            self.shards.append(shard)

    def __len__(self) -> int:
        return len(self.references)

    def __getitem__(self, number: int) -> Sample:
        reference = self.references[number]
        return self.shards[reference.shard].sample(reference.index)


def bad_file(path: Path) -> Path:
    """Return what the shard ``path`` is called once it is set aside."""
    return path.with_name(path.name + ".bad")


def informative(scores: NDArray[np.float64]) -> bool:
    """Return whether the scores tell candidates apart: two evaluated ones differ."""
    evaluated = scores[~np.isnan(scores)]
    return len(evaluated) > 1 and bool(best_candidates(scores).sum() < len(evaluated))


def best_candidates(scores: NDArray[np.float64], tolerance: float = 1e-6) -> NDArray[np.bool_]:
    """Return which candidates share the best score, up to a relative ``tolerance``.

    Parameters
    ----------
    scores
        Shape ``(k,)``; NaN where the expert did not evaluate.
    tolerance
        Relative to the best score.
    """
    with np.errstate(invalid="ignore"):
        best = np.nanmax(scores)
        return np.asarray(scores >= best - tolerance * abs(best))


class _Library:
    """Distinct float32 arrays, numbered in order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._arrays: list[NDArray[np.float32]] = []

    def number(self, array: NDArray[np.float32]) -> int:
        array = np.ascontiguousarray(array)
        number = self._numbers.setdefault(array.tobytes(), len(self._arrays))
        if number == len(self._arrays):
            self._arrays.append(array)
        return number

    def flat(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        lengths = [len(array) for array in self._arrays]
        return np.concatenate(self._arrays), np.concatenate([[0], np.cumsum(lengths)])


class _RowLibrary:
    """Distinct LP rows, numbered in order of first use."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._columns: list[NDArray[np.int32]] = []
        self._values: list[NDArray[np.float32]] = []
        self._sides: list[NDArray[np.float32]] = []

    def numbers(self, seen: Observation) -> list[int]:
        sides = np.ascontiguousarray(
            seen.row_features[:, [RowFeature.BIAS, RowFeature.OBJECTIVE_COSINE_SIMILARITY]]
        )
        found = []
        starts = seen.row_starts.tolist()
        for row, (start, stop) in enumerate(itertools.pairwise(starts)):
            columns, values = seen.edge_columns[start:stop], seen.edge_values[start:stop]
            key = columns.tobytes() + values.tobytes() + sides[row].tobytes()
            number = self._numbers.setdefault(key, len(self._columns))
            if number == len(self._columns):
                self._columns.append(columns)
                self._values.append(values)
                self._sides.append(sides[row])
            found.append(number)
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        sides = np.stack(self._sides) if self._sides else np.empty((0, 2), np.float32)
        lengths = [len(columns) for columns in self._columns]
        return {
            "edge_starts": np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            "edge_columns": np.concatenate(self._columns or [np.empty(0, np.int32)]),
            "edge_values": np.concatenate(self._values or [np.empty(0, np.float32)]),
            "biases": sides[:, 0].copy(),
            "cosines": sides[:, 1].copy(),
        }


def _checksum(arrays: Iterable[tuple[str, NDArray[Any]]]) -> int:
    total = 0
    for name, array in sorted(arrays, key=lambda entry: entry[0]):
        total = zlib.crc32(np.ascontiguousarray(array).data, zlib.crc32(name.encode(), total))
    return total
