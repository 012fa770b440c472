"""Forcing an instruction set: by a function, by the environment, and in processes started later."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

import kida
from kida import _core
from kida.errors import UserError
from kida.network.instruction_set import VARIABLE, instruction_sets
from kida.solver.versions import versions


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    before = _core.instruction_set()
    yield
    os.environ.pop(VARIABLE, None)
    _core.use_instruction_set(before)


def test_the_widest_is_used_by_default() -> None:
    assert kida.instruction_set() == instruction_sets()[0]
    assert instruction_sets()[-1] == "baseline"


def test_each_that_the_processor_has_can_be_forced() -> None:
    for name in instruction_sets():
        kida.use_instruction_set(name)
        assert kida.instruction_set() == versions()["instruction set"] == name


@pytest.mark.parametrize("how", ["function", "environment"])
def test_it_holds_in_processes_that_are_started_later(how, make_policy, tmp_path) -> None:
    if how == "function":
        kida.use_instruction_set("baseline")
    else:
        os.environ[VARIABLE] = "baseline"
    make_policy().save(tmp_path / "policy")
    script = (
        "import sys, kida; from kida import _core; "
        "kida.Policy.load(sys.argv[1]).native(); print(_core.instruction_set())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "policy")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "baseline\n"


def test_one_that_the_processor_lacks_is_named(make_policy) -> None:
    with pytest.raises(UserError, match=r"'sse9', and this processor has .*baseline"):
        kida.use_instruction_set("sse9")
    os.environ[VARIABLE] = "sse9"
    for use in (make_policy().native, kida.instruction_set, kida.show_versions):
        with pytest.raises(UserError, match=f"{VARIABLE} is 'sse9'"):
            use()
