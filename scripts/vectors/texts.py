"""texts.json: names and URLs, each with its normal form or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from protocol.errors import TextError
from protocol.limits import NAME_CHARACTERS_MAX, URL_CHARACTERS_MAX
from protocol.text import check_name, check_url

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = (
    "ACME",
    "  ACME \t",
    "Zu\u0308rich",
    "東京 🤝",
    "O'Hara & Co.",
    "a" * NAME_CHARACTERS_MAX,
    "",
    "   ",
    "a" * (NAME_CHARACTERS_MAX + 1),
    "two\nlines",
    "tab\there",
    "turned\u202earound",
    "zero\u200bwidth",
    "soft\u00adhyphen",
    "line\u2028separator",
    "private\ue000use",
    "blank\u2800braille",
    "blank\u3164filler",
    "no\ufffecharacter",
    "\u2065",
)
_URLS = (
    "https://acme.example/handclasp",
    "HTTPS://ACME.example:443/",
    "http://127.0.0.1:8101/",
    "http://example.com:80/a/b/",
    "https://[2001:DB8:0:0::1]:8443",
    "https://acme.example//a//",
    "https://acme.example/%7Eacme",
    "https://xn--zrich-kva.example",
    "http://0x7f.1",
    "https://acme.example/" + "x" * (URL_CHARACTERS_MAX - 21),
    "https://acme.example/" + "x" * (URL_CHARACTERS_MAX - 20),
    "acme.example",
    "ftp://acme.example",
    "https://user:password@acme.example",
    "https://acme.example/?a=b",
    "https://acme.example/#a",
    "https://acme.example/a/../b",
    "https://acme.example/a b",
    "https://acme.example/%7",
    "https://zürich.example",
    "https://acme.example:0",
    "https://acme.example:65536",
    "https://-acme.example",
    "https://[::1",
    "https:///handclasp",
    "javascript:alert(1)",
)


def texts() -> dict[str, Any]:
    """The whole file."""
    return {
        "names": [_case(each, check_name, "name") for each in _NAMES],
        "urls": [_case(each, check_url, "URL") for each in _URLS],
    }


def _case(given: str, check: Callable[..., str], what: str) -> dict[str, Any]:
    try:
        return {"given": given, "taken_as": check(given, what=what)}
    except TextError:
        return {"given": given, "taken_as": None}
