"""The ``kida`` command itself: help, versions, exit statuses."""

import importlib
import logging
import os
import shlex
import subprocess
import sys

import pytest

from kida.cli import COMMANDS, main, status_of


def test_versions(capsys):
    assert main(["--version"]) == 0
    said = capsys.readouterr().out
    assert "scip" in said
    assert "kida" in said


def test_without_a_command_help_is_shown(capsys):
    assert main([]) == 2
    said = capsys.readouterr().out
    for command in COMMANDS:
        assert command in said


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"usage: kida {command}" in capsys.readouterr().out
    assert importlib.import_module(f"kida.cli.{command}").HELP


def test_unknown_commands_are_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["nonesuch"])
    assert stopped.value.code == 2
    assert "nonesuch" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["solve", "compare", "evaluate"])
def test_solving_and_evaluating_need_no_torch(command):
    code = (
        f"import sys, kida.cli.{command}; "
        "sys.exit(' '.join({'torch', 'matplotlib', 'pandas'} & set(sys.modules)) or 0)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_that_the_disk_has_no_room_for_is_said_to_be_so():
    command = [sys.executable, "-m", "kida", "instances"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "kida: cannot write (No space left on device): free space\n"


def test_a_command_without_an_output_is_no_mistake():
    command = f"{shlex.quote(sys.executable)} -m kida instances >&-"
    done = subprocess.run(["sh", "-c", command], stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_has_enough_is_no_mistake():
    command = [sys.executable, "-m", "kida", "--version"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_what_kida_logs_and_nobody_listens_to_is_shown(capsys):
    def run() -> int:
        logging.getLogger("kida.jobs.run").warning("all cores are %s", "taken")
        logging.getLogger("kida.jobs.run").info("a job has begun")
        return 0

    assert status_of(run) == 0
    assert capsys.readouterr().err == "kida: warning: all cores are taken\n"
    handlers = logging.getLogger("kida").handlers
    assert [type(handler) for handler in handlers] == [logging.NullHandler]
