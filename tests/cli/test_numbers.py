"""Numbers on the command line: within bounds, or one sentence that names the option."""

import pytest

from kida.boundary import LARGEST_SEED
from kida.cli import main
from kida.cli.numbers import MOST_SEEDS, positive, read_seeds, seed, whole
from kida.errors import UserError

PLACEMENT = "item_placement:test:0"
SOLVE = ["solve", PLACEMENT]
COMPARE = ["compare", PLACEMENT, "--policies", "default"]
EVALUATE = ["evaluate", "item_placement", "--policies", "default"]
GENERATE = ["generate", "item_placement", "--out", "out"]
DESCRIBE = ["instances", "describe", "no.mps"]
TRAIN = ["train", "item_placement", "--out", "out"]

CASES = [
    *(
        (command, option, value)
        for option, commands, values in (
            (
                "--time-limit",
                (SOLVE, COMPARE, EVALUATE, DESCRIBE),
                ("1e30", "nan", "inf", "-1", "-inf", "0", "x", "1" * 5000),
            ),
            ("--memory-limit", (SOLVE, EVALUATE), ("1e30", "nan", "inf", "-5", "0")),
            ("--node-limit", (SOLVE, EVALUATE), ("1e20", "1" + "0" * 20, "-1", "0", "1.5")),
            ("--seed", (SOLVE, COMPARE), (str(LARGEST_SEED + 1), "-1", "1e3", "9" * 5000)),
            ("--jobs", (EVALUATE, GENERATE, TRAIN), ("0", "-1", "9" * 30, "1e9", "nan")),
            ("--threads", (TRAIN,), ("0", "9" * 30)),
            ("--count", (GENERATE,), ("0", "-1", "9" * 30)),
            ("--count", (EVALUATE,), ("-1", "9" * 30)),
            ("--start", (EVALUATE, GENERATE), ("-1", "9" * 30)),
        )
        for command in commands
        for value in values
    ),
    (EVALUATE, "--seeds", "0-99999999999"),
    (EVALUATE, "--seeds", "0-2000000000"),
    (EVALUATE, "--seeds", "9" * 5000),
    (EVALUATE, "--seeds", str(LARGEST_SEED + 1)),
    (["solve"], "", "item_placement:test:99999999999999999999"),
    (["solve"], "", "item_placement:test:" + "9" * 5000),
    (["solve"], "", "item_placement:test:-1"),
]


@pytest.mark.parametrize(
    ("command", "option", "value"),
    CASES,
    ids=lambda x: x[0] if isinstance(x, list) else str(x)[:12],
)
def test_one_sentence_and_exit_2(capsys, tmp_path, monkeypatch, command, option, value):
    monkeypatch.chdir(tmp_path)
    extra = [f"{option}={value}"] if option else [value]
    assert main([*command, *extra]) == 2
    said = capsys.readouterr().err
    assert said.startswith("kida: ")
    assert said.count("\n") == 1
    assert len(said) < 6000 if not option else len(said) < 300
    assert option in said or option == "--seeds"
    assert not any(tmp_path.iterdir())


def test_numbers_within_bounds():
    assert whole("--count", 1)("7") == 7
    assert positive("--time-limit", "seconds")("1e3") == 1000.0
    assert positive("--time-limit", "seconds")("1e9") == 1e9
    assert seed()(str(LARGEST_SEED)) == LARGEST_SEED == 2**31 - 2


def test_seeds():
    assert read_seeds("0,1,5-9") == [0, 1, 5, 6, 7, 8, 9]
    assert read_seeds("3-1") == []
    assert len(read_seeds(f"1-{MOST_SEEDS}")) == MOST_SEEDS
    for text in ("", "a", "1-", "-1", "1,,2", "1.5", "1-2-3", f"0-{MOST_SEEDS}"):
        with pytest.raises(UserError):
            read_seeds(text)
