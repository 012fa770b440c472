"""``kida report`` as a user calls it."""

import pytest

from kida.cli import main
from kida.evaluation.records import Protocol
from kida.evaluation.runner import evaluate
from kida.evaluation.trials import plan
from kida.instances.registry import instances

pytest.importorskip("matplotlib", reason="the extra plot is not installed")


@pytest.mark.slow
def test_a_report_beside_its_results(capsys, tmp_path):
    folder = tmp_path / "results"
    runs = plan(instances("item_placement", count=1), [0], ["mostinf"])
    evaluate(runs, Protocol(time_limit=0.5), folder)
    assert main(["report", str(folder)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == str(folder / "report" / "report.html")
    assert all((folder / "report" / line).exists() for line in said)


def test_mistakes(capsys, tmp_path):
    assert main(["report", str(tmp_path)]) == 2
    assert "not a folder of results" in capsys.readouterr().err
