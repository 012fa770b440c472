"""``python -m kida`` is the ``kida`` command."""

from kida.cli import command

if __name__ == "__main__":
    command()
