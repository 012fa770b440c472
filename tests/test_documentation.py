"""What the strict build of the site cannot see: completeness, and commands and paths that exist."""

import argparse
import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest

import kida
from kida.cli import COMMANDS
from kida.errors import UserError
from kida.instances.registry import family_names, generated_family
from kida.tuning.levers import LEVERS

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "instances" / "README.md",
]
CARDS = sorted((ROOT / "models").glob("*/card.json"))
#: What the changelog names may be gone.
LASTING = [page for page in PAGES if page.name != "CHANGELOG.md"]
REFERENCE = "".join(page.read_text() for page in (ROOT / "docs" / "reference").glob("*.md"))
MODULES = set(re.findall(r"^\.\. automodule:: (\S+)$", REFERENCE, re.MULTILINE))
NAMES = set(re.findall(r"^\.\. auto(?:function|class|exception|data):: (\S+)$", REFERENCE, re.M))


def public_modules() -> list[str]:
    rooms = ("env", "ecole", "adapters", "interop")
    files = [file for room in rooms for file in sorted((ROOT / "kida" / room).rglob("[!_]*.py"))]
    return [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]


def defined_names(module: str) -> set[str]:
    tree = ast.parse((ROOT / module.replace(".", "/")).with_suffix(".py").read_text())
    nodes = [node for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    return {node.name for node in nodes if not node.name.startswith("_")}


def blocks(page: Path, *languages: str) -> list[str]:
    text = page.read_text()
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    indented = re.findall(r"(?:^    .*\n)+", text, flags=re.MULTILINE) if "sh" in languages else []
    return [code for language, code in found if language in languages] + indented


def commands(page: Path) -> list[list[str]]:
    found = []
    for block in blocks(page, "sh", ""):
        for line in block.replace("\\\n", " ").splitlines():
            start = re.search(r"^\s*(?:[A-Z_]+=\S+ )?kida (?=[a-z]+ )", line)
            # "..." stands for whatever else there is.
            if start and "..." not in line:
                found.append(shlex.split(line[start.end() :], comments=True))
    return found


@pytest.mark.parametrize("module", sorted({*public_modules()} - {"kida.env.observation.base"}))
def test_every_public_module_is_in_the_reference(module: str) -> None:
    if module in MODULES:
        return
    package = module.rpartition(".")[0]
    handed_on = set(importlib.import_module(package).__all__) if package in MODULES else set()
    assert defined_names(module) <= handed_on


def test_every_name_of_the_package_is_in_the_reference() -> None:
    # They are loaded when they are used, which a list of a module's members does not see.
    public = {f"kida.{name}" for name in kida.__all__ if not name.startswith("_")}
    assert public <= NAMES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_are_taken_as_they_stand(page: Path) -> None:
    for command, *arguments in commands(page):
        assert command in COMMANDS, f"kida {command}"
        parser = argparse.ArgumentParser(exit_on_error=False)
        importlib.import_module(f"kida.cli.{command}").configure(parser)
        if arguments != ["--help"]:
            try:
                parser.parse_args(arguments)
            except (SystemExit, argparse.ArgumentError, UserError) as error:
                pytest.fail(f"kida {command} {shlex.join(arguments)}: {error}")


def test_commands_are_found() -> None:
    assert ["tune", "FOLDER", "--budget", "45m", "--out", "RUN"] in commands(ROOT / "README.md")
    assert len([entry for page in PAGES for entry in commands(page)]) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_imports_in_examples_exist(page: Path) -> None:
    for block in blocks(page, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kida"):
                if node.module.startswith("kida.adapters."):
                    continue  # tests/adapters/test_recipes.py runs these
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module}.{alias.name}"


@pytest.mark.parametrize("page", LASTING, ids=lambda page: page.name)
def test_paths_targets_and_extras_exist(page: Path) -> None:
    text = page.read_text()
    paths = re.findall(r"(?:kida|scripts|benchmarks|examples|tests|docs|instances)/[\w./-]+", text)
    named = {path.rstrip("./-") for path in paths}
    assert [
        path
        for path in sorted(named)
        if re.search(r"\.(py|sh|toml|md|cpp|h|gz|c)$", path) and not (ROOT / path).exists()
    ] == []
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    extras = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    assert set(re.findall(r"\.\[(\w+)", text)) <= extras


def table_rows(page: str, heading: str) -> list[list[str]]:
    text = (ROOT / "docs" / page).read_text().split(heading, 1)[1]
    table = text[text.index("|---") :].split("\n\n", 1)[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[1:]]


def test_every_family_is_described_with_its_sizes() -> None:
    rows = table_rows("families.md", "# Families of instances")
    described = {row[0].strip("`"): tuple(re.split(", ", row[1])) for row in rows}
    assert described == {name: generated_family(name).sizes for name in family_names()}


def test_every_lever_is_described() -> None:
    rows = table_rows("tuning.md", "## The levers")
    described = [name for row in rows for name in re.findall(r"`([\w-]+)`", row[0])]
    assert sorted(described) == sorted(LEVERS)


def test_what_the_models_are_worth_is_what_their_sections_say() -> None:
    rows = table_rows("results.md", "# Results")
    linked = [re.search(r"\[(\w+)\]", row[0]) for row in rows]
    assert {match[1] for match in linked if match} == {card.parent.name for card in CARDS}
    sections = (ROOT / "docs" / "results.md").read_text().split("\n## ", 1)[1]
    for row in rows:
        interval = re.search(r"\+?[\d.,]+ \[[^]]*\]", row[1])
        assert interval is not None, row
        assert interval[0] in sections, row


def test_this_version_has_its_changes() -> None:
    assert f"\n## [{kida.__version__}] - " in (ROOT / "CHANGELOG.md").read_text()
