"""The nodes' logs while a world runs: told to the world, written nowhere."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, NoReturn

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import EventDict, WrappedLogger


@contextlib.contextmanager
def logs_told(told: Callable[[dict[str, object]], None]) -> Iterator[None]:
    """Tell each event that nodes log, as it was given; afterwards logging is as it was before."""
    before = structlog.get_config()

    def tell(_logger: WrappedLogger, method: str, event: EventDict) -> NoReturn:
        told({"level": method, **event})
        raise structlog.DropEvent

    structlog.configure(
        processors=[tell],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**before)
