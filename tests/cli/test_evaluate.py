"""``kida evaluate`` as a user calls it: runs, tables, resuming, mistakes."""

import csv
import json
import re
from pathlib import Path

import pytest

from kida.cli import main
from kida.evaluation.results import OFFICIAL_COLUMNS

INSTANCES = Path(__file__).resolve().parents[2] / "instances"
SHORT = ["evaluate", "item_placement", "--count", "1", "--time-limit", "0.5"]


def refused(capsys, *arguments):
    assert main(["evaluate", *map(str, arguments)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("kida: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.slow
def test_scores_tables_and_summary_then_nothing_more_to_do(capsys, tmp_path):
    folder = tmp_path / "results"
    arguments = [*SHORT, "--policies", "mostinf,pscost", "--out", str(folder)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "[2/2] item_placement_10000, seed 0, pscost: timelimit" in said
    assert "difference from mostinf, paired by instance" in said
    with (folder / "pscost.csv").open(newline="") as source:
        (line,) = csv.DictReader(source)
    assert tuple(line)[:6] == OFFICIAL_COLUMNS
    assert float(line["cumulated_reward"]) == pytest.approx(5.40595 / 2, rel=0.2)
    assert "difference from mostinf" in (folder / "summary.txt").read_text()

    assert main([*arguments, "--baseline", "pscost"]) == 0
    said = capsys.readouterr().out
    assert "2 of 2 runs are in" in said
    assert "difference from pscost" in said
    assert "holds runs with time_limit" in refused(
        capsys,
        "item_placement",
        "--count",
        1,
        "--time-limit",
        1,
        "--policies",
        "mostinf",
        "--out",
        folder,
    )


@pytest.mark.slow
def test_everything_failed(capsys, tmp_path, monkeypatch):
    (tmp_path / "kida_cli_rule.py").write_text("def fail(observation, candidates): 1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    arguments = [*SHORT, "--policies", "kida_cli_rule:fail", "--out", "results"]
    assert main(arguments) == 2
    said = capsys.readouterr()
    assert "ZeroDivisionError" in said.out
    assert "every run failed" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonesuch", "--policies", "default"], "nonesuch"),
        (["item_placement", "--policies", "nonesuch"], "no policy 'nonesuch'"),
        (["item_placement", "--policies", ","], "no policy to evaluate"),
        (["item_placement", "--policies", "default", "--count", "0"], "nothing to evaluate"),
        (["item_placement", "--policies", "default", "--start", "99", "--count", "2"], "100 inst"),
        (["item_placement", "--policies", "default", "--seeds", "a"], "list of seeds"),
        (["item_placement", "--policies", "default", "--seeds", "3-1"], "no seed"),
        (["item_placement", "--policies", "default", "--time-limit", "0"], "--time-limit is 0"),
        (["item_placement", "--policies", "default", "--settings", "default"], "--time-limit"),
        (["item_placement", "--policies", "default", "--jobs", "0"], "--jobs is 0"),
        (["item_placement", "--policies", "default", "--jobs", "999"], "disturb each other"),
        (["item_placement", "--policies", "default", "--compare-with", "no.csv"], "no file"),
        (["set_cover", "--policies", "default", "--official"], "no benchmark"),
        (
            ["item_placement", "--policies", "a", "--official", "--split", "train"],
            "fixes the split",
        ),
        (["item_placement", "--policies", "a", "--official", "--time-limit", "60"], "900 s"),
        (["load_balancing", "--policies", "a", "--official", "--size", "small"], "the size"),
        ([INSTANCES], "--policies"),
    ],
)
def test_mistakes(capsys, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, *arguments)
    assert not any(tmp_path.iterdir())


def test_official_results_over_another_limit_are_refused(capsys, tmp_path):
    path = tmp_path / "team.csv"
    path.write_text(",".join(OFFICIAL_COLUMNS) + "\nitem_placement_10000.mps.gz,0,586,5.4,0,9000\n")
    arguments = ["item_placement", "--count", 1, "--time-limit", 0.5, "--policies", "mostinf"]
    out = tmp_path / "results"
    assert "900 s" in refused(capsys, *arguments, "--compare-with", path, "--out", out)
    assert not out.exists()


@pytest.mark.slow
def test_a_quick_look_says_how_wide_its_interval_is(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["--quick", "--policies", "mostinf,pscost", "--count", "2", "--time-limit", "0.5"]
    assert main(["evaluate", *arguments, "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    assert "This was a quick look, 0.5 s a run" in said
    assert "with 2 instances the 95 % interval is" in said
    assert (tmp_path / "results" / "item_placement-competition-0.5s" / "summary.txt").exists()


def test_a_quick_look_at_few_files_takes_all(capsys, knapsack, tmp_path):
    out = str(tmp_path / "results")
    arguments = [str(knapsack), "--quick", "--policies", "default", "--time-limit", "2"]
    assert main(["evaluate", *arguments, "--out", out]) == 0
    assert "[1/1]" in capsys.readouterr().out


def test_a_baseline_without_runs_is_refused_before_any(capsys, knapsack, tmp_path):
    arguments = [knapsack, "--policies", "default", "--time-limit", "2", "--settings", "default"]
    out = tmp_path / "results"
    said = refused(capsys, *arguments, "--baseline", "nobody", "--out", out)
    assert "'nobody' is none of the policies" in said
    assert not out.exists()


def test_own_settings_are_part_of_the_protocol(capsys, knapsack, tmp_path):
    own = tmp_path / "own.set"
    own.write_text("limits/time = 5\nseparating/maxrounds = 0\nrandomization/lpseed = 3\n")
    arguments = [str(knapsack), "--policies", "default", "--settings", "default"]
    arguments += ["--seeds", "0,1", "--out", str(tmp_path / "results")]
    assert main(["evaluate", *arguments, "--set-file", str(own)]) == 0
    said = capsys.readouterr().out
    assert "randomization/lpseed is set by kida" in said
    assert "2 runs of at most 5 s, 1 at a time: about 10 s if none is solved" in said
    protocol = json.loads((tmp_path / "results" / "protocol.json").read_text())
    assert protocol["user_parameters"] == {"separating/maxrounds": 0}
    assert protocol["time_limit"] == 5.0
    assert "holds runs with user_parameters" in refused(capsys, *arguments, "--time-limit", 5)
    assert "leave --set-file out" in refused(
        capsys, "item_placement", "--official", "--set-file", own
    )


def test_folders_of_one_name_have_results_of_their_own(capsys, knapsack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("small/test", "large/test"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "instance_1.mps").write_bytes(knapsack.read_bytes())
        arguments = [folder, "--split", "all", "--policies", "default", "--time-limit", "5"]
        assert main(["evaluate", *arguments]) == 0
        assert "already" not in capsys.readouterr().out
    first, second = sorted((tmp_path / "results").iterdir())
    for found in (first, second):
        assert re.fullmatch(r"test-[0-9a-f]{6}-all-competition-5s", found.name)
