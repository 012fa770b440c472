"""What the solutions of several files have in common."""

from types import SimpleNamespace

from kida.tuning.start import common_values, keep_start, kept_start


def runs(*solutions):
    return [SimpleNamespace(integers=solution) for solution in solutions]


def test_values_are_those_on_which_all_agree():
    found = runs({"x": 1.0, "y": 0.0, "z": 3.0}, {}, {"x": 1.0, "y": 0.0, "z": 2.0}, {"y": 0.0})
    assert common_values(found) == {"y": 0.0}


def test_few_solutions_or_little_in_common_are_nothing():
    assert common_values(runs({"x": 1.0}, {"x": 1.0}, {})) == {}
    others = [{**dict.fromkeys("abcdefgh", float(k)), "x": 1.0} for k in range(3)]
    assert common_values(runs(*others)) == {}
    assert common_values(runs(*({"a": 1.0, "x": x["a"]} for x in others))) == {"a": 1.0}


def test_what_no_card_has_room_for_is_nothing():
    large = {f"variable_{k}" * 10: 0.0 for k in range(10_000)}
    assert common_values(runs(large, large, large)) == {}


def test_they_are_kept(tmp_path):
    assert kept_start(tmp_path) == {}
    keep_start(tmp_path, {"x": 1.0})
    assert kept_start(tmp_path) == {"x": 1.0}
