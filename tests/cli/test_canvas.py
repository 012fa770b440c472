"""Pictures out of Braille characters."""

from kida.cli.canvas import Canvas


def test_dots_are_bits_of_a_character():
    canvas = Canvas(2, 1)
    assert (canvas.width, canvas.height) == (4, 4)
    for x, y in ((0, 0), (1, 3)):
        canvas.dot(x, y)
    (line,) = canvas.lines()
    # Unicode's names: BRAILLE PATTERN DOTS-18, and a blank.
    assert line.plain == "\N{BRAILLE PATTERN DOTS-18} "


def test_a_full_character_has_all_eight_dots():
    canvas = Canvas(1, 1)
    for x in range(2):
        for y in range(4):
            canvas.dot(x, y)
    assert canvas.lines()[0].plain == "\N{BRAILLE PATTERN DOTS-12345678}"


def test_letters_are_over_dots():
    canvas = Canvas(1, 2)
    canvas.dot(0, 5)
    canvas.letter(1, 7, "a", "bold")
    assert [line.plain for line in canvas.lines()] == [" ", "a"]
