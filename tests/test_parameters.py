"""Which parameters a card may set: none that names a file, and all that are in use."""

import json
import math
import re
import tomllib
from pathlib import Path

import pytest
from pyscipopt import SCIP_PARAMSETTING, Model

from kida.errors import UserError
from kida.network.policy import shipped
from kida.parameters import ALLOWED, check_parameters
from kida.solver.policies import SCIP_RULES, VARIANTS

ROOT = Path(__file__).parents[1]


def quiet_model() -> Model:
    model = Model()
    model.hideOutput()
    return model


@pytest.fixture(scope="module")
def parameters() -> dict[str, object]:
    return quiet_model().getParams()


def test_no_parameter_that_takes_strings_is_allowed(parameters):
    strings, model = [], quiet_model()
    for name in (name for name, value in parameters.items() if isinstance(value, str)):
        try:
            model.setParam(name, "no")
        except (KeyError, ValueError, TypeError):
            continue  # a single character
        strings.append(name)
    known = {"visual/vbcfilename", "heuristics/alns/rewardfilename", "nlpi/ipopt/hsllib"}
    assert known <= {*strings}
    for name in strings:
        for value in ("x", parameters[name]):
            with pytest.raises(UserError, match="SCIP's parameter"):
                check_parameters({name: value}, "the card")


@pytest.mark.parametrize(
    "name",
    [
        "limits/gap",
        "limits/time",
        "limits/nodes",
        "numerics/feastol",
        "numerics/epsilon",
        "lp/threads",
        "randomization/randomseedshift",
        "randomization/permutevars",
        "branching/random/seed",
        "branching/relpscost/startrandseed",
        "separating/zerohalf/initseed",
        "heuristics/alns/seed",
        "misc/catchctrlc",
        "misc/referencevalue",
        "timing/clocktype",
        "write/printzeros",
        "display/verblevel",
        "memory/savefac",
        "reoptimization/enable",
        "concurrent/paramsetprefix",
        "estimation/regforestfilename",
        "presolving/boundshift/integer",
        " branching/scorefac",
        "constraints/agelimit\0/sepafreq",
        "branching/\nlimits/gap",
        "",
        "b" * 10**6,
    ],
)
def test_what_could_change_the_answer_is_refused(name):
    with pytest.raises(UserError, match="SCIP's parameter") as caught:
        check_parameters({name: 0}, "the card")
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("value", ["ps", "", math.nan, math.inf, 2**64, None, [1], {}, "\n", b"p"])
def test_values_that_scip_could_not_take_are_refused(value):
    with pytest.raises(UserError, match="the card sets SCIP's parameter 'branching/scorefunc'"):
        check_parameters({"branching/scorefunc": value}, "the card")


@pytest.mark.parametrize("value", ["p", True, 0, -1, 0.5])
def test_plain_values_are_taken(value):
    check_parameters({"branching/scorefunc": value}, "the card")


def test_no_more_than_a_thousand():
    with pytest.raises(UserError, match="1001 parameters"):
        check_parameters({f"branching/{k}/priority": 0 for k in range(1001)}, "the card")


def test_everything_in_use_is_allowed():
    for rule in SCIP_RULES.values():
        check_parameters(rule, "a rule")
    for variant in VARIANTS.values():
        check_parameters(variant.parameters, "a variant")
    for name, folder in shipped().items():
        check_parameters(json.loads((folder / "card.json").read_text())["parameters"], name)
    recipes = sorted(ROOT.glob("scripts/*.toml"))
    assert recipes
    for recipe in recipes:
        content = tomllib.loads(recipe.read_text())
        for table in content.values():
            if isinstance(table, dict) and isinstance(table.get("parameters"), dict):
                check_parameters(table["parameters"], recipe.name)


@pytest.mark.parametrize("emphasis", ["setHeuristics", "setPresolve", "setSeparating"])
def test_what_scips_emphases_change_is_allowed(parameters, emphasis):
    for level in (SCIP_PARAMSETTING.AGGRESSIVE, SCIP_PARAMSETTING.FAST, SCIP_PARAMSETTING.OFF):
        model = quiet_model()
        getattr(model, emphasis)(level)
        changed = {n: v for n, v in model.getParams().items() if v != parameters[n]}
        assert changed
        check_parameters(changed, emphasis)


def test_every_pattern_allows_something_that_scip_has(parameters):
    for pattern, reason in ALLOWED.items():
        assert reason
        assert any(re.fullmatch(pattern, name) for name in parameters), pattern
