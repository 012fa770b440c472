"""Print what completes kida's commands and options in a shell at the press of Tab.

Examples
--------
  eval "$(kida completion bash)"          # in ~/.bashrc
  kida completion zsh > ~/.zfunc/_kida    # in a folder of $fpath
  kida completion fish > ~/.config/fish/completions/kida.fish
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HELP = "print a shell's completion of kida's commands"

_SHELLS = ("bash", "zsh", "fish")
# An argument that is a problem's file, though not declared as a path.
_FILE = "instance"


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("shell", choices=_SHELLS, help="which shell")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    from kida.cli import build_parser

    parser = build_parser(None)
    _teach(parser)
    print(shtab.complete(parser, shell=arguments.shell))
    return 0


def _teach(parser: argparse.ArgumentParser) -> None:
    """Say of a parser's arguments what may be there, for completion alone."""
    import shtab

    from kida.instances.registry import family_names
    from kida.network.policy import shipped
    from kida.settings import SETTINGS
    from kida.solver.policies import SCIP_RULES

    # A name, or a file or folder of one's own.
    names = {
        "model": (*sorted(shipped()), "default", *SCIP_RULES),
        "family": family_names(),
        "instances": family_names(),
        "problems": family_names(),
    }
    for action in parser._actions:  # shtab looks at the same
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _teach(command)
        elif action.type is Path or action.dest == _FILE:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.dest in names:
            action.complete = _names_or_files(action.dest, names[action.dest])  # type: ignore[attr-defined]
        elif action.dest == "settings":
            action.choices = sorted(SETTINGS)


def _names_or_files(kind: str, names: Sequence[str]) -> dict[str, Any]:
    """Return what completes a name or a path, in each shell's own language, as shtab takes it."""
    function, words = f"_kida_{kind}", " ".join(names)
    return {
        "bash": function,
        "zsh": function,
        "fish": f"({function})",
        "preamble": {
            "bash": f'{function}() {{ compgen -W "{words}" -- $1; compgen -f -- $1; }}',
            "zsh": f"{function}() {{ _alternative 'names:name:({words})' 'files:file:_files'; }}",
            "fish": f"function {function}\n  printf '%s\\n' {words}\n"
            "  __fish_complete_path (commandline -ct)\nend",
        },
    }
