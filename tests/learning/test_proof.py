"""A run's verdict: real solves of small problems, interrupted, resumed, and where there is none."""

import gzip
import json
import math
from pathlib import Path

import pytest

from kida.boundary import plain
from kida.errors import UserError
from kida.evaluation.results import load_results
from kida.evaluation.verdict import read_verdict
from kida.learning import proof
from kida.learning.config import read_config
from kida.learning.events import (
    CutShort,
    GenerationMade,
    Probing,
    ProofSolve,
    Proving,
    RunFinished,
    Started,
    VerdictReached,
    Warned,
)
from kida.learning.forecast import Forecast
from kida.learning.inventory import family_of_run
from kida.learning.proof import Design, levers_of, prove
from kida.learning.run import Run, read_log, read_run
from kida.solver.policies import VARIANTS

INSTANCES = Path(__file__).parents[2] / "instances"


@pytest.fixture
def ended(tmp_path, make_policy):
    """Return what makes a run whose training has ended, of a family and some options."""

    def run(family, *options, **card):
        folder = tmp_path / "run"
        made = Run(folder, read_config(str(family), None, options))
        family_of_run(str(family), folder)
        made.log(Started(jobs=1))
        made.log(RunFinished(policy="policy"))
        make_policy(0, **card).save(folder / "policy")
        return folder

    return run


def solves(folder):
    return sorted((folder / "verdict" / "results" / "runs").glob("*.json"))


@pytest.mark.slow
def test_files_are_compared_as_they_would_be_solved(knapsacks, ended, monkeypatch):
    monkeypatch.setattr(proof, "MOST_SEEDS", 2)
    folder = ended(knapsacks(12), parameters=VARIANTS["treecuts"].parameters)
    told = []
    forecast = Forecast(folder, read_run(folder).config, 1, 1)

    def listen(event):
        told.append(event)
        forecast.see(event)
        assert forecast.left() is not None

    found = prove(folder, listener=listen)
    assert forecast.left().total == 0
    assert found == read_verdict(folder)
    assert (found.goal, found.settings, found.policy) == ("time", "default", "policy")
    # Of twelve files one is to select by and one for tests.
    assert (found.instances, found.seeds) == (1, 2)
    assert found.levers == ("treecuts",)
    assert found.time_limit >= 10
    assert found.seconds_used >= 0
    design = json.loads((folder / "verdict" / "design.json").read_text())
    assert design["instances"] == [0]
    # Nothing that the run trained on or selected by was compared, nor was SCIP's default probed on
    # the test file.
    results = [load_results([folder / "verdict" / part]) for part in ("probes", "results")]
    compared, probed = ({r.job.instance.path for r in part.records} for part in results[::-1])
    inventory = json.loads((folder / "instances.json").read_text())["files"]
    assert compared == {entry["path"] for entry in inventory["test"]}
    assert probed <= {entry["path"] for entry in inventory["train"]}
    assert len(probed) == proof.PROBES
    kinds = [type(event) for event in told if not isinstance(event, ProofSolve | Warned)]
    assert kinds == [Probing, Proving, VerdictReached]
    assert told[-1].text.endswith("seeds say nothing of others")
    # With the same command once more there is nothing to do.
    told.clear()
    assert prove(folder, listener=told.append) == found
    assert not told


@pytest.mark.slow
def test_an_interrupted_verdict_goes_on(knapsacks, ended, monkeypatch):
    monkeypatch.setattr(proof, "MOST_SEEDS", 2)
    folder = ended(knapsacks(5))
    seen = []

    def stop(event):
        seen.append(event)
        if isinstance(event, ProofSolve) and event.kind == "results" and event.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove(folder, listener=stop)
    assert read_verdict(folder) is None
    done = {path: path.stat().st_mtime_ns for path in solves(folder)}
    assert len(done) == 1
    # What was fixed stays, whatever might be found now.
    monkeypatch.setattr(proof, "MOST_SEEDS", 5)
    seen.clear()
    found = prove(folder, listener=seen.append)
    assert found.seeds == 2
    assert len(solves(folder)) == 4
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert not any(isinstance(event, Probing) for event in seen)
    assert [e.of for e in seen if isinstance(e, ProofSolve)][-1] == 3


@pytest.mark.slow
def test_where_no_time_is_enough_the_gap_is_compared(tmp_path, ended, monkeypatch):
    folder = tmp_path / "hard"
    folder.mkdir()
    content = gzip.decompress((INSTANCES / "item_placement_9900.mps.gz").read_bytes())
    for number in range(4):
        # As far as a digest can tell these are four problems.
        (folder / f"h{number}.mps").write_bytes(b"* %d\n" % number + content)
    monkeypatch.setattr(proof, "PROBE_SECONDS", 1.0)
    monkeypatch.setattr(proof, "MOST_SEEDS", 1)
    monkeypatch.setattr(proof, "PROBES", 2)
    found = prove(ended(folder))
    assert (found.goal, found.settings, found.time_limit) == ("gap", "default", 1)
    assert found.seconds <= 1


@pytest.mark.slow
def test_the_competitions_families_are_judged_by_the_bound(ended, monkeypatch):
    monkeypatch.setattr(proof, "TOTAL_SECONDS", 8.0)
    folder = ended("item_placement", "inheritance.time_limit=2")
    found = prove(folder)
    assert (found.goal, found.settings, found.time_limit) == ("bound", "competition", 2)
    assert found.instances == 2
    assert not (folder / "verdict" / "probes").exists()
    names = {r.job.instance.split for r in load_results([folder / "verdict" / "results"]).records}
    assert names == {"test"}


@pytest.mark.slow
def test_other_families_are_judged_by_the_time_under_their_own_settings(ended, monkeypatch):
    monkeypatch.setattr(proof, "TOTAL_SECONDS", 1.0)
    monkeypatch.setattr(proof, "PROBES", 1)
    folder = ended("multidimensional_knapsack", "size=easy", "collection.settings=research")
    found = prove(folder)
    assert (found.goal, found.settings) == ("time", "research")
    assert (found.instances, found.seeds) == (2, 1)
    (probe,) = load_results([folder / "verdict" / "probes"]).records
    assert (probe.job.instance.split, probe.job.settings) == ("train", "research")
    assert found.time_limit == max(10, math.ceil(3 * probe.result.wall_time))


def test_what_the_run_has_seen_is_not_compared(knapsacks, ended):
    folder = knapsacks(3)
    run = ended(folder)
    files = json.loads((run / "instances.json").read_text())["files"]
    # The one test file gets the content of another.
    (test,) = files["test"]
    Path(test["path"]).write_bytes(Path(files["train"][0]["path"]).read_bytes())
    (run / "instances.json").unlink()
    family_of_run(str(folder), run)
    told = []
    assert prove(run, listener=told.append) is None
    assert "has no test instance that the run has not seen" in told[-1].text
    assert not (run / "verdict").exists()


@pytest.mark.parametrize("count", [1, 2])
def test_a_folder_without_a_test_file_has_no_verdict(knapsacks, ended, count):
    told = []
    assert prove(ended(knapsacks(count)), listener=told.append) is None
    assert [type(event) for event in told] == [Warned]


def test_a_run_that_has_not_ended_has_none_either(tmp_path):
    Run(tmp_path / "run", read_config("item_placement"))
    with pytest.raises(UserError, match="has not ended: kida train goes on with it"):
        prove(tmp_path / "run")


def sized(expected, unseen=100, cores=2, goal="time"):
    return proof._sized(goal, "default", 60.0, expected, range(unseen), cores)


def test_as_many_solves_as_there_is_time_for():
    for expected, unseen, cores in (
        (1, 3, 2),
        (10, 4, 2),
        (45, 100, 2),
        (45, 100, 16),
        (200, 9, 4),
    ):
        found = sized(expected, unseen, cores)
        count = len(found.instances)
        seconds = 2 * expected * count * found.seeds / cores
        assert seconds <= max(proof.TOTAL_SECONDS, 4 * expected / cores)
        assert 1 <= count <= min(unseen, proof.MOST_INSTANCES)
        assert len(set(found.instances)) == count
        assert 1 <= found.seeds <= proof.MOST_SEEDS
    # Evenly: names often grow with what they name.
    assert sized(150, 100).instances == (0, 33, 66, 99)
    # Instances come first, then seeds of each.
    assert sized(45, 100).seeds == 1
    assert sized(1, 3).seeds == proof.MOST_SEEDS


def test_a_design_says_what_it_can_show():
    shown = [proof._detectable(sized(expected, unseen)) for expected, unseen in ((1, 30), (1, 5))]
    assert 0.8 < shown[0] < 0.9
    assert 0.5 < shown[1] < 0.7
    assert proof._detectable(sized(10_000, 1, cores=1)) is None
    assert isinstance(sized(1), Design)


def test_levers_are_variants_and_other_parameters():
    assert levers_of({}) == []
    parameters = {**VARIANTS["orbital"].parameters, "separating/maxrounds": 0}
    assert levers_of(parameters) == ["orbital", "separating/maxrounds"]


def test_pauses_do_not_count_as_work(tmp_path):
    folder = tmp_path / "run"
    Run(folder, read_config("item_placement")).log(Started(jobs=1))
    Run(folder, read_config("item_placement")).log(Started(jobs=1))
    lines = read_log(folder)
    assert [line.resumed for line in lines] == [False, True]
    times = iter([0.0, 10.0, 500.0, 503.0])
    lines = [{"event": "e", "time": next(times), "resumed": k == 2} for k in range(4)]
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert math.isclose(Run(folder, read_config("item_placement")).seconds_worked(), 13.0)


def test_the_seconds_of_a_generation_are_those_of_its_events(tmp_path):
    run = Run(tmp_path / "run", read_config("item_placement"))
    events = [
        CutShort(generation=1, samples=1),
        CutShort(generation=1, samples=2),
        # It does not say which generation it is about.
        Warned(text="a warning"),
        CutShort(generation=2, samples=3),
        GenerationMade(generation=2),
    ]
    for time, event in zip((0, 4, 9, 10, 17), events, strict=True):
        with (run.folder / "log.jsonl").open("a") as log:
            log.write(json.dumps({"time": time} | plain(event)) + "\n")
    assert [run.seconds_worked(number) for number in (None, 1, 2, 3)] == [17.0, 10.0, 7.0, 0.0]
