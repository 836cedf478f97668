"""Structured logs: console for people, JSON lines for machines; one stream, one line an event.

Everything that this process logs goes through one chain of processors, also what aiohttp, asyncio and other
libraries say through the standard library's `logging`:

1. the level, the logger's name, the instant (from the Clock port);
2. `redact`: invitation codes keep their prefix and eight characters, values under telling keys vanish;
3. `keep_to_one_line`: no control or bidirectional character survives: a partner's name can't forge a line;
4. the renderer.

Import structlog nowhere else in this package: take `get_logger` from here. structlog loads rich and pygments
for tracebacks that this module does not use; kept away, its import takes 25 ms instead of 90.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

from node.settings_table import LogFormat, LogLevel


def _hide_rich() -> tuple[str, ...]:
    """Make `import rich` and `import pygments` fail until they are shown again; return what was hidden."""
    hidden = tuple(name for name in ("rich", "pygments") if name not in sys.modules)
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # the import system's own mark for "not there"
    return hidden


_HIDDEN = _hide_rich()
try:
    import structlog
finally:
    for _name in _HIDDEN:
        del sys.modules[_name]

__all__ = [
    "LogFormat",
    "LogLevel",
    "configure",
    "get_logger",
    "one_line",
    "redacted_text",
    "silence",
]

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

    from node.ports import Clock

TEXT_CHARACTERS_MAX: Final = 1000
"""The longest value in a log line; the rest is cut off and marked."""

TRACEBACK_CHARACTERS_MAX: Final = 16_000
"""The longest traceback; its beginning is cut off, since its end tells what happened."""

CHATTY: Final = ("alembic.runtime.plugins",)
"""Loggers that tell at the level info what nobody asked for."""

NESTING_MAX: Final = 4
ITEMS_MAX: Final = 50

CODE_PREFIX: Final = "handclasp_"
CODE_CHARACTERS_SHOWN: Final = 8
"""How much of an invitation code after its prefix may be shown: it lies in the public header (protocol 3)."""

REDACTED: Final = "[redacted]"

_CODE = re.compile(
    # One setting's name looks like a code and is none.
    rf"({CODE_PREFIX}(?!(?-i:ANNOUNCEMENTS\b))[a-z2-7]{{{CODE_CHARACTERS_SHOWN}}})[a-z2-7]+",
    re.IGNORECASE,
)
_REST_OF_A_CODE = re.compile(r"\b[a-z2-7]{16,}\b", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer)\s+[\w.~+/=-]+", re.IGNORECASE)
_USER_INFO = re.compile(r"://[^\s/?#]*@")
_SECRET_KEY = re.compile(
    r"token|secret|passw|passphrase|seed|authorization|cookie|private.?key|invitation.?code", re.IGNORECASE
)
_FIRST_KEYS = ("timestamp", "level", "logger", "event")


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger of that name; it may be taken before `configure` is called."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


def configure(
    *,
    level: LogLevel,
    log_format: LogFormat,
    clock: Clock,
    environ: Mapping[str, str],
    stream: TextIO | None = None,
) -> None:
    """Send all logs of this process, structlog's and the standard library's, to one stream.

    Args:
        level: the least urgent event that is written.
        log_format: console or JSON lines; `auto` looks whether the stream is a terminal.
        clock: tells the instant of each event.
        environ: `NO_COLOR` (not empty) and `TERM=dumb` switch colours off; there are none without a terminal.
        stream: where to; standard error unless another is given.
    """
    stream = sys.stderr if stream is None else stream
    is_terminal = stream.isatty()
    has_colours = is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    as_console = log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and is_terminal)
    before: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _stamp(clock),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                keep_to_one_line,
                *_renderer(as_console=as_console, has_colours=has_colours),
            ],
        )
    )
    number = logging.getLevelNamesMapping()[level.name]
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def silence() -> None:
    """Write nothing, anywhere: for a process whose output is not a log (a simulation, the command line)."""
    logging.captureWarnings(capture=False)
    root = logging.getLogger()
    root.handlers = [logging.NullHandler()]
    structlog.configure(
        processors=[_drop],
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )


def redact(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Take what must stay secret out of an event (protocol 3: logs show a code's prefix and 8 characters)."""
    return {key: _redacted(key, value, NESTING_MAX) for key, value in event_dict.items()}


def keep_to_one_line(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    """Make every value one line of visible characters, of bounded length; traceback lines are indented."""
    return {
        key: _traceback(value) if key == "exception" and isinstance(value, str) else _visible(value)
        for key, value in event_dict.items()
    }


def redacted_text(text: str) -> str:
    """The text without the secret part of an invitation code, a bearer token, or a URL's user info."""
    if CODE_PREFIX in text.lower():
        text = _CODE.sub(r"\1…", text)
        # A mail program breaks a code into lines: what follows the first piece is as secret as the piece.
        text = _REST_OF_A_CODE.sub("…", text)
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    return _USER_INFO.sub("://…@", text)


def one_line(text: str, *, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """The text with control, bidirectional and other invisible characters as escapes, cut to a length."""
    visible = text[: characters_max + 1]
    if not visible.isprintable():
        visible = "".join(
            character if character.isprintable() else character.encode("unicode_escape").decode()
            for character in visible
        )
    return visible if len(visible) <= characters_max else f"{visible[: characters_max - 1]}…"


def _redacted(key: object, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(key, str) and _SECRET_KEY.search(key):
        return REDACTED
    match value:
        case bytes() | bytearray():
            return f"{len(value)} bytes"  # bytes are keys, seeds, envelopes: never worth a line
        case Mapping():
            return _redacted_items(value, depth)
        case list() | tuple() | set() | frozenset():
            return [_redacted(None, item, depth - 1) for item in list(value)[:ITEMS_MAX]] if depth else "…"
        case _:
            return redacted_text(str(value))


def _redacted_items(mapping: Mapping[Any, Any], depth: int) -> object:
    if not depth:
        return "…"
    items = list(mapping.items())[:ITEMS_MAX]
    return {redacted_text(str(key)): _redacted(key, value, depth - 1) for key, value in items}


def _visible(value: Any) -> Any:
    match value:
        case str():
            return one_line(value)
        case dict():
            return {one_line(key): _visible(item) for key, item in value.items()}
        case list():
            return [_visible(item) for item in value]
        case _:
            return value


def _traceback(text: str) -> str:
    kept = text[-TRACEBACK_CHARACTERS_MAX:]
    # Indented, so that no line of an exception's text can be taken for a log line.
    return "\n".join(f"    {one_line(line)}" for line in kept.split("\n"))


def _stamp(clock: Clock) -> Processor:
    def stamp(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
        instant = datetime.fromtimestamp(clock.now(), tz=UTC)
        event_dict["timestamp"] = instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return event_dict

    return stamp


def _renderer(*, as_console: bool, has_colours: bool) -> list[Processor]:
    if as_console:
        return [
            structlog.dev.ConsoleRenderer(
                colors=has_colours, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
            )
        ]
    return [_put_first, structlog.processors.JSONRenderer()]


def _put_first(_logger: WrappedLogger, _method: str, event_dict: EventDict) -> EventDict:
    return {key: event_dict[key] for key in _FIRST_KEYS if key in event_dict} | dict(event_dict)


def _drop(_logger: WrappedLogger, _method: str, _event_dict: EventDict) -> EventDict:
    raise structlog.DropEvent
