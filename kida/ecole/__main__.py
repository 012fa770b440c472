"""``python -m kida.ecole SCRIPT ARGUMENTS``: run a program whose ``import ecole`` means this.

``--ecole 0.7`` before the script takes the defaults of that version where they differ from 0.8's.
"""

import runpy
import sys
from pathlib import Path

import kida.ecole


def stand_in() -> None:
    """Let ``import ecole`` and its modules mean ``kida.ecole``, in this process."""
    for name, module in list(sys.modules.items()):
        if name == "kida.ecole" or name.startswith("kida.ecole."):
            sys.modules[name.removeprefix("kida.")] = module
    for name in ("scip", "observation", "reward", "information", "instance", "data"):
        sys.modules[f"ecole.core.{name}"] = sys.modules[f"kida.ecole.{name}"]


USAGE = "usage: python -m kida.ecole [--ecole 0.7|0.8] SCRIPT [ARGUMENTS]"


def main() -> int:
    """Run the script that the command line names, as Python would."""
    if sys.argv[1:2] == ["--ecole"]:
        if sys.argv[2:3] not in (["0.7"], ["0.8"]):
            print(f"kida: --ecole takes 0.7 or 0.8\n{USAGE}", file=sys.stderr)
            return 2
        kida.ecole.observation.StrongBranchingScores.of_pseudo_candidates = sys.argv[2] == "0.7"
        del sys.argv[1:3]
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print(f"{USAGE}\n\n" + (kida.ecole.__doc__ or ""))
        return 0 if len(sys.argv) > 1 else 2
    script = Path(sys.argv[1])
    if not script.is_file():
        print(f"kida: there is no file {script}", file=sys.stderr)
        return 2
    stand_in()
    sys.argv = sys.argv[1:]
    sys.path[0] = str(script.resolve().parent)
    runpy.run_path(str(script), run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
