"""Instances by name; digests: of a file's content, or of a generated instance's place."""

import hashlib
from pathlib import Path

import pytest

from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import digest_of, initial_bounds, instances, named_instance


def test_instances_by_name(tmp_path: Path) -> None:
    file = tmp_path / "a:b.lp"
    file.write_text("minimize\n obj: x\nend\n")
    assert named_instance(str(file)).path == str(file)
    assert named_instance("set_cover:valid:3") == instances("set_cover", "valid", 3, 1)[0]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.lp", "there is no file 'nowhere.lp'; give an .mps"),
        ("x" * 5000, "there is no file"),
        ("set_cover:valid", "is not FAMILY:SPLIT:INDEX"),
        ("set_cover:valid:-1", "is not FAMILY:SPLIT:INDEX"),
        ("set_cover:valid:\N{SUPERSCRIPT TWO}", "is not FAMILY:SPLIT:INDEX"),
        ("set_cover:valid:" + "9" * 18, "is not between 0 and"),
        ("set_cover:exam:0", "there is no split 'exam'"),
        ("no_family:test:0", "neither a family nor"),
    ],
)
def test_names_of_nothing(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        named_instance(name)


def test_digests_of_files_are_of_their_content(tmp_path: Path) -> None:
    found = []
    for folder, text in (("a", "one"), ("b", "two"), ("c", "one")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.lp").write_text(text)
        (instance,) = instances(str(tmp_path / folder), "all")
        assert digest_of(instance) == hashlib.sha256(text.encode()).hexdigest()[:16]
        found.append(digest_of(instance))
    assert found[0] == found[2] != found[1]


def test_a_file_that_changes_changes_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "x.lp"
    path.write_text("one")
    (instance,) = instances(str(path))
    before = digest_of(instance)
    path.write_text("another")
    assert digest_of(instance) != before
    path.unlink()
    with pytest.raises(UserError, match=r"x\.lp cannot be read"):
        digest_of(instance)


def test_digests_of_generated_instances_are_of_their_place() -> None:
    places = [
        Instance("n", family, size, split, index)
        for family in ("set_cover", "independent_set")
        for size in ("easy", "hard")
        for split in ("train", "test")
        for index in (0, 1)
    ]
    assert len({digest_of(place) for place in places}) == 16
    # Records on disk go by them: typed in.
    assert digest_of(places[0]) == DIGEST
    assert digest_of(Instance("other name", "set_cover", "easy", "train", 0)) == DIGEST


DIGEST = hashlib.sha256(b"set_cover/easy/train/0").hexdigest()[:16]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "expected `object`"),
        ('{"dual_bound": "low"}', "dual_bound is 'low'"),
        ('{"dual_bound": 1e21}', "dual_bound is 1e"),
        ('{"dual_bound": NaN}', "does not|is not"),
        ("{", "mend or remove it"),
        (" " * 5_000_000, "more than 4096 KiB"),
    ],
)
def test_wrong_initial_bounds_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "x.lp").write_text("minimize\n x\nend\n")
    (tmp_path / "x.json").write_text(content)
    (instance,) = instances(str(tmp_path / "x.lp"))
    with pytest.raises(UserError, match=message) as caught:
        initial_bounds(instance)
    assert "x.json" in str(caught.value)


def test_unknown_and_further_fields_of_initial_bounds(tmp_path: Path) -> None:
    (tmp_path / "x.lp").write_text("minimize\n x\nend\n")
    (instance,) = instances(str(tmp_path / "x.lp"))
    assert initial_bounds(instance) == (None, None)
    (tmp_path / "x.json").write_text('{"dual_bound": 1, "seen": "yesterday"}')
    assert initial_bounds(instance) == (1.0, None)
