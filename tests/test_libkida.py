"""libkida: the same cards, weights and branching as from Python, and errors instead of crashes."""

import ctypes
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyscipopt.scip
import pytest
import safetensors.numpy
from pyscipopt import SCIP_PARAMSETTING, Model, quicksum

import kida
from kida.errors import UserError
from kida.libkida import library
from kida.network.architecture import Architecture, shapes
from kida.network.card import LARGEST_CARD, Card, card_from
from kida.network.policy import Policy, shipped
from kida.network.steering import FEATURES, SteeringCard, by_one_feature, steering_card_from
from kida.parameters import LARGEST
from kida.rule import Decision
from kida.solver.branching import capsule
from kida.solver.solve import scip_statistics

ROOT = Path(__file__).parents[1]


class Statistics(ctypes.Structure):
    """KidaStatistics of kida.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("decisions", "network_decisions")),
        *((name, ctypes.c_int64) for name in ("expert_decisions", "candidates", "unscored")),
        *((name, ctypes.c_int64) for name in ("decisions_in_copies", "declined")),
        *((f"seconds_{name}", ctypes.c_double) for name in ("observing", "scoring")),
        *((f"seconds_{name}", ctypes.c_double) for name in ("expert", "total")),
        *((name, ctypes.c_int64) for name in ("shortlist_decisions", "looks")),
    )


class Library:
    """libkida as another language loads it: its functions alone."""

    def __init__(self) -> None:
        # The interpreter's lock is kept: PySCIPOpt may print SCIP's errors through Python.
        self._library = ctypes.PyDLL(str(library()))
        self._library.kida_last_error.restype = ctypes.c_char_p
        self._library.kida_version.restype = ctypes.c_char_p
        self._library.kida_include.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
        self._library.kida_statistics.argtypes = (
            ctypes.c_void_p,
            ctypes.POINTER(Statistics),
            ctypes.c_size_t,
        )
        self._pointer = ctypes.pythonapi.PyCapsule_GetPointer
        self._pointer.restype = ctypes.c_void_p
        self._pointer.argtypes = (ctypes.py_object, ctypes.c_char_p)

    def include(self, model: Model | None, folder: Path | str | None) -> str:
        """Return the last error, "" after success."""
        pointer = None if model is None else self._pointer(capsule(model), b"scip")
        return self.include_into(pointer, folder)

    def include_into(self, pointer: int | None, folder: Path | str | None) -> str:
        name = None if folder is None else str(folder).encode()
        done = self._library.kida_include(pointer, name)
        error = self.last_error()
        assert done == (error == "")
        return error

    def last_error(self) -> str:
        return self._library.kida_last_error().decode()

    def statistics(self, model: Model, size: int = ctypes.sizeof(Statistics)) -> Statistics:
        found = Statistics()
        pointer = self._pointer(capsule(model), b"scip")
        if not self._library.kida_statistics(pointer, ctypes.byref(found), size):
            raise RuntimeError(self.last_error())
        return found

    def version(self) -> str:
        return self._library.kida_version().decode()


@pytest.fixture(scope="module")
def lib() -> Library:
    return Library()


def quiet_model(problem: Path | None = None) -> Model:
    model = Model()
    model.hideOutput()
    if problem is not None:
        model.readProblem(str(problem))
    return model


@contextmanager
def scip_without_problem() -> Iterator[int]:
    """Yield the address of a SCIP in which no problem has been begun, which PySCIPOpt has not."""
    functions = ctypes.CDLL(pyscipopt.scip.__file__)
    found = ctypes.c_void_p()
    assert functions.SCIPcreate(ctypes.byref(found)) == 1
    assert found.value is not None
    yield found.value
    assert functions.SCIPfree(ctypes.byref(found)) == 1


def test_versions_agree(lib: Library) -> None:
    assert lib.version() == kida.__version__


def test_nothing_but_the_header_is_seen() -> None:
    if shutil.which("nm") is None:
        pytest.skip("there is no nm")
    listed = subprocess.run(
        ["nm", "-gUP" if library().suffix == ".dylib" else "-DP", "--defined-only", library()],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    header = (ROOT / "kida/cpp/include/kida.h").read_text()
    names = {line.split()[0].lstrip("_") for line in listed.splitlines()}
    assert names == {"kida_include", "kida_statistics", "kida_last_error", "kida_version"}
    assert all(f"{name}(" in header for name in names)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("instance", "policy"),
    [("item_placement_9900", "item_placement"), ("set_cover_easy_valid_0", "set_cover")],
)
def test_it_branches_as_from_python(lib: Library, instance: str, policy: str) -> None:
    found = []
    for by_libkida in (True, False):
        model = quiet_model(ROOT / "instances" / f"{instance}.mps.gz")
        model.setParam("limits/nodes", 30)
        if by_libkida:
            assert lib.include(model, shipped()[policy]) == ""
        else:
            brancher = kida.attach(model, policy)
        changed = {n: model.getParam(n) for n in Policy.load(policy).card.parameters}
        model.optimize()
        counts = lib.statistics(model) if by_libkida else brancher.statistics
        assert counts.decisions > 0
        bounds = model.getDualbound(), model.getPrimalbound()
        work = model.getNNodes(), model.getNLPIterations()
        found.append((changed, counts.decisions, *work, *bounds))
    assert found[0] == found[1]


@pytest.mark.slow
def test_it_steers_as_from_python(lib: Library, tmp_path: Path) -> None:
    by_one_feature("pseudocost_score", parameters={"separating/maxrounds": 0}).save(tmp_path)
    found = []
    for by_libkida in (True, False):
        model = quiet_model(ROOT / "instances" / "item_placement_9900.mps.gz")
        model.setParam("limits/nodes", 40)
        if by_libkida:
            assert lib.include(model, tmp_path) == ""
        else:
            brancher = kida.attach(model, tmp_path)
        assert model.getParam("separating/maxrounds") == 0
        model.optimize()
        counts = lib.statistics(model) if by_libkida else brancher.statistics
        assert counts.decisions > 0
        found.append((counts.decisions, model.getNNodes(), model.getNLPIterations()))
    assert found[0] == found[1]
    # A model of another shape than its card says.
    card = json.loads((tmp_path / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps({**card, "hidden": 2}))
    assert "does not belong to the card" in lib.include(quiet_model(), tmp_path)


def test_older_and_newer_programs_get_what_there_is(lib: Library, knapsack: Path) -> None:
    model = quiet_model(knapsack)
    with pytest.raises(RuntimeError, match=r"kida_include\(\) put no rule into this SCIP"):
        lib.statistics(model)
    assert lib.include(model, shipped()["set_cover"]) == ""
    model.setParam("presolving/maxrounds", 0)
    model.setParam("separating/maxroundsroot", 0)
    model.optimize()
    assert lib.statistics(model).decisions > 0
    older = lib.statistics(model, 8)
    assert older.decisions == lib.statistics(model).decisions
    assert older.candidates == 0
    with pytest.raises(RuntimeError, match="no room"):
        lib.statistics(model, 0)


def test_what_cannot_be_is_said(lib: Library, knapsack: Path, tmp_path: Path) -> None:
    policy = shipped()["set_cover"]
    model = quiet_model(knapsack)
    assert "needs a SCIP and the folder" in lib.include(None, policy)
    assert "needs a SCIP and the folder" in lib.include(model, None)
    assert "there is no policy" in lib.include(model, tmp_path / "none")
    assert "holds no card.json" in lib.include(model, tmp_path)
    assert lib.include(model, policy) == ""
    assert "already has a kida" in lib.include(model, policy)
    begun = quiet_model(knapsack)
    begun.presolve()
    assert "SCIPfreeTransform" in lib.include(begun, policy)
    # Of a thread, its own.
    seen: list[str] = []
    thread = threading.Thread(target=lambda: seen.append(lib.last_error()))
    thread.start()
    thread.join()
    assert seen == [""]
    assert lib.last_error() != ""


def test_a_rule_of_python_is_not_taken_for_its_own(lib: Library, knapsack: Path) -> None:
    model = quiet_model(knapsack)
    kida.attach(model, "set_cover")
    assert "already has a kida" in lib.include(model, shipped()["set_cover"])
    with pytest.raises(RuntimeError, match="put no rule"):
        lib.statistics(model)


def test_starting_values_are_handed_to_scip(
    lib: Library, knapsack: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = quiet_model(knapsack)
    names = [variable.name for variable in model.getVars()]
    Policy({}, Card(None, start=dict.fromkeys(names[:-5], 0.0))).save(tmp_path / "known")
    Policy({}, Card(None, start={"nobody": 0.0})).save(tmp_path / "unknown")
    with scip_without_problem() as pointer:
        assert "read the problem first" in lib.include_into(pointer, tmp_path / "known")
    model.setParam("limits/maxorigsol", 0)
    assert "limits/maxorigsol" in lib.include(model, tmp_path / "known")
    model.setParam("limits/maxorigsol", 10)
    # It has left no rule behind.
    assert lib.include(model, tmp_path / "known") == ""
    model.optimize()
    heuristics = scip_statistics(model)["heuristics"]["plugins"]
    assert heuristics["completesol"]["calls"] == 1
    other = Model()
    other.setParam("display/verblevel", 0)
    other.readProblem(str(knapsack))
    assert lib.include(other, tmp_path / "unknown") == ""
    assert "none of the variables" in "".join(capfd.readouterr())


def test_nonlinear_problems_are_declined_with_one_warning(
    lib: Library, capfd: pytest.CaptureFixture[str]
) -> None:
    source = random.Random(1)
    model = Model()
    model.setParam("display/verblevel", 0)
    model.setHeuristics(SCIP_PARAMSETTING.OFF)
    x = [model.addVar(vtype="I", lb=0, ub=20) for _ in range(12)]
    for i in range(11):
        model.addCons(x[i] * x[i + 1] + x[i] ** 2 <= 30 + i)
    for _ in range(6):
        model.addCons(quicksum(source.randint(1, 9) * v for v in x) <= 200)
    model.setObjective(quicksum(source.randint(5, 20) * v for v in x), "maximize")
    assert lib.include(model, shipped()["set_cover"]) == ""
    model.optimize()
    counts = lib.statistics(model)
    assert (counts.decisions, counts.declined) == (0, 1)
    output = "".join(capfd.readouterr())
    assert output.count("WARNING: kida declines to branch: the problem has nonlinear") == 1


def test_a_run_is_known_by_its_folder(lib: Library, make_policy: Callable, tmp_path: Path) -> None:
    make_policy(0).save(tmp_path / "run" / "policy")
    assert lib.include(quiet_model(), tmp_path / "run") == ""


#: Whole cards, and values of every field: what Python makes of them holds for libkida.
VALUES: list[Any] = [
    None, True, False, 0, 1, 2, 3, -1, -2, 8, 12, 16, 136, 1.0, 0.5, 2**31, 2**62, 2**70, -(2**63),
    1e300, "", "1", "s", "fractional", "unfixed", "all", "x" * 100, "ö" * 100, "x" * 101, [], [1],
    [-1], [True], [2**31], [2**31 - 1], [2**31 - 2], [0] * 10_001, [{}], [{}] * 1001, [1.0], {},
    [{"a": [1]}, {}], {"a": 1}, {"embedding_size": 0}, {"embedding_size": 16},
    {"embedding_size": 128}, {"embedding_size": 136},
    {"embedding_size": 16, "statistics": True}, {"embedding_size": 16, "candidate_features": True},
    {"candidate_features": 1}, {"embedding_size": 16, "heads": 1}, {"embedding_size": 20},
    {"embedding_size": 16, "statistics": False, "candidate_features": False},
    {"branching/scorefac": 0.5}, {"branching/scorefac": "p"}, {"branching/scorefac": [1]},
    {"branching/scorefac": None}, {"limits/gap": 0.5}, {"branching/random/seed": 1},
    {"branching/scorefunc": "ps"}, {"branching/scorefunc": "\n"}, {"misc/usesymmetry": 2**63},
    {"misc/usesymmetry": LARGEST}, {"misc/usesymmetry": -LARGEST - 1}, {"a/" * 150: 1},
    {"branching/\nx": 1}, {"constraints/x/sepafreq": 1, "constraints/x/y/sepafreq": 1},
    {"constraints/agelimit\0/sepafreq": 1}, {f"branching/{k}": 1 for k in range(1001)},
    {"x": 1.5, "ö": -1}, {"x": 1e15}, {"x": 1.01e15}, {"x": -(10**15)}, {"x": -(10**15) - 1},
    {"x": [1, 2.5], "y": [None, 0]}, {"x": [1]}, {"x": [1, 2, 3]}, {"x": [-1, 1]},
    {"x": [1, 1.1e15]},
    {"x": [True, 1]}, {"x": 2**70}, {"x": True}, {"x": None}, {"ö" * 1000: 0}, {"x" * 1001: 0},
]  # fmt: skip


def fields() -> list[str]:
    return ["schema_version", *Card.__struct_fields__, "novelty"]


def bounds() -> list[tuple[str, Any]]:
    """Return the edges of every option of the rule, just inside and just outside."""
    schema = msgspec.json.schema(Decision)["$defs"]["Decision"]["properties"]
    return [
        (name, schema[name][key] + step)
        for name in Decision.__struct_fields__
        for key in ("minimum", "maximum")
        if key in schema[name]
        for step in (-1, 0, 1)
    ]


def python_takes(content: bytes) -> bool:
    try:
        found = msgspec.json.decode(content)
        steering_card_from(found, "no card") if "kind" in found else card_from(found)
    except (UserError, msgspec.DecodeError):
        return False
    return True


def test_cards_are_judged_as_by_python(lib: Library, tmp_path: Path) -> None:
    plain = Card(Architecture(16)).to_json()
    cases = [(name, value) for name in fields() for value in VALUES] + bounds()
    assert len(bounds()) >= 18  # of at least three options
    compare_judgements(lib, tmp_path, plain, cases)


def test_cards_that_steer_are_judged_as_by_python(lib: Library, tmp_path: Path) -> None:
    plain = SteeringCard(features=("depth", "noise"), hidden=3).to_json()
    names = ["schema_version", *SteeringCard.__struct_fields__, "architecture"]
    values: list[tuple[str, Any]] = [
        *(("features", list(FEATURES[:k])) for k in range(len(FEATURES) + 1)),
        *(("features", [name]) for name in (*FEATURES, "candidate_depth", "Depth", 3, None)),
        ("features", ["depth", "noise", "depth"]),
        ("features", [*FEATURES, "noise"]),
        *(("hidden", value) for value in (255, 256, 257)),
        *(
            ("shortlists", value)
            for value in ([4, 8], [8, 4], [4, 4], [0, 4], [10**6], [10**6 + 1])
        ),
        ("shortlists", list(range(1, 17))),
        ("shortlists", list(range(1, 18))),
        ("kind", "relpscost"),
        ("kind", "network"),
    ]
    cases = [(name, value) for name in names for value in VALUES] + values
    compare_judgements(lib, tmp_path, plain, cases)
    for name in plain:
        # Python takes what has no kind for a network's card.
        if name != "kind":
            rest = {key: value for key, value in plain.items() if key != name}
            (tmp_path / "card.json").write_bytes(msgspec.json.encode(rest))
            ours = "is not a policy's card" not in lib.include(quiet_model(), tmp_path)
            assert ours == python_takes(msgspec.json.encode(rest)), name


def compare_judgements(
    lib: Library, tmp_path: Path, plain: dict[str, Any], cases: Sequence[tuple[str, Any]]
) -> None:
    """The weights fit none of them, so that a card that is taken leads to a complaint of those."""
    (tmp_path / "weights.safetensors").write_bytes(b"")
    model, taken = quiet_model(), 0
    for name, value in cases:
        content = msgspec.json.encode(plain | {name: value})
        (tmp_path / "card.json").write_bytes(content)
        error = lib.include(model, tmp_path)
        ours = "is not a policy's card" not in error
        assert ours == python_takes(content), (name, value, error)
        assert ours == ("is too short" in error)
        assert len(error) < 1500
        taken += ours
    assert 50 < taken < len(cases) / 2


def test_a_policy_without_a_network_sets_its_parameters(
    lib: Library, knapsack: Path, tmp_path: Path
) -> None:
    card = Card(None, parameters={"misc/usesymmetry": 2, "separating/maxrounds": 0})
    Policy({}, card).save(tmp_path / "p")
    model = quiet_model(knapsack)
    assert lib.include(model, tmp_path / "p") == ""
    assert model.getParam("separating/maxrounds") == 0
    model.optimize()
    assert model.getStatus() == "optimal"
    assert lib.statistics(model).decisions == 0
    # Weights have no place beside such a card.
    (tmp_path / "p" / "weights.safetensors").write_bytes(b"")
    assert "is too short" in lib.include(quiet_model(knapsack), tmp_path / "p")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe", b"[]", b"{}", b"[" * 100_000, b'{"schema_version": 1e999}',
        b'{"schema_version": 1, "expert_depth": NaN}', b" " * (LARGEST_CARD + 1),
        b'{"schema_version": 1,}', b'{"schema_version": 01}', b'{"schema_version": 1} x',
        b'{"schema_version": 1, "scip_version": "\xed\xa0\x80"}', b"\xef\xbb\xbf{}", b"\0",
        b'{"schema_version": 1, "scip_version": "\xc0\xaf"}', b'{"schema_version": 1, "a',
        b'{"schema_version": 1, "scip_version": "\x01"}', b'{"schema_version": 1, "seeds": [1,]}',
        b'{"schema_version": 1, "scip_version": "\\x"}', b'{"schema_version": 1 "seeds": []}',
        b'{"schema_version": 1, "recipe": {"a": ' + b"[" * 40 + b"]" * 40 + b"}}",
    ],
)  # fmt: skip
def test_files_that_are_no_cards_are_refused(lib: Library, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "card.json").write_bytes(content)
    (tmp_path / "weights.safetensors").write_bytes(b"")
    assert "is not a policy's card: " in lib.include(quiet_model(), tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b'{"schema_version":1,"schema_version":1}',
        b' { "schema_version" : 1 , "recipe" : {"a": "\\ud83d\\ude00\\"", "b": -0.0e-3} }\n',
        b'{"schema_version": 1, "recipe": {"a": "\\udcff", "b": 1e-400, "c": ' + b"9" * 400 + b"}}",
        '{"schema_version": 1, "recipe": {"ü": "\U0001f600"}}'.encode(),
    ],
)
def test_cards_may_be_written_otherwise(lib: Library, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "card.json").write_bytes(content)
    (tmp_path / "weights.safetensors").write_bytes(b"")
    assert "is too short" in lib.include(quiet_model(), tmp_path)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\\ud800", r"\xed\xa0\x80"),  # half of a surrogate pair, which is no character
        ("a" + "\u00fc" * 60, "\u00fc\\xc3"),  # cut within a character
        ("\\u001b[31m\\n", r"\x1b[31m\x0a"),
        ("\U0001f600", "\U0001f600"),
    ],
)
def test_messages_are_one_line_of_utf8(lib: Library, tmp_path: Path, name: str, shown: str) -> None:
    card = f'{{"schema_version": 1, "expert_depth": "{name}"}}'
    (tmp_path / "card.json").write_text(card, encoding="utf-8")
    (tmp_path / "weights.safetensors").write_bytes(b"")
    message = lib.include(quiet_model(), tmp_path)
    assert "is not a policy's card: expert_depth is '" in message
    assert shown in message
    assert "\n" not in message


def test_parameters_that_scip_refuses_leave_no_trace(
    lib: Library, make_policy: Callable, tmp_path: Path
) -> None:
    good = {"branching/scorefac": 0.5, "branching/preferbinary": 1, "branching/scorefunc": "s"}
    for number, bad in enumerate(
        (
            {"separating/no/such": 1},
            {"separating/maxrounds": -7},
            {"separating/maxrounds": "p"},
            {"separating/maxrounds": 2**40},
            {"branching/vanillafullstrong/maxdepth": 1e300},
            {"branching/lpgainnormalize": 1},
        )
    ):
        folder = tmp_path / str(number)
        make_policy(0, parameters=good | bad).save(folder)
        model = quiet_model()
        before = model.getParams()
        error = lib.include(model, folder)
        assert f"SCIP refuses the card's parameter {next(iter(bad))}" in error
        assert model.getParams() == before
    make_policy(0, parameters=good | {"separating/maxrounds": "7"}).save(tmp_path)
    model, twin = quiet_model(), quiet_model()
    assert lib.include(model, tmp_path) == ""
    kida.attach(twin, tmp_path)
    assert model.getParams() == twin.getParams()


def damaged(content: bytes) -> dict[str, bytes]:
    """Return files of weights that are wrong in one way each."""
    size = int.from_bytes(content[:8], "little")
    header, data = json.loads(content[8 : 8 + size]), content[8 + size :]

    def file(**changes: Any) -> bytes:
        name = "output_module.0.bias"
        text = json.dumps(header | {name: header[name] | changes}).encode()
        return len(text).to_bytes(8, "little") + text + data

    begin, end = header["output_module.0.bias"]["data_offsets"]
    less = {name: entry for name, entry in header.items() if name != "output_module.0.bias"}
    lacking = json.dumps(less).encode()
    more = json.dumps(header | {"more": header["output_module.0.bias"]}).encode()
    nan = np.float32(np.nan).tobytes()
    return {
        "empty": b"",
        "cut": content[:-4],
        "longer": content + bytes(4),
        "no header": content[:100],
        "huge header": (2**63).to_bytes(8, "little") + content[8:],
        "not JSON": content[:8] + b"x" + content[9:],
        "lacking": len(lacking).to_bytes(8, "little") + lacking + data,
        "more": len(more).to_bytes(8, "little") + more + data,
        "shape": file(shape=[2, 4]),
        "huge shape": file(shape=[2**62, 4]),
        "negative shape": file(shape=[-8]),
        "no shape": file(shape=8),
        "type": file(dtype="F16"),
        "no such type": file(dtype="F31"),
        "offsets": file(data_offsets=[begin + 4, end + 4]),
        "one offset": file(data_offsets=[begin]),
        "offsets swapped": file(data_offsets=[end, begin]),
        "offsets beyond": file(data_offsets=[begin, 2**40]),
        "offsets of text": file(data_offsets=["0", "32"]),
        "not finite": content[:-4] + nan,
        "too large": content + bytes(2 << 20),
    }


def test_damaged_weights_are_refused(lib: Library, make_policy: Callable, tmp_path: Path) -> None:
    make_policy(0).save(tmp_path)
    file = tmp_path / "weights.safetensors"
    cases = damaged(file.read_bytes())
    model = quiet_model()
    for what, content in cases.items():
        file.write_bytes(content)
        with pytest.raises(UserError):
            Policy.load(tmp_path)
        assert str(file) in lib.include(model, tmp_path), what


#: Of JSON, or nearly, to put into a file.
PIECES = (b"{", b"}", b"[", b",", b":", b"-1", b"1e9", b"null", b"\\u0000", b"\xff", b"F16")


def worse(content: bytes, until: int, chance: random.Random) -> bytes:
    """Return a file with one to three places below ``until`` changed, added or taken out."""
    found = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at, piece = chance.randrange(until), chance.choice(PIECES)
        found[at : at + chance.choice([0, 1, len(piece)])] = chance.choice([b"", piece])
    return bytes(found)


def test_files_damaged_at_random_are_judged_as_by_python(
    lib: Library, make_policy: Callable, tmp_path: Path
) -> None:
    chance, taken = random.Random(0), 0
    make_policy(0, recipe={"a": [1, "b"]}).save(tmp_path)
    card, weights = tmp_path / "card.json", tmp_path / "weights.safetensors"
    whole = {card: card.read_bytes(), weights: weights.read_bytes()}
    ends = {card: len(whole[card]), weights: 8 + int.from_bytes(whole[weights][:8], "little")}
    for number in range(200):
        file = (card, weights)[number % 2]
        file.write_bytes(worse(whole[file], ends[file], chance))
        try:
            Policy.load(tmp_path)
            error = ""
        except UserError as trouble:
            error = str(trouble)
        assert (lib.include(quiet_model(), tmp_path) == "") == (error == ""), error
        taken += error == ""
        file.write_bytes(whole[file])
    assert 0 < taken < 100


def test_weights_may_be_written_otherwise(
    lib: Library, make_policy: Callable, tmp_path: Path
) -> None:
    """With a note, and in another order."""
    policy = make_policy(0, candidate_features=True)
    policy.save(tmp_path)
    weights = dict(reversed([*policy.weights.items()]))
    content = safetensors.numpy.save(weights, metadata={"by": "hand"})
    (tmp_path / "weights.safetensors").write_bytes(content)
    assert Policy.load(tmp_path).identity() == policy.identity()
    assert lib.include(quiet_model(), tmp_path) == ""


def test_every_shipped_policy_and_the_largest_load(lib: Library, tmp_path: Path) -> None:
    for folder in shipped().values():
        assert lib.include(quiet_model(), folder) == ""
    architecture = Architecture(128, candidate_features=True)
    weights = {name: np.ones(s, np.float32) for name, s in shapes(architecture).items()}
    Policy(weights, Card(architecture)).save(tmp_path)
    assert lib.include(quiet_model(), tmp_path) == ""


WITHOUT_KIDA = """
import ctypes, sys
import pyscipopt

library = ctypes.CDLL(sys.argv[1])
library.kida_last_error.restype = ctypes.c_char_p
pointer = ctypes.pythonapi.PyCapsule_GetPointer
pointer.restype, pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
model = pyscipopt.Model()
scip = ctypes.c_void_p(pointer(model.to_ptr(give_ownership=False), b"scip"))
for _ in range(2):
    library.kida_include(scip, sys.argv[2].encode())
    print(library.kida_last_error().decode())
"""


def test_an_instruction_set_that_is_not_there_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_KIDA, str(library()), str(shipped()["set_cover"])],
        env=os.environ | {"KIDA_INSTRUCTION_SET": "mmx"},
        capture_output=True,
        text=True,
        check=True,
    )
    # As long as it is asked for.
    assert done.stdout == 2 * "this processor has no instruction set named mmx\n"


def test_without_scip_it_says_so() -> None:
    code = (
        "import ctypes, sys; library = ctypes.CDLL(sys.argv[1])\n"
        "library.kida_last_error.restype = ctypes.c_char_p\n"
        "library.kida_include(ctypes.c_void_p(1), b'x'); print(library.kida_last_error().decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(library())], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("no SCIP library is loaded")
