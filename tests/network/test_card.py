"""Cards: read as they were written, in the names of today and of yesterday, or refused."""

import json

import pytest

from kida.errors import UserError
from kida.network.architecture import Architecture
from kida.network.card import LARGEST_CARD, Card, card_from, read_card


@pytest.fixture
def card() -> Card:
    return Card(
        Architecture(16),
        candidates="unfixed",
        expert_depth=8,
        expert_iterations=50,
        parameters={"branching/scorefunc": "s", "branching/scorefac": 0.5, "misc/usesymmetry": 2},
        start={"x": 1.0, "y": -2.5},
        pseudocosts={"x": (1.5, None)},
        recipe={"generation": 3, "config": {"family": "set_cover"}},
        seeds=(1, 2),
        scip_version="10.0.0",
        results=({"command": "kida evaluate", "reward": 1.5},),
    )


def test_cards_come_back_unchanged(card, tmp_path):
    content = card.to_json()
    assert [*content][:3] == ["schema_version", "architecture", "candidates"]
    assert card_from(content) == card
    (tmp_path / "card.json").write_text(json.dumps(content))
    assert read_card(tmp_path / "card.json") == card


def test_schema_versions_follow_from_the_architecture(card):
    """A card of version 1 from before candidate features is read; one with them is version 2."""
    content = card.to_json()
    assert content["schema_version"] == 1
    assert content["architecture"].pop("candidate_features") is False
    assert card_from(content) == card
    reading = Card(Architecture(16, candidate_features=True))
    assert reading.to_json()["schema_version"] == 2
    assert card_from(reading.to_json()) == reading


def test_cards_that_say_statistics_are_read():
    content = Card(Architecture(16, candidate_features=True)).to_json()
    content["architecture"] = {"embedding_size": 16, "statistics": True}
    read = card_from(content)
    assert read.architecture == Architecture(16, candidate_features=True)
    assert "statistics" not in read.to_json()["architecture"]


def deep(levels: int) -> object:
    found: object = 0
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 3, "novelty": 1}, "schema version 3"),
        ({"schema_version": 0}, "schema version 0"),
        ({"schema_version": "1"}, "schema version '1'"),
        ({"schema_version": True}, "schema version True"),
        ({"schema_version": 2}, "without candidate features is of version 1"),
        (
            {"architecture": {"embedding_size": 16, "statistics": True}},
            "schema version 1, but a network with candidate features is of version 2",
        ),
        ({"architecture": {"statistics": 1}}, "architecture.candidate_features is 1; .* `bool`"),
        ({"architecture": {"statistics": True, "candidate_features": True}}, "`statistics`"),
        ({"architecture": {"embedding_size": 12}}, "architecture.embedding_size is 12; .*multiple"),
        ({"architecture": {"embedding_size": 1 << 40}}, "architecture.embedding_size is"),
        ({"novelty": 1}, "unknown field `novelty`; the fields are"),
        ({"architecture": {"embedding_size": 16, "heads": 4}}, "architecture: .* field `heads`"),
        ({"architecture": [16]}, "architecture: expected `object | null`, got `array`"),
        ({"candidates": "all"}, "candidates is 'all'; choose one of fractional, unfixed"),
        ({"expert_depth": -2}, "expert_depth is -2"),
        ({"expert_depth": "deep"}, "expert_depth is 'deep'; expected `int`"),
        ({"expert_depth": 1.5}, "expert_depth is 1.5"),
        ({"expert_candidates": 10**30}, "expert_candidates"),
        ({"expert_iterations": -1}, "expert_iterations is -1"),
        ({"seeds": [-1]}, r"seeds\[0\] is -1"),
        ({"results": [1]}, r"results\[0\] is 1"),
        ({"recipe": {"a": deep(40)}}, "nested more than 32 levels"),
        ({"recipe": {"a": deep(900)}}, "card"),
        ({"parameters": {"misc/usesymmetry": [2]}}, "parameters.misc/usesymmetry: expected"),
        ({"parameters": {"limits/gap": 0.5}}, "sets SCIP's parameter 'limits/gap'"),
        ({"parameters": {"visual/vbcfilename": "x"}}, "'visual/vbcfilename'"),
        ({"parameters": {"branching/scorefunc": "ps"}}, "a single character"),
    ],
)
def test_cards_that_do_not_fit_are_refused(card, tmp_path, changes, message):
    file = tmp_path / "card.json"
    file.write_text(json.dumps(card.to_json() | changes))
    with pytest.raises(UserError, match=message) as caught:
        read_card(file)
    assert str(caught.value).startswith(str(file))
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "not a policy's card"),
        (b"\xff\xfe", "not a policy's card"),
        (b"[]", "expected `object`, got `array`"),
        (b"{}", "no schema_version"),
        (b"[" * 100_000, "not a policy's card"),
        (b'{"schema_version": 1, "expert_depth": NaN}', "not a policy's card"),
        (b'{"schema_version": 1e999}', "not a policy's card"),
        (b" " * (LARGEST_CARD + 1), "more than 1024 KiB"),
    ],
)
def test_files_that_are_no_cards_are_refused(tmp_path, content, message):
    file = tmp_path / "card.json"
    file.write_bytes(content)
    with pytest.raises(UserError, match=message):
        read_card(file)


def test_a_card_refuses_what_it_may_not_set():
    with pytest.raises(UserError, match="the policy's card sets SCIP's parameter 'limits/gap'"):
        Card(parameters={"limits/gap": 0.1})


def test_a_card_without_a_network_comes_back_unchanged():
    card = Card(None, parameters={"misc/usesymmetry": 2})
    content = card.to_json()
    assert content["architecture"] is None
    assert content["schema_version"] == 1
    assert card_from(content) == card
    with pytest.raises(UserError, match="no network"):
        _ = card.shape


def test_a_card_without_a_network_says_nothing_of_how_one_decides():
    with pytest.raises(UserError, match="no network, and expert_depth"):
        Card(None, expert_depth=3)
    content = Card(None).to_json() | {"schema_version": 2}
    with pytest.raises(UserError, match="a card without a network is of version 1"):
        card_from(content)
