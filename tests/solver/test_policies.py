"""Policies by name: SCIP's rules, networks in folders, Python functions."""

import sys

import pytest
from pyscipopt import SCIP_PARAMSETTING

from kida.errors import UserError
from kida.instances.family import Instance
from kida.instances.registry import instances
from kida.solver.policies import SCIP_RULES, attach_policy, load_function, policy_identity
from kida.solver.problem import open_model
from kida.solver.solve import scip_statistics


@pytest.fixture(scope="module")
def placement() -> Instance:
    return instances("item_placement", count=1)[0]


@pytest.mark.slow
@pytest.mark.parametrize("rule", SCIP_RULES)
def test_scips_own_rules_branch(rule, placement):
    model = open_model(placement)
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", 2)
    assert attach_policy(model, rule) is None
    model.optimize()
    plugin = rule.split("-")[0]
    expected = {"default": "relpscost"}.get(plugin, plugin)
    plugins = scip_statistics(model)["branchrules"]["plugins"]
    assert [name for name, counts in plugins.items() if counts["nchildren"] > 0] == [expected]
    model.free()


@pytest.mark.parametrize(
    ("suffix", "selector", "plunges"), [("bestbound", "bfs", 0), ("depthfirst", "dfs", -1)]
)
def test_suffixes_set_parameters_beside_the_policys_own(
    suffix, selector, plunges, placement, make_policy, tmp_path
):
    make_policy(parameters={"separating/maxrounds": 3}).save(tmp_path / "policy")
    for policy in ("random", "math:fsum", str(tmp_path / "policy")):
        model = open_model(placement)
        attach_policy(model, f"{policy}-orbital-{suffix}")
        parameters = model.getParams()
        model.free()
        priorities = {
            name.split("/")[1]: value
            for name, value in parameters.items()
            if name.startswith("nodeselection/") and name.endswith("/stdpriority")
        }
        assert max(priorities, key=priorities.get) == selector
        assert parameters["nodeselection/bfs/maxplungedepth"] == plunges
        assert parameters["misc/usesymmetry"] == 2
    assert parameters["separating/maxrounds"] == 3


@pytest.mark.slow
def test_tree_cuts_are_sought_right_below_the_root(placement):
    for policy, least, most in (("random", 0, 0), ("random-treecuts", 3, 60)):
        model = open_model(placement)
        model.setHeuristics(SCIP_PARAMSETTING.OFF)
        model.setParam("limits/nodes", 4)  # the root, and three nodes of depth 1 to 3
        attach_policy(model, policy)
        model.optimize()
        plugins = scip_statistics(model)["separator"]["plugins"]
        model.free()
        for name in ("cut_pool", "aggregation", "gomory"):
            assert least <= plugins[name]["calls"] - plugins[name]["root_calls"] <= most, name


def test_a_suffix_makes_another_policy(make_policy, tmp_path):
    folder = str(tmp_path / "policy")
    make_policy().save(folder)
    for policy in ("random", "math:sqrt", folder):
        plain, orbital, both, reverse = (
            policy_identity(policy + suffix)
            for suffix in ("", "-orbital", "-orbital-bestbound", "-bestbound-orbital")
        )
        assert len({plain, orbital, both}) == 3
        assert both == reverse
    make_policy().save(folder + "-bestbound")  # a folder that is so called is meant
    assert policy_identity(folder + "-bestbound") == policy_identity(folder)


def test_a_network_branches_from_its_folder(placement, make_policy, tmp_path):
    make_policy().save(tmp_path / "policy")
    model = open_model(placement)
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    model.setParam("limits/nodes", 3)
    brancher = attach_policy(model, str(tmp_path / "policy"))
    model.optimize()
    assert brancher.statistics.decisions >= 2
    model.free()


def test_unknown_policies_name_the_known_ones():
    with pytest.raises(UserError, match=r"no policy 'none'.*vanillafullstrong.*module:function"):
        policy_identity("none")
    with pytest.raises(UserError, match="cannot be imported"):
        policy_identity("nonesuch_module:function")
    with pytest.raises(UserError, match="has no function 'nonesuch'"):
        policy_identity("math:nonesuch")


@pytest.mark.parametrize("content", ["1 +", "1 / 0", "raise SystemExit(0)", "import nothing_there"])
def test_a_module_that_cannot_be_imported_is_said_to_be_so(tmp_path, monkeypatch, content):
    (tmp_path / "kida_broken_rule.py").write_text(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="'kida_broken_rule:first' cannot be imported"):
        policy_identity("kida_broken_rule:first")


@pytest.mark.parametrize("name", [":first", ".rule:first", "..:first", "a\0b:first"])
def test_a_name_of_no_module_is_said_to_be_so(name):
    with pytest.raises(UserError, match="cannot be imported"):
        load_function(name)


def test_identities_tell_policies_apart(make_policy, tmp_path):
    assert policy_identity("pscost") != policy_identity("default")
    for name, policy in {
        "a": make_policy(),
        "same": make_policy(),
        "weights": make_policy(seed=1),
        "card": make_policy(expert_depth=3),
        "parameters": make_policy(parameters={"misc/usesymmetry": 2}),
    }.items():
        policy.save(tmp_path / name)
    names = ("a", "same", "weights", "card", "parameters")
    a, same, *others = (policy_identity(str(tmp_path / name)) for name in names)
    assert a == same
    assert len({a, *others}) == 4


def test_a_name_without_a_colon_is_no_function():
    with pytest.raises(UserError, match="names no function"):
        load_function("teacher")


def test_functions_are_found_where_the_user_stands(tmp_path, monkeypatch):
    (tmp_path / "kida_test_rule.py").write_text("def first(observation, candidates): return 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert policy_identity("kida_test_rule:first").startswith("function sha256:")
    before = list(sys.path)
    load_function("kida_test_rule:first")
    assert sys.path == before
