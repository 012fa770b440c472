"""Named settings, limits and seeds, on real SCIP models."""

import math

import pytest
from pyscipopt import Model

from kida.errors import UserError
from kida.settings import SETTINGS, Limits, Settings, named_settings
from kida.solver.settings import apply_limits, apply_seeds, apply_settings


def parameters_of(name: str, limits: Limits | None = None) -> dict[str, object]:
    model = Model()
    settings = named_settings(name)
    apply_settings(model, settings)
    apply_limits(model, limits or Limits(), settings)
    found: dict[str, object] = model.getParams()
    return found


def test_competition_is_what_the_organisers_ran():
    found, untouched = parameters_of("competition"), Model().getParams()
    changed = {name for name in found if found[name] != untouched[name]}
    others = {name for name in changed if not name.startswith("heuristics/")}
    # Presolving, cuts and node selection stay at SCIP's defaults; the clock is the recorder's.
    assert others == {"estimation/restarts/restartpolicy", "limits/memory"}
    assert found["estimation/restarts/restartpolicy"] == "n"
    assert found["limits/memory"] == 19456
    frequencies = [found[name] for name in changed - others if name.endswith("/freq")]
    assert frequencies
    assert set(frequencies) == {-1}
    settings = SETTINGS["competition"]
    assert (settings.clock_starts, settings.time_limit) == ("root_end", 900)
    assert settings.objective_limit


def test_research_cuts_at_the_root_only_and_never_restarts():
    found = parameters_of("research")
    assert found["separating/maxrounds"] == 0
    assert found["separating/maxroundsroot"] == -1
    assert found["presolving/maxrestarts"] == 0
    assert found["heuristics/rounding/freq"] >= 0
    assert found["limits/time"] == 3600


def test_default_changes_nothing():
    assert parameters_of("default") == Model().getParams()


def test_limits_reach_scip():
    found = parameters_of("default", Limits(time=12.5, nodes=7, memory=100))
    assert found["limits/time"] == 12.5
    assert found["limits/totalnodes"] == 7
    assert found["limits/memory"] == 100


def test_a_clock_from_the_root_end_is_not_set_before_the_root():
    assert parameters_of("competition", Limits(time=5))["limits/time"] == 1e20
    assert Limits(time=5).seconds(SETTINGS["competition"]) == 5
    assert Limits().seconds(SETTINGS["default"]) == math.inf


@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, 1e30])
def test_limits_must_be_positive(value):
    with pytest.raises(UserError, match=r"time limit .* must be a positive number of seconds"):
        Limits(time=value)
    with pytest.raises(UserError, match="memory limit"):
        Limits(memory=value)


def test_node_limit_must_be_positive():
    with pytest.raises(UserError, match="node limit is 0"):
        Limits(nodes=0)


def test_unknown_settings_name_the_known_ones():
    with pytest.raises(UserError, match="competition, research, default"):
        named_settings("contest")


def test_settings_cannot_be_changed_through_their_mapping():
    given = {"separating/maxrounds": 1}
    settings = Settings("mine", "", given)
    given["separating/maxrounds"] = 2
    assert settings.parameters["separating/maxrounds"] == 1
    with pytest.raises(TypeError):
        SETTINGS["competition"].parameters["limits/memory"] = 1.0  # type: ignore[index]


def test_seeds_reach_scip():
    model = Model()
    apply_seeds(model, 5, permutation_seed=3)
    assert model.getParam("randomization/randomseedshift") == 5
    assert model.getParam("randomization/lpseed") == 5
    assert model.getParam("randomization/permutationseed") == 3
    assert model.getParam("randomization/permutevars")


def test_no_permutation_by_default():
    model = Model()
    apply_seeds(model, 5)
    assert model.getParam("randomization/permutationseed") == 0
    assert not model.getParam("randomization/permutevars")


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_seeds_out_of_range_are_refused(seed):
    with pytest.raises(UserError, match="SCIP accepts"):
        apply_seeds(Model(), seed)
