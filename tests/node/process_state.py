"""What a command sets for its whole process, put back where the process goes on."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def process_state_kept() -> Iterator[None]:
    """Where the log goes, the mask for new files and what ends the process are afterwards what they were before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    structlog_before = structlog.get_config() if structlog.is_configured() else None
    mask = os.umask(0o077)
    os.umask(mask)
    ending = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, ending)
        os.umask(mask)
        logging.captureWarnings(capture=False)
        root.handlers, root.level = handlers, level
        if structlog_before is None:
            structlog.reset_defaults()
        else:
            structlog.configure(**structlog_before)
