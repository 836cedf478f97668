"""Tables on wide and on narrow terminals."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from node.cli.tables import laid_out
from node.watching.table import picture_table
from tests.node.picture_words import ONE, OTHER_SIDE, TWO, B, presence, status, told


def shown(content, columns):
    out = io.StringIO()
    Console(file=out, width=columns, color_system=None).print(content)
    return [line.rstrip() for line in out.getvalue().splitlines()]


TITLES = ("ID", "NAME", "STATUS", "MISSED")
ROWS = [
    [Text("10fc1b22"), Text("from Oslo to Bergen"), Text("Deactivated there"), Text("")],
    [Text("89c1893b"), Text("東京"), Text("Active"), Text("3")],
]


@pytest.mark.parametrize("columns", [56, 80, 160])
def test_where_it_fits_it_is_a_table(columns):
    assert shown(laid_out(TITLES, ROWS, columns=columns), columns) == [
        "ID        NAME                 STATUS             MISSED",
        "10fc1b22  from Oslo to Bergen  Deactivated there",
        "89c1893b  東京                 Active             3",
    ]


@pytest.mark.parametrize("columns", [27, 40, 55])
def test_where_it_does_not_fit_each_row_stands_by_itself_and_no_word_is_broken(columns):
    assert shown(laid_out(TITLES, ROWS, columns=columns), columns) == [
        "ID      10fc1b22",
        "NAME    from Oslo to Bergen",
        "STATUS  Deactivated there",
        "",
        "ID      89c1893b",
        "NAME    東京",
        "STATUS  Active",
        "MISSED  3",
    ]


LONG = "5af02221-dd66-4b07-8011-a00411002f55"


def picture():
    both = (presence("online", 1), presence("online", 1, node=B), presence("lost", 1, node=LONG))
    return told(
        *both, status(3), status(2, node=B, **OTHER_SIDE), status(1, connection=TWO, name="x" * 50), retained=True
    )


def test_watch_on_a_narrow_terminal_shows_each_connection_by_itself_and_short_ids():
    assert shown(picture_table(picture(), columns=40), 40)[:6] == [
        f"ID           {ONE[:8]}",
        "NAME         a_to_b",
        "STATUS       Active",
        "SOURCE       a: active",
        "DESTINATION  b: active",
        "",
    ]
    assert "5af02221  lost" in shown(picture_table(picture(), columns=40), 40)
    assert f"{LONG}  lost" in shown(picture_table(picture(), columns=80), 80)


def test_watch_on_a_narrow_terminal_shows_as_many_connections_as_there_is_room_for_and_counts_the_others():
    lines = shown(picture_table(picture(), columns=40, rows_max=8), 40)
    assert [line for line in lines if line.startswith("ID ")] == [f"ID           {ONE[:8]}"]
    assert "… and 1 more" in lines


@given(st.integers(40, 160), st.lists(st.text("ab ", max_size=40), min_size=4, max_size=4))
def test_no_line_is_wider_than_the_terminal(columns, cells):
    lines = shown(laid_out(TITLES, [[Text(cell) for cell in cells]], columns=columns), columns)
    assert max(map(len, lines), default=0) <= columns
