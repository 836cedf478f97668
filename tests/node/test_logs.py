import io
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.logs import LogFormat, LogLevel, configure, get_logger, one_line, redacted_text, silence
from tests.node.process_state import process_state_kept

ROOT = Path(__file__).parents[2]
CODE = "handclasp_aeabcdefgh2345672345abcdefghijklmnopqrstuvwxyz" + "s" * 32
SECRET = "s" * 32
LOG = get_logger("node.test")


class FixedClock:
    def now(self):
        return 1_700_000_000.25


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _restore_logging():
    with process_state_kept():
        yield


def start(log_format=LogFormat.JSON, level=LogLevel.INFO, stream=None, environ=None):
    stream = io.StringIO() if stream is None else stream
    configure(level=level, log_format=log_format, clock=FixedClock(), environ=environ or {}, stream=stream)
    return stream


def fail(text):
    raise ValueError(text)


def fail_and_log(log, text):
    try:
        fail(text)
    except ValueError:
        log.exception("Broke")


def events(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_that_begins_with_when_how_urgent_who_and_what():
    stream = start()
    LOG.info("Connection accepted", connection="c1", count=3)
    assert stream.getvalue() == (
        '{"timestamp": "2023-11-14T22:13:20.250Z", "level": "info", "logger": "node.test", '
        '"event": "Connection accepted", "connection": "c1", "count": 3}\n'
    )


def test_the_standard_library_s_loggers_go_the_same_way():
    stream = start()
    logging.getLogger("aiohttp.access").info("GET %s", "/peer\nforged")
    assert events(stream) == [
        {
            "timestamp": "2023-11-14T22:13:20.250Z",
            "level": "info",
            "logger": "aiohttp.access",
            "event": r"GET /peer\nforged",
        }
    ]


def test_warnings_go_the_same_way():
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        stream = start()
        warnings.warn("this will go away", DeprecationWarning, stacklevel=1)
        silence()
    assert "this will go away" in events(stream)[0]["event"]


def test_a_value_nested_without_end_is_cut():
    stream = start()
    deep = []
    for _ in range(5000):
        deep = [{"in": deep}]
    LOG.info("Deep", value=deep)
    assert events(stream)[0]["value"] == [{"in": [{"in": "…"}]}]


@pytest.mark.parametrize("log", [LOG, logging.getLogger("asyncio")])
def test_what_is_less_urgent_than_the_level_is_not_written(log):
    stream = start(level=LogLevel.WARNING)
    log.info("unseen")
    log.warning("seen")
    assert [event["event"] for event in events(stream)] == ["seen"]


def test_a_second_configuration_takes_the_place_of_the_first():
    first, second = start(), start(level=LogLevel.DEBUG)
    LOG.debug("once")
    assert first.getvalue() == ""
    assert len(events(second)) == 1


def test_silence_writes_nothing(capfd):
    stream = start()
    silence()
    LOG.error("unheard")
    LOG.critical("unheard")
    logging.getLogger("asyncio").error("unheard")
    assert stream.getvalue() == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("log_format", [LogFormat.JSON, LogFormat.CONSOLE])
def test_a_partner_s_name_can_not_forge_or_turn_a_line(log_format):
    stream = start(log_format)
    LOG.info("Invited", name="Evil\n2023-11-14 [error] forged\r\u2028\u202egnp.exe\x1b[31m\ud800")
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert not [c for c in text[:-1] if not c.isprintable()]


@given(st.text())
def test_every_text_becomes_one_visible_line_of_bounded_length(text):
    line = one_line(text, characters_max=20)
    assert line.isprintable()
    assert len(line) <= 20
    assert line == text or len(text) > 20 or not text.isprintable()


def test_a_long_value_is_cut_at_1000_characters():
    stream = start()
    LOG.info("Long", exact="a" * 1000, longer="a" * 1001)
    assert events(stream)[0]["exact"] == "a" * 1000
    assert events(stream)[0]["longer"] == "a" * 999 + "…"


@pytest.mark.parametrize("log_format", [LogFormat.JSON, LogFormat.CONSOLE])
@pytest.mark.parametrize(
    "say",
    [
        lambda: LOG.info("Pasted", text=CODE),
        lambda: LOG.info("Pasted %s", CODE),
        lambda: LOG.info("Pasted", text=CODE.upper()),
        lambda: LOG.info("Pasted", text=f"see {CODE[:40]}\n> {CODE[40:]}"),
        lambda: LOG.info("Pasted", body={"codes": [{"it": (CODE,)}]}),
        lambda: LOG.info("Pasted", body={CODE: 1}),
        lambda: LOG.info("Pasted", path=Path("/x") / CODE),
        lambda: LOG.info("Pasted", deep=[[[[[[CODE]]]]]]),
        lambda: LOG.info("Pasted", deep={1: {1: {1: {1: {1: CODE}}}}}),
        lambda: LOG.info("Pasted", raw=CODE.encode()),
        lambda: LOG.info("Pasted", seed=SECRET),
        lambda: LOG.info("Pasted", admin_token=SECRET),
        lambda: LOG.info("Pasted", headers={"Authorization": SECRET, "Set-Cookie": SECRET}),
        lambda: LOG.info("Pasted", header=f"Bearer {SECRET}"),
        lambda: LOG.info("Pasted", url=f"mqtt://user:{SECRET}@broker:1883"),
        lambda: LOG.info("Pasted", url=f"mqtt://user:p@{SECRET}@broker:1883"),
        lambda: logging.getLogger("aiohttp").warning("Got %r", CODE),
    ],
)
def test_no_secret_is_written(say, log_format):
    stream = start(log_format)
    say()
    written = stream.getvalue().lower()
    assert "pasted" in written or "got" in written
    assert SECRET[:8] not in written


def test_a_code_keeps_its_prefix_and_8_characters():
    assert redacted_text(f"got {CODE}, thanks") == "got handclasp_aeabcdef…, thanks"


def test_what_is_no_secret_stays():
    text = "handclasp_aeabcdef HANDCLASP_ANNOUNCEMENTS=off mode basic https://a.example/peer?x=1@2 a bearer"
    assert redacted_text(text) == text
    stream = start()
    LOG.info("Plain", is_token=True, seed_count=3, nothing=None, token=None)
    assert events(stream)[0]["is_token"] is True
    assert events(stream)[0]["seed_count"] == 3


@pytest.mark.parametrize("log", [LOG, logging.getLogger("asyncio")])
def test_a_traceback_is_redacted_and_every_line_of_it_is_indented(log):
    stream = start(LogFormat.CONSOLE)
    fail_and_log(log, f"bad\n2023-11-14 [error] forged\u202e\n{CODE}")
    first, *rest = stream.getvalue().splitlines()
    assert "Broke" in first
    assert all(line.startswith("    ") for line in rest)
    assert "Traceback (most recent call last):" in rest[0]
    assert "\u202e" not in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_a_huge_traceback_keeps_its_end():
    stream = start()
    fail_and_log(LOG, "x\n" * 50_000 + "the end")
    assert events(stream)[0]["exception"].endswith("the end")
    assert len(stream.getvalue()) < 200_000


@pytest.mark.parametrize(
    ("stream", "environ", "coloured"),
    [
        (Terminal, {}, True),
        (Terminal, {"NO_COLOR": ""}, True),
        (Terminal, {"NO_COLOR": "1"}, False),
        (Terminal, {"TERM": "dumb"}, False),
        (io.StringIO, {}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(stream, environ, coloured):
    written = start(LogFormat.CONSOLE, stream=stream(), environ=environ)
    LOG.info("Hello")
    assert ("\x1b[" in written.getvalue()) is coloured


@pytest.mark.parametrize(("stream", "is_json"), [(Terminal, False), (io.StringIO, True)])
def test_auto_is_console_on_a_terminal_and_json_elsewhere(stream, is_json):
    written = start(LogFormat.AUTO, stream=stream())
    LOG.info("Hello")
    assert written.getvalue().startswith("{") is is_json


def test_logging_loads_neither_rich_nor_pygments_and_leaves_them_loadable():
    script = (
        "import sys, node.logs; assert not {'rich', 'pygments'} & set(sys.modules), 'loaded'; "
        "import rich.console, pygments"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)
