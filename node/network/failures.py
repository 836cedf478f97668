"""What went wrong on the way to another node: from aiohttp's errors to a cause and a sentence."""

from __future__ import annotations

import os
import ssl
from typing import Final

import aiohttp

from node.causes import Cause
from node.ports import NetworkError

NO_URL: Final = "This is no URL that a node calls. Use one of https:// (or http://) and a host, without a user name."

# The first row whose type is met, by the error or what caused it, decides. Of an error's own text only the
# words of the TLS library and of the system are passed on: other texts hold URLs.
_ROWS: Final[tuple[tuple[type[BaseException], Cause, str], ...]] = (
    (
        ssl.SSLCertVerificationError,
        Cause.TLS_FAILURE,
        "The certificate of {where} is not trusted ({why}). If you trust its issuer, set HANDCLASP_CA_FILE.",
    ),
    (
        ssl.SSLError,
        Cause.TLS_FAILURE,
        "No secure connection to {where} came about ({why}). Check that https is spoken there, and not http.",
    ),
    (
        TimeoutError,
        Cause.UNREACHABLE,
        "{where} did not answer within {limit:g} s. Check that the node runs and no firewall intervenes.",
    ),
    (
        aiohttp.ClientConnectorDNSError,
        Cause.UNREACHABLE,
        "The name in {where} could not be resolved. Check its spelling.",
    ),
    (
        aiohttp.ClientConnectorError,
        Cause.UNREACHABLE,
        "{where} can't be connected to ({why}). Check that the node runs and that the port is right.",
    ),
    (aiohttp.InvalidURL, Cause.ADDRESS_BLOCKED, NO_URL),
    (
        aiohttp.ClientOSError,
        Cause.UNREACHABLE,
        "The link to {where} broke ({why}). Check that the node runs.",
    ),
    (
        ConnectionError,  # such as aiohttp's own, for a link that it kept and that ends while it is written to
        Cause.UNREACHABLE,
        "The link to {where} broke ({why}). Check that the node runs.",
    ),
    (
        aiohttp.ServerDisconnectedError,
        Cause.UNREACHABLE,
        "{where} closed the link without an answer. Check that the node runs.",
    ),
    (
        Exception,
        Cause.NOT_A_NODE,
        "{where} answered, but not in valid HTTP. Check that the address is that of a node.",
    ),
)


def network_error(error: Exception, where: str, *, limit_s: float) -> NetworkError:
    """The cause and sentence for an error of a request to `where` (host:port) that had `limit_s` seconds."""
    errors = _chain(error)
    for kind, cause, sentence in _ROWS:
        for found in errors:
            if isinstance(found, kind):
                return NetworkError(cause, sentence.format(where=where, limit=limit_s, why=_why(found)))
    raise AssertionError(error)  # the last row takes every error


def _chain(error: BaseException) -> list[BaseException]:
    """The root cause first, the error last: aiohttp's own TLS errors lack the attributes of the library's."""
    found = [error]
    while (cause := found[-1].__cause__) is not None and cause not in found:
        found.append(cause)
    return found[::-1]


def _why(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or "no reason given").replace("_", " ").lower()
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number else "no reason given"
