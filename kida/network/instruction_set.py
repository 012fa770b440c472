"""Which of the processor's instruction sets the network's arithmetic uses: the widest, by default.

Sums are taken in another order in each, so that scores differ in their last digits between them,
and with them, where two candidates are all but equal, the choice and all that follows. Whoever has
to repeat a solve to the node on another machine forces one that both have.
"""

import os

from kida import _core
from kida.errors import UserError

#: The environment variable that forces one, for this process and those it starts.
VARIABLE = "KIDA_INSTRUCTION_SET"


def instruction_sets() -> list[str]:
    """Return the instruction sets that this processor has, widest first."""
    return [name for name, supported in _core.instruction_sets() if supported]


def instruction_set() -> str:
    """Return the instruction set in use: ``"avx512"``, ``"avx2"`` or ``"baseline"``.

    Raises
    ------
    UserError
        If the environment forces one that this processor does not have.
    """
    apply_environment()
    found: str = _core.instruction_set()
    return found


def use_instruction_set(name: str) -> None:
    """Use an instruction set from now on, in this process and in those that it starts.

    Parameters
    ----------
    name
        One of :func:`instruction_sets`; every machine has ``"baseline"``. Setting the environment
        variable ``KIDA_INSTRUCTION_SET`` before kida starts does the same.

    Raises
    ------
    UserError
        If this processor does not have it.
    """
    _use(name, "the instruction set")
    os.environ[VARIABLE] = name


def apply_environment() -> None:
    """Use the instruction set that the environment forces, if any.

    Raises
    ------
    UserError
        If this processor does not have it.
    """
    if name := os.environ.get(VARIABLE):
        _use(name, VARIABLE)


def _use(name: str, what: str) -> None:
    if name not in instruction_sets():
        raise UserError(
            f"{what} is {name!r}, and this processor has {', '.join(instruction_sets())}"
        )
    _core.use_instruction_set(name)
