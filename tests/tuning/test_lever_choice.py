"""Levers are tried where the time goes, and combined if they are of different kinds."""

import pytest

from kida.errors import UserError
from kida.tuning.lever_choice import applicable, combined


def test_levers_apply_where_the_time_goes():
    idle = {lever.name for lever in applicable({})}
    assert "depth-first" in idle
    assert "pseudocosts" not in idle
    busy = {lever.name for lever in applicable({"strong branching": 0.4, "heuristics": 0.1})}
    assert busy - idle >= {"pseudocosts", "no-heuristics"}


def test_levers_on_what_takes_most_come_first_and_several_kinds_early():
    found = applicable({"strong branching": 0.2, "separation": 0.5, "heuristics": 0.15})
    names = [lever.name for lever in found]
    assert names[:4] == ["root-cuts", "no-cuts", "pseudocosts", "fast-cuts"]
    kinds = len({lever.kind for lever in found})
    assert len({lever.kind for lever in found[: kinds + 4]}) == kinds


def test_without_a_tree_only_levers_at_the_root_apply():
    found = applicable({"separation": 0.5}, tree=False)
    assert found[0].name == "no-cuts"
    assert all(lever.at_root for lever in found)


def test_levers_of_different_kinds_combine():
    found = combined(["orbital", "no-heuristics"])
    assert found["misc/usesymmetry"] == 2
    assert found["heuristics/rins/freq"] == -1
    assert combined([]) == {}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["depth-first", "best-bound"], "both about order of nodes"),
        (["magic"], "there is no lever 'magic'"),
    ],
)
def test_levers_that_do_not_combine_are_refused(names, said):
    with pytest.raises(UserError, match=said):
        combined(names)
