"""What stands before every page: Host, Origin, session, form token; and the headers that go with each answer."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from node.console.console import PREFIX
from node.console.refusing import PageError
from node.console.sessions import is_form_token
from node.instance.query.literals import is_plain
from node.instance.viewer import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIGN_IN: Final = f"{PREFIX}/sign-in"
FORM_TOKEN: Final = "form_token"  # noqa: S105 - a field's name
NEXT_CHARACTERS_MAX: Final = 4_000
"""Of an address that is gone back to; a longer one would not be the same if it were cut."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors "
)

_HEADERS: Final[Mapping[str, str]] = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # no-referrer would make browsers send `Origin: null` with each form
    "X-Content-Type-Options": "nosniff",
}


def headers(*, framed_by: str | None) -> Mapping[str, str]:
    """What goes with each answer; `framed_by` is the one origin whose pages may show the console in a frame."""
    return {**_HEADERS, "Content-Security-Policy": CONTENT_SECURITY_POLICY + (framed_by or "'none'")}


TOKEN: Final[web.RequestKey[str]] = web.RequestKey("token", str)
"""What the form tokens of this request's page are made from: its session, or a visitor's cookie."""

SESSION: Final[web.RequestKey[str]] = web.RequestKey("session", str)
"""The session's token, where somebody is signed in."""

ADMIN: Final[web.RequestKey[Viewer]] = web.RequestKey("admin", Viewer)
"""Who that is."""


class Hosts:
    """By which names this node's console may be called: a stranger's name may lead to a loopback address, too."""

    def __init__(self, *, urls: Iterable[str | None], more: Iterable[str]) -> None:
        """Take the names.

        Args:
            urls: URLs of this node, whose hosts are its names; those of https say that TLS ends before it.
            more: further host names.
        """
        parts = [urlsplit(url) for url in urls if url is not None]
        self._names = {"localhost", *(one.hostname for one in parts if one.hostname), *(name.lower() for name in more)}
        self._https = {one.netloc.lower() for one in parts if one.scheme == "https"}

    def refuse_stranger(self, request: web.Request) -> None:
        """Refuse a request for a host that is not this node.

        Raises:
            PageError: it is for another.
        """
        host = _name_in(request.host)
        if host in self._names or _is_own_address(host, request):
            return
        raise PageError(
            421,
            "This address is not known here",
            "This node does not know the host that this page was asked for.",
            "Use the node URL, or have whoever runs the node add the host to HANDCLASP_CONSOLE_HOSTS.",
        )

    def origin(self, request: web.Request) -> str:
        """The origin of this node's own pages, as a browser that asks by this Host tells it."""
        host = request.host.lower()
        return f"{'https' if host in self._https else request.scheme}://{host}"


def _name_in(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_own_address(host: str, request: web.Request) -> bool:
    """Whether it is a loopback address, or the very address where the request arrived: neither needs a name."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    arrived_at = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return address.is_loopback or (arrived_at is not None and host == arrived_at[0])


async def refuse_forged(request: web.Request, hosts: Hosts) -> None:
    """Refuse a form that did not come from a page of this console.

    Raises:
        PageError: it came from elsewhere, or from a page of an earlier session, or is none.
    """
    if request.headers.get("Origin", "").lower() != hosts.origin(request):
        raise PageError(
            403,
            "This did not come from this console",
            "The form was sent from another site, or by a browser that does not say where from. Nothing was changed.",
            "Go to the page in this console and send it from there.",
        )
    await _refuse_unreadable(request)
    form = await request.post()
    if not is_form_token(request[TOKEN], str(form.get(FORM_TOKEN, ""))):
        await close_files(request)
        raise PageError(
            403,
            "This page was too old",
            "It was opened before you last signed in, so nothing was changed.",
            "Load the page again, and repeat what you did.",
        )


async def _refuse_unreadable(request: web.Request) -> None:
    """Refuse what is no form, or says what no text can hold; whatever reads the form afterwards can rely on it.

    Raises:
        PageError: it is such a one.
    """
    try:
        form = await request.post()
    except (ValueError, LookupError, RuntimeError, HttpProcessingError, web.RequestPayloadError):
        raise _unreadable() from None  # parts, bytes or an encoding that mean nothing
    files = [one for one in form.values() if isinstance(one, web.FileField)]
    texts = [one for one in form.values() if isinstance(one, str)]
    names = [text for one in files for text in (one.filename, one.content_type)]
    if not all(is_plain(text) for text in (*form, *texts, *names)):
        await close_files(request)
        raise _unreadable()


def _unreadable() -> PageError:
    return PageError(
        400,
        "This form can't be read",
        "Its parts do not fit together, or a text or the name of a file in it is no UTF-8. Nothing was changed.",
        "Load the page again and send its form. A file may need another name.",
    )


async def close_files(request: web.Request) -> None:
    """Let go of the files that came with a form, which has been read."""
    for one in (await request.post()).values():
        if isinstance(one, web.FileField):
            one.file.close()


def place_after_sign_in(wanted: str) -> str:
    """A page of this console, and of nobody else's, to go to after signing in."""
    is_page = wanted.startswith(f"{PREFIX}/") and wanted.isascii() and wanted.isprintable()
    is_own = is_page and "\\" not in wanted and "//" not in wanted and len(wanted) <= NEXT_CHARACTERS_MAX
    return wanted if is_own else f"{PREFIX}/connections"
