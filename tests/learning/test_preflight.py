"""What is wrong with a run is said before any work."""

import sys

import pytest
from msgspec.structs import replace

from kida.errors import UserError
from kida.learning.config import InheritanceConfig, RunConfig, TrainingConfig, read_config
from kida.learning.dagger import train
from kida.learning.preflight import check_run
from kida.network.card import Card
from kida.network.policy import Policy

GOOD = read_config("item_placement")


def refused(tmp_path, message, *settings, family="item_placement", **options):
    """Assert that a run is refused, and that nothing was written."""
    config = read_config(family, None, settings)
    with pytest.raises(UserError, match=message) as caught:
        check_run(config, **options)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", config, **options)
    assert not (tmp_path / "run").exists()


def test_what_can_be_done_is_not_refused():
    check_run(GOOD, threads=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["kind=relpscost"], r"generations is 5, but .* set generations = 1"),
        (
            ["kind=relpscost", "generations=1", "collection.candidates=unfixed"],
            'collection.candidates is "unfixed"',
        ),
        (["collection.settings=gentle"], "no settings named 'gentle'"),
        (["size=huge"], "no size 'huge'"),
        (["collection.sizes=huge"], "no size 'huge'"),
        (["training.device=abacus"], "cannot use the device 'abacus'"),
        (["training.teacher=nobody"], "no policy 'nobody'"),
        (["collection.expert_score=nobody"], "names no function"),
        (["collection.expert_score=nobody:score"], "cannot be imported"),
        (["collection.expert_score=json:score"], "has no function 'score'"),
        (['collection.parameters={"branching/nobody"=1}'], "SCIP refuses branching/nobody = 1"),
        (['inheritance.parameters={"branching/nobody"=1}'], "SCIP refuses branching/nobody = 1"),
        (['collection.parameters={"branching/scorefac"=2.0}'], "SCIP refuses branching/scorefac"),
        (['inheritance.parameters={"branching/scorefunc"="?"}'], "SCIP refuses branching/scoref"),
        (['collection.parameters={"limits/time"=3}'], "collection.parameters sets .*'limits/time'"),
        (['inheritance.parameters={"lp/pricing"="s"}'], "inheritance.parameters sets .*'lp/pri"),
    ],
)
def test_what_is_not_there_is_refused_before_any_work(tmp_path, settings, message):
    refused(tmp_path, message, *settings)


def test_a_teacher_without_a_network_is_refused(tmp_path):
    teacher = tmp_path / "teacher"
    Policy({}, Card(None, parameters={"presolving/maxrounds": 1})).save(teacher)
    refused(tmp_path, "has no network", f"training.teacher={teacher}")


def test_an_impossible_number_of_threads_is_refused(tmp_path):
    refused(tmp_path, "threads is 0", threads=0)


def test_a_family_without_instances_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    refused(tmp_path, "empty", family=str(tmp_path / "empty"))
    refused(tmp_path, "no_family", family="no_family")


@pytest.mark.parametrize("package", ["torch", "torch_geometric"])
def test_a_missing_extra_is_named(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)  # Python's way to say: not importable
    refused(tmp_path, rf"{package}, .*: pip install '.\[train\]'")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (replace(GOOD, seed=-1), "seed is -1"),
        (replace(GOOD, generations=0), "generations is 0"),
        (
            replace(GOOD, training=TrainingConfig(learning_rate=float("nan"))),
            "learning_rate is nan",
        ),
        (
            replace(GOOD, inheritance=InheritanceConfig(time_limit=float("inf"))),
            "time_limit is inf",
        ),
        (RunConfig(family="item_placement", size=3), "size is 3"),
    ],
)
def test_what_a_program_builds_is_checked_as_if_it_were_read(tmp_path, config, message):
    with pytest.raises(UserError, match=message):
        train(tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_a_maker_of_a_generation_that_is_not_there_is_refused():
    class Maker:
        held_out = 0

        def check(self, config, number):
            raise UserError(f"not generation {number}")

    with pytest.raises(UserError, match=r"generation 6 .* generations 1 to 5"):
        check_run(GOOD, {6: Maker()})
    with pytest.raises(UserError, match="not generation 5"):
        check_run(GOOD, {5: Maker()})
