"""How the documentation site is built: ``make docs``, which is part of ``make lint``.

The pages are the Markdown files of this folder, which read as well in a repository browser; the
reference is made of the docstrings. Every warning is an error there: a link, heading or picture
that does not exist, a page that is not in the navigation, a docstring that does not parse.
"""

import re
import warnings
from importlib.metadata import version as _version_of
from pathlib import Path

from sphinx.application import Sphinx

import kida.tuning.events
from kida.evaluation.verdict import Goal
from kida.tuning.clock import Step
from kida.tuning.lever_race import LeverRace
from kida.tuning.policy_race import PolicyRace
from kida.tuning.survey import Survey

# That module imports them for type checkers alone, and their names are in its signatures.
vars(kida.tuning.events).update(
    Goal=Goal, Step=Step, LeverRace=LeverRace, PolicyRace=PolicyRace, Survey=Survey
)

project = "kida"
author = copyright = "The kida developers"
version = release = _version_of("kida-scip")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "numpydoc"]
myst_heading_anchors = 4
highlight_language = "text"

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# The reference of the adapters needs none of the tools.
autodoc_mock_imports = ["cvxpy", "linopy", "ommx", "ommx_pyscipopt_adapter", "pulp", "pyomo"]
numpydoc_show_class_members = False
maximum_signature_line_length = 80
#: What kida's own docstrings refer to must be on the site; the types of others are not linked.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!kida\.).*")]

html_theme = "furo"
html_title = f"kida {version}"
html_show_sphinx = False

# msgspec's own docstring has a section of its own.
warnings.filterwarnings("ignore", "Unknown section Configuration in the docstring of Struct")
warnings.filterwarnings("ignore", "Unknown section Shapes in the docstring of Network")

_FOLDER = Path(__file__).parent
#: Files of the folder above that are pages of the site.
_PAGES = {
    "../README.md": "index.md",
    "../CHANGELOG.md": "changelog.md",
    "../CODE_OF_CONDUCT.md": "code_of_conduct.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../SECURITY.md": "security.md",
}
_INCLUDED = re.compile(r"```\{include\} \.\./(\S+)\n```\n")
_LINK = re.compile(r"\[([^\[\]]*)\]\((?![a-z]+:|#)([^()\s]+)\)")


def _from_here(match: re.Match[str]) -> str:
    """Return a link that stands in the folder above as it is from this folder."""
    text, target = match.groups()
    target = target.removeprefix("docs/") if target.startswith("docs/") else f"../{target}"
    return f"[{text}]({target})"


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    """Include files of the folder above, whose links begin there; link nothing that has no page."""
    page = _FOLDER / name

    def on_site(match: re.Match[str]) -> str:
        text, target = match.groups()
        if (page.parent / target).is_dir():
            return text
        return f"[{text}]({_PAGES.get(target, target)})"

    text = _INCLUDED.sub(
        lambda match: _LINK.sub(_from_here, (_FOLDER.parent / match[1]).read_text()), source[0]
    )
    source[0] = _LINK.sub(on_site, text)


def setup(app: Sphinx) -> None:
    """Connect to the build; Sphinx calls this."""
    app.connect("source-read", _read)
