"""The spy plot: blocks where the nonzeros are."""

from kida.cli.spy import spy
from kida.solver.pattern import Pattern


def picture(cells: list[list[int]], kinds: str) -> list[str]:
    pattern = Pattern(len(cells), len(kinds), tuple(map(tuple, cells)), kinds)
    return [line.plain for line in spy(pattern)]


def test_a_dot_is_a_cell_with_a_nonzero():
    cells = [[0] * 4 for _ in range(8)]
    cells[0][0] = cells[7][3] = 1
    lines = picture(cells, "bbcc")
    assert lines[:4] == ["┌──┐", "│\u2801 │", "│ \u2880│", "└──┘"]
    assert lines[4:6] == [" bc", " columns: b binary, c continuous"]
    assert lines[6].endswith("a dot is up to 1 rows by 1 columns")


def test_where_most_cells_have_nonzeros_the_blocks_still_show():
    cells = [[9 if (y < 4) == (x < 2) else 1 for x in range(4)] for y in range(8)]
    lines = picture(cells, "bbbb")
    assert lines[1:3] == ["\u2502\u28ff \u2502", "\u2502 \u28ff\u2502"]
    assert "more nonzeros than on average" in lines[-1]


def test_a_full_matrix_is_full():
    lines = picture([[5] * 4 for _ in range(4)], "iiii")
    assert lines[1] == "\u2502\u28ff\u28ff\u2502"
