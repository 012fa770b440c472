"""Writing sets of instances to a folder: resumable, atomic, with a manifest of checksums.

A set is a folder of ``NAME.mps.gz`` and ``NAME.json`` (the two initial bounds) as the competition
has them, and one ``manifest.json``. Equal instances give equal bytes, so a second call with the
same arguments only checks, and calls for several splits or families may share a folder.
"""

import gzip
import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from kida.boundary import (
    LARGE_FILE,
    Bound,
    Natural,
    convert,
    find_json,
    plain,
    read_json,
    write_json,
)
from kida.errors import UserError
from kida.files import atomic_path
from kida.instances.family import Bounds, Instance
from kida.instances.initial_bounds import bounds_path, stored_bounds
from kida.instances.registry import generated_family, initial_bounds
from kida.jobs.job import Failure, Job, Stage
from kida.jobs.run import ONE_AT_A_TIME, Workers
from kida.lock import locked
from kida.solver.initial_bounds import compute_bounds

MANIFEST = "manifest.json"
_SAVE_EVERY = 5.0  # seconds between two writes of a growing manifest
_BATCH = 20  # instances that one process draws


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the manifest says of a file: its checksum and size, its instance and the bounds."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    bytes: Annotated[int, Meta(ge=0, le=2**62)]
    family: str
    size: str
    split: str
    index: Natural
    dual_bound: Bound | None
    primal_bound: Bound | None


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The content of ``manifest.json``: entries by file name, and what wrote the last of them."""

    version: Literal[1] = 1
    files: dict[str, Entry] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)


def generate(
    instances: Sequence[Instance],
    folder: Path,
    workers: Workers = ONE_AT_A_TIME,
    bounds: bool = True,
    progress: Callable[[Instance], None] = lambda _: None,
) -> None:
    """Write ``instances`` to ``folder``; what is there already is checked, not written again.

    Parameters
    ----------
    instances
        Instances of generated families.
    folder
        Where the files go; made when missing.
    workers
        Where they are drawn and their bounds computed.
    bounds
        Whether bounds that are not known otherwise are computed by solving; when False they are
        stored as ``null``, and a later call with True fills them in.
    progress
        Called with each instance once it is on disk.

    Raises
    ------
    UserError
        If a file is in the way that holds something else, the folder cannot be written to or is
        in use by another command, or an instance failed twice: the others are written then.
    """
    with locked(folder), tempfile.TemporaryDirectory(prefix=".", dir=folder) as records:
        growing = _Growing(folder, progress)
        # What needs no solve takes a fraction of what starting a process does.
        size = 1 if bounds else _BATCH
        parts = [tuple(instances[k : k + size]) for k in range(0, len(instances), size)]
        jobs = [
            Writing(
                record=str(Path(records) / f"{number}.json"),
                instances=part,
                folder=str(folder.absolute()),
                bounds=bounds,
                entries=tuple(growing.entry(instance) for instance in part),
            )
            for number, part in enumerate(parts)
        ]
        try:
            workers.run(jobs, growing.ended, growing.told)
        finally:
            # On Ctrl-C too: the next call then need not draw the finished ones again.
            growing.save()
    if growing.failures:
        raise UserError(
            f"{len(growing.failures)} of the instances failed twice: "
            f"{'; '.join(growing.failures)}; the others are in {folder}"
        )


class _Growing:
    """A manifest that grows while instances are written, and is saved now and then."""

    def __init__(self, folder: Path, progress: Callable[[Instance], None]) -> None:
        self.failures: list[str] = []
        self._folder = folder
        self._progress = progress
        self._manifest = _read_manifest(folder)
        self._saved = time.monotonic()
        self._written: set[Instance] = set()

    def entry(self, instance: Instance) -> Entry | None:
        """Return what the manifest says of an instance's file, None if nothing."""
        return self._manifest.files.get(_file(self._folder, instance).name)

    def told(self, job: Job, news: Any) -> None:
        """Add what a job has written."""
        assert isinstance(job, Writing)
        position, content = news
        self._add(job.instances[position], convert(content, Entry, f"{job.label} told nonsense"))

    def ended(self, job: Job, failure: Failure | None) -> None:
        """Add what has not been told, as on a cluster; a user's mistake ends it all."""
        assert isinstance(job, Writing)
        if failure is None:
            entries = read_json(
                Path(job.record), list[Entry], "a list of files", largest=LARGE_FILE
            )
            for instance, entry in zip(job.instances, entries, strict=True):
                self._add(instance, entry)
        elif failure.by_user:
            raise UserError(failure.error)
        else:
            self.failures.append(f"{job.label} ({failure.reason})")

    def _add(self, instance: Instance, entry: Entry) -> None:
        if instance in self._written:
            return
        self._written.add(instance)
        self._manifest.files[_file(self._folder, instance).name] = entry
        self._progress(instance)
        if time.monotonic() - self._saved > _SAVE_EVERY:
            self.save()
            self._saved = time.monotonic()

    def save(self) -> None:
        """Write the manifest, if there is anything in it."""
        if self._manifest.files:
            _save(self._folder, self._manifest)


class Writing(Job, frozen=True, kw_only=True):
    """A job: write some instances and their bounds.

    Attributes
    ----------
    instances
        What to write.
    folder
        Absolute path of where to.
    bounds
        Whether unknown bounds are computed by solving.
    entries
        For each instance what the manifest says of it, None if nothing.
    """

    instances: tuple[Instance, ...]
    folder: str
    bounds: bool
    entries: tuple[Entry | None, ...]

    @property
    def label(self) -> str:
        """What the job is, for messages."""
        return ", ".join(instance.name for instance in self.instances)

    def run(self, stage: Stage) -> list[Entry]:
        """Write, telling each one's entry for the manifest, and return them all."""
        entries = []
        for position, (instance, entry) in enumerate(
            zip(self.instances, self.entries, strict=True)
        ):
            found = write_instance(instance, Path(self.folder), self.bounds, entry)
            stage.tell([position, plain(found)])
            entries.append(found)
        return entries


def write_instance(instance: Instance, folder: Path, bounds: bool, entry: Entry | None) -> Entry:
    """Write one instance and its bounds, or check them when they are there.

    Parameters
    ----------
    instance, folder, bounds
        As for :func:`generate`.
    entry
        The manifest's entry for the file, if it has one.

    Returns
    -------
    Entry
        The entry for the manifest.
    """
    path = _file(folder, instance)
    if path.is_file():
        content = path.read_bytes()
        if entry is not None:
            intact = hashlib.sha256(content).hexdigest() == entry.sha256
        else:
            # Compressed bytes may differ between versions of zlib: compare what they hold.
            text = generated_family(instance.family).program(instance).mps()
            intact = _unpack(content) == text.encode()
        if not intact:
            raise UserError(
                f"{path} holds something else than {instance.name}; "
                "remove it or choose another folder"
            )
    else:
        generated_family(instance.family).program(instance).write(path)
        content = path.read_bytes()
    stored = stored_bounds(path)
    missing = None in stored
    if missing or not bounds_path(path).is_file():
        found = compute_bounds(instance) if bounds else initial_bounds(instance)
        stored = Bounds(
            *(old if new is None else new for new, old in zip(found, stored, strict=True))
        )
        _write_bounds(bounds_path(path), stored)
    return Entry(
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        family=instance.family,
        size=instance.size,
        split=instance.split,
        index=instance.index,
        dual_bound=stored.dual,
        primal_bound=stored.primal,
    )


def _file(folder: Path, instance: Instance) -> Path:
    return folder / f"{instance.name}.mps.gz"


def _unpack(content: bytes) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError):
        return b""


def _write_bounds(path: Path, bounds: Bounds) -> None:
    # One line, as the competition's own files.
    text = json.dumps({"dual_bound": bounds.dual, "primal_bound": bounds.primal})
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _read_manifest(folder: Path) -> Manifest:
    what = "a manifest of kida (move it away or choose another folder)"
    return find_json(folder / MANIFEST, Manifest, what, largest=LARGE_FILE) or Manifest()


def _save(folder: Path, manifest: Manifest) -> None:
    from kida.solver.versions import versions

    known = versions()
    # Sorted by name, however the workers finished; the caller's dictionary keeps growing.
    sorted_files = dict(sorted(manifest.files.items()))
    made_by = {name: known[name] for name in ("kida", "scip", "python")}
    write_json(folder / MANIFEST, Manifest(files=sorted_files, versions=made_by))
