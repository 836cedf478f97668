"""The nodes' logs while a world runs: told to the world, written nowhere.

So is what libraries say: aiohttp and asyncio log what a handler or a callback raised, and go on.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Final, NoReturn

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import EventDict, WrappedLogger


_LIBRARIES: Final = ("aiohttp", "asyncio")


class _Libraries(logging.Handler):
    def __init__(self, told: Callable[[dict[str, object]], None]) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        self._told({"level": record.levelname.lower(), "event": record.getMessage(), "exc_info": record.exc_info})


@contextlib.contextmanager
def logs_told(told: Callable[[dict[str, object]], None]) -> Iterator[None]:
    """Tell each event that nodes log, as it was given; afterwards logging is as it was before."""
    before = structlog.get_config()

    def tell(_logger: WrappedLogger, method: str, event: EventDict) -> NoReturn:
        told({"level": method, **event})
        raise structlog.DropEvent

    handler = _Libraries(told)
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    structlog.configure(
        processors=[tell],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        structlog.configure(**before)
