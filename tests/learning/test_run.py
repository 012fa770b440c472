import json

import pytest

from kida.errors import UserError
from kida.learning.config import read_config
from kida.learning.events import Started, Step, Stopped, Warned
from kida.learning.run import Run, read_run, status

CONFIG = read_config("item_placement")


def test_folders_that_are_no_run_are_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UserError, match="not empty and no training run"):
        Run(tmp_path, CONFIG)
    with pytest.raises(UserError, match="holds no training run"):
        read_run(tmp_path)
    (tmp_path / "config.json").write_text('{"run_version": 0}')
    with pytest.raises(UserError, match="run of version 0"):
        Run(tmp_path, CONFIG)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="is not a run's configuration"):
        Run(tmp_path, CONFIG)


def test_a_run_is_opened_again_with_its_configuration_only(tmp_path):
    Run(tmp_path / "run", CONFIG)
    assert read_run(tmp_path / "run").config == CONFIG
    Run(tmp_path / "run", CONFIG)
    with pytest.raises(UserError, match="generations is 5 there and 2 here"):
        Run(tmp_path / "run", read_config("item_placement", None, ["generations=2"]))


def test_damaged_metrics_are_named(tmp_path):
    run = Run(tmp_path / "run", CONFIG)
    run.generation(1).mkdir()
    (run.generation(1) / "training.json").write_text("{")
    with pytest.raises(UserError, match=r"training\.json is not the metrics of a training"):
        status(tmp_path / "run")


def test_events_are_logged_and_told_but_steps_only_told(tmp_path):
    told = []
    run = Run(tmp_path / "run", CONFIG, told.append)
    run.report(Step(epoch=1, samples=8, of=9, samples_per_second=1.0, loss=1.0))
    run.report(Stopped(epoch=7, of=9))
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [7]
    assert [event.epoch for event in told] == [1, 7]


def test_a_run_is_opened_again_with_its_makers_only(tmp_path):
    makers = {"2": {"kind": "search", "seconds": (1.0, 2.0)}}
    Run(tmp_path / "run", CONFIG, makers=makers)
    Run(tmp_path / "run", CONFIG, makers=makers)
    with pytest.raises(UserError, match=r"makers\.2\.kind is \"search\" there and null here"):
        Run(tmp_path / "run", CONFIG)
    (second,) = (entry for entry in status(tmp_path / "run") if entry["generation"] == 2)
    assert second["of"] == 0


@pytest.mark.parametrize("version", [4, 99, None, "5"])
def test_a_run_of_another_version_is_refused_in_one_sentence(tmp_path, version):
    Run(tmp_path / "run", CONFIG)
    file = tmp_path / "run" / "config.json"
    # Its options need not be known here.
    file.write_text(json.dumps({"run_version": version, "family": "f", "training": {"x": 1}}))
    for opened in (lambda: Run(tmp_path / "run", CONFIG), lambda: status(tmp_path / "run")):
        with pytest.raises(UserError, match="finish it with the kida that began it"):
            opened()


def test_a_full_disk_is_a_users_mistake_and_half_an_event_is_cut_off(tmp_path, full_disk):
    run = Run(tmp_path / "run", CONFIG)
    log = tmp_path / "run" / "log.jsonl"
    run.log(Started(jobs=1))
    with full_disk(200), pytest.raises(UserError, match=r"cannot write the log .*free some space"):
        run.log(Warned(text=300 * "x"))
    assert log.stat().st_size == 200
    Run(tmp_path / "run", CONFIG).log(Started(jobs=2))
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["jobs"] for event in events] == [1, 2]
