"""``kida tune`` as a user calls it: every mistake is one sentence, before any work."""

import pytest

from kida.cli import main
from kida.cli.numbers import seconds

TINY = "Maximize\n x + y\nSubject To\n c: 2 x + 3 y <= 7\nGenerals\n x y\nEnd\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine").mkdir()
    for number in range(3):
        (tmp_path / "mine" / f"p_{number}.lp").write_text(TINY)
    return tmp_path / "mine"


@pytest.mark.parametrize(
    ("text", "value"), [("45m", 2700), ("1h30m", 5400), ("90s", 90), ("0.5h", 1800), ("2 m", None)]
)
def test_durations_need_a_unit(text, value):
    if value is None:
        with pytest.raises(Exception, match="with its unit"):
            seconds("--budget")(text)
    else:
        assert seconds("--budget")(text) == value


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "45"], "--budget is 45; it must be a duration with its unit"),
        (["--budget", "0s"], "--budget is 0s"),
        (["--time-limit", "-1"], "--time-limit is -1"),
        (["--settings", "fast"], "there are no settings named 'fast'"),
        (["--set-file", "none.set"], "there is no file none.set"),
        (["--jobs", "1000"], "would disturb each other"),
    ],
)
def test_mistakes_are_one_sentence(arguments, said, folder, tmp_path, capsys):
    run = tmp_path / "run"
    assert main(["tune", str(folder), "--out", str(run), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not run.exists()


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["tune", str(tmp_path / "none"), "--out", str(tmp_path / "run")]) == 2
    assert "is neither a family nor a folder" in capsys.readouterr().err


def test_a_folder_of_something_else_is_left_alone(folder, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    assert main(["tune", str(folder), "--out", str(tmp_path / "run")]) == 2
    assert "is not empty and no tuning" in capsys.readouterr().err


@pytest.mark.slow
def test_a_folder_solved_at_the_root_ends_with_an_honest_sentence(folder, tmp_path, capsys):
    run = tmp_path / "run"
    own = tmp_path / "scip.set"
    own.write_text("limits/time = 5\nfoo/bar = 1\nrandomization/lpseed = 3\n")
    arguments = ["tune", str(folder), "--out", str(run), "--budget", "60s", "--jobs", "1"]
    assert main([*arguments, "--set-file", str(own)]) == 0
    said = capsys.readouterr().out
    assert "SCIP does not know foo/bar" in said
    assert "randomization/lpseed is set by kida" in said
    assert "Nothing to tune: SCIP solves all" in said
    assert "The policy is SCIP's default" in said
    assert (run / "report.html").exists()
    # Asked again, it says the same without any work; something else is refused.
    assert main([*arguments, "--set-file", str(own)]) == 0
    assert "Nothing to tune" in capsys.readouterr().out
    assert main([*arguments, "--goal", "gap"]) == 2
    assert "a tuning of something else" in capsys.readouterr().err
