"""``python -m kida`` is the ``kida`` command."""

from kida.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
