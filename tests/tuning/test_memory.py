"""What the solves of several files have in common, for later ones."""

from types import SimpleNamespace

from kida.tuning.memory import Memory, common_pseudocosts, common_values, remember, remembered


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


def test_names_that_no_card_takes_are_left_out():
    long = {"x" * 1001: 1.0, "y": 1.0}
    assert common_values(runs(long, long, long)) == {"y": 1.0}
    costs = {"x" * 1001: (1.0, 1.0), "y": (1.0, 1.0)}
    assert common_pseudocosts(learned(costs, costs, costs)) == {"y": (1.0, 1.0)}


def test_what_no_card_has_room_for_is_nothing():
    large = {f"variable_{k}" * 10: 0.0 for k in range(10_000)}
    assert common_values(runs(large, large, large)) == {}


def learned(*costs):
    return [
        SimpleNamespace(
            pseudocosts=cost, job=SimpleNamespace(instance=SimpleNamespace(name=f"file {k % 3}"))
        )
        for k, cost in enumerate(costs)
    ]


def test_pseudocosts_are_means_of_what_is_known():
    found = learned(
        {"x": (1.0, None), "y": (None, 4.0)}, {"x": (2.0, None)}, {"x": (0.0, 3.0), "y": (5.0, 6.0)}
    )
    assert common_pseudocosts(found) == {"x": (1.0, 3.0), "y": (5.0, 5.0)}
    assert common_pseudocosts(learned({"x": (1.0, 1.0)}, {"x": (1.0, 1.0)})) == {}


def test_of_files_with_other_variables_nothing_is_remembered():
    assert common_pseudocosts(learned(*({f"x{k}": (1.0, 1.0)} for k in range(9)))) == {}


def test_all_is_kept_in_one_place(tmp_path):
    assert remembered(tmp_path) == Memory()
    remember(tmp_path, start={"x": 1.0})
    remember(tmp_path, pseudocosts={"x": (1.0, None)})
    assert remembered(tmp_path) == Memory(start={"x": 1.0}, pseudocosts={"x": (1.0, None)})
