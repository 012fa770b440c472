"""``python -m kida.ecole SCRIPT ARGUMENTS``: run a program whose ``import ecole`` means this."""

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


def main() -> int:
    """Run the script that the command line names, as Python would."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        print("usage: python -m kida.ecole SCRIPT [ARGUMENTS]\n\n" + (kida.ecole.__doc__ or ""))
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
