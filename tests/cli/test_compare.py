"""``kida compare`` as a user calls it."""

import pytest

from kida.cli import main


@pytest.mark.slow
def test_bounds_over_time_side_by_side(capsys):
    arguments = ["item_placement:test:0", "--policies", "mostinf,pscost", "--time-limit", "0.5"]
    assert main(["compare", *arguments]) == 0
    said = capsys.readouterr().out
    assert "item_placement_10000, competition settings, 0.5 s for each of mostinf, pscost" in said
    assert said.count("5.40595") >= 22
    assert "0.25" in said
    assert "reward" in said


def test_mistakes(capsys):
    assert main(["compare", "item_placement:test:0", "--policies", ","]) == 2
    assert "no policy" in capsys.readouterr().err
    assert main(["compare", "item_placement:test:0", "--policies", "default,nonesuch"]) == 2
    assert "'nonesuch'" in capsys.readouterr().err
    arguments = ["item_placement:test:0", "--policies", "default", "--time-limit", "0"]
    assert main(["compare", *arguments]) == 2
    assert "--time-limit" in capsys.readouterr().err


def test_own_settings(capsys, knapsack, tmp_path):
    own = tmp_path / "own.set"
    own.write_text("limits/time = 5\nlimits/nodes = 1\n")
    arguments = ["compare", str(knapsack), "--policies", "default", "--settings", "default"]
    assert main([*arguments, "--set-file", str(own)]) == 0
    said = capsys.readouterr().out
    assert "5 s for each of default" in said
    assert "nodelimit" in said


def test_a_name_with_brackets_is_no_markup(capsys, knapsack, make_policy, tmp_path, monkeypatch):
    make_policy().save(tmp_path / "mine[bold]")
    monkeypatch.chdir(tmp_path)
    arguments = ["compare", str(knapsack), "--time-limit", "0.5", "--policies"]
    assert main([*arguments, "./mine[bold]"]) == 0
    assert capsys.readouterr().out.count("./mine[bold]") == 3
    assert main([*arguments, "./mine[/x]"]) == 2
    assert "no policy './mine[/x]'" in capsys.readouterr().err
