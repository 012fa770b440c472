"""Completion: the scripts know the commands and their options, and shells take them."""

import shutil
import subprocess

import pytest

from kida.cli import COMMANDS, main


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_is_known(shell, capsys):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in (*COMMANDS, "time-limit", "item_placement", "competition"):
        assert word in script, word


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["kida", "comp"], {"compare", "completion"}),
        (["kida", "solve", "--m"], {"--model", "--memory-limit"}),
        (["kida", "solve", "--model", "item_"], {"item_placement"}),
        (["kida", "report", "here_"], {"here_i_am"}),
        # A name, or a folder of one's own.
        (["kida", "solve", "--model", "here_"], {"here_i_am"}),
        (["kida", "tune", "here_"], {"here_i_am"}),
        (["kida", "evaluate", "set_"], {"set_cover", "set_here"}),
    ],
)
def test_bash_completes(words, expected, capsys, tmp_path):
    assert main(["completion", "bash"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    for name in ("here_i_am", "set_here"):
        (tmp_path / name).mkdir()
    ask = f"""
        source ./script
        COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}
        _shtab_kida
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    process = subprocess.run(
        ["bash", "-c", ask], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert set(process.stdout.split()) == expected
