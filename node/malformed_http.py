"""What is no HTTP at all: bytes of scanners and mistaken programs, told in one quiet line.

aiohttp writes a traceback for each, at the level error, with what was sent in it. None is a fault of this node, and
whoever can reach its port could fill its log.
"""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError

from node.logs import get_logger

_log = get_logger(__name__)


class _OneQuietLine(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        remote = record.args[0] if isinstance(record.args, tuple) and record.args else None
        _log.debug("malformed_http", remote=remote, why=type(error).__name__)
        return False


_FILTER = _OneQuietLine()


def server_logger() -> logging.Logger:
    """The logger for aiohttp's servers: faults of handlers as ever, malformed requests in one line at level debug."""
    logger = logging.getLogger("aiohttp.server")
    logger.addFilter(_FILTER)  # the same filter is added once
    return logger
