"""A picture out of Braille characters, for terminals: eight dots in the place of a letter."""

from rich.text import Text

#: Dots in a character.
ACROSS, DOWN = 2, 4
# The bits of the dots, by row and column, in Unicode's block of Braille patterns.
_BLANK = 0x2800
_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


class Canvas:
    """Dots and letters on a grid.

    Parameters
    ----------
    columns, rows
        Characters; there are ``ACROSS`` and ``DOWN`` times as many dots.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self.width, self.height = columns * ACROSS, rows * DOWN
        self._bits = [[0] * columns for _ in range(rows)]
        self._styles = [[""] * columns for _ in range(rows)]
        self._letters: dict[tuple[int, int], str] = {}

    def dot(self, x: int, y: int, style: str = "") -> None:
        """Set the dot in column ``x`` from the left, row ``y`` from above; both count from 0."""
        row, column = y // DOWN, x // ACROSS
        self._bits[row][column] |= _BITS[y % DOWN][x % ACROSS]
        self._styles[row][column] = style

    def letter(self, x: int, y: int, letter: str, style: str = "") -> None:
        """Write a letter over the character that has that dot."""
        row, column = y // DOWN, x // ACROSS
        self._letters[row, column] = letter
        self._styles[row][column] = style

    def lines(self) -> list[Text]:
        """Return the picture, a text per row of characters."""
        return [
            Text.assemble(
                *(
                    (self._letters.get((row, column), chr(_BLANK + bits) if bits else " "), style)
                    for column, (bits, style) in enumerate(zip(cells, styles, strict=True))
                )
            )
            for row, (cells, styles) in enumerate(zip(self._bits, self._styles, strict=True))
        ]
