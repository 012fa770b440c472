"""Print what completes kida's commands and options in a shell at the press of Tab.

Examples
--------
  eval "$(kida completion bash)"          # in ~/.bashrc
  kida completion zsh > ~/.zfunc/_kida    # in a folder of $fpath
  kida completion fish > ~/.config/fish/completions/kida.fish
"""

import argparse
from pathlib import Path

HELP = "print a shell's completion of kida's commands"

_SHELLS = ("bash", "zsh", "fish")
# Arguments, by command, that are problem files or folders of them, though not declared as paths.
_FILES = {"instance", "problems"}


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

    words = {
        "settings": sorted(SETTINGS),
        "model": [*sorted(shipped()), "default", *SCIP_RULES],
        "family": family_names(),
        "instances": family_names(),
    }
    for action in parser._actions:  # shtab looks at the same
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _teach(command)
        elif action.type is Path or action.dest in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.dest in words and action.choices is None:
            action.choices = words[action.dest]
