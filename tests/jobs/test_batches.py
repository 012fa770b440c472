"""Files that are looked at several to a process: what a crash costs."""

import json
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.jobs.batches import MOST_FILES, look_at
from kida.jobs.run import Workers


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    found = [tmp_path / name for name in ("a", "bb", "bad", "cccc", "ddddd")]
    for file in found:
        file.write_text("x" * len(file.name))
    return found


def sizes(
    files: list[Path], size: int, scratch: Path, made: list[tuple[str, ...]], **options
) -> dict[Path, int | str]:
    """Look at the files' sizes; note in ``made`` the files of every job."""
    from jobs_for_tests import Measuring

    def job(record, files):
        made.append(tuple(Path(file).name for file in files))
        return Measuring(record=record, files=files, patience=20.0)

    return look_at(
        files,
        size,
        job=job,
        read=lambda record: json.loads(record.read_text()),
        failed=lambda job, failure: failure.reason,
        scratch=scratch,
        workers=Workers(2),
        **options,
    )


def test_a_crash_costs_no_other_file(files: list[Path], tmp_path: Path) -> None:
    made: list[tuple[str, ...]] = []
    told: list[tuple[int, int]] = []
    scratch = tmp_path / "scratch"
    found = sizes(files, 2, scratch, made, told=lambda done, of: told.append((done, of)))
    assert list(found) == files
    assert [found[file] for file in files if file.name != "bad"] == [1, 2, 4, 5]
    assert "SIGKILL" in str(found[files[2]])
    assert made == [("a", "bb"), ("bad", "cccc"), ("ddddd",), ("bad",), ("cccc",)]
    assert told[-1] == (5, 5)
    assert not scratch.exists()


def test_records_that_cannot_be_written_are_no_fault_of_the_files(files, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.write_text("a file where a folder should be")
    with pytest.raises(UserError, match="scratch"):
        sizes(files[:1], 1, scratch, [])


def test_no_files_take_no_process(tmp_path: Path) -> None:
    made: list[tuple[str, ...]] = []
    assert sizes([], 0, tmp_path / "scratch", made) == {}
    assert made == []


def test_a_process_looks_at_no_more_than_so_many(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.lp" for number in range(MOST_FILES + 1)]
    for file in files:
        file.write_text("")
    made: list[tuple[str, ...]] = []
    assert sizes(files, 1000, tmp_path / "scratch", made) == dict.fromkeys(files, 0)
    assert list(map(len, made)) == [MOST_FILES, 1]
