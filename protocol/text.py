"""Names, descriptions and URLs: which are taken, and how a stranger's text is shown.

A name is one visible line: nothing in it is invisible, turns the direction of writing, or ends the line.
A URL is the plain address of a node or an instance, to which a path is appended.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata

from protocol.errors import TextError
from protocol.limits import (
    DESCRIPTION_CHARACTERS_MAX,
    NAME_CHARACTERS_MAX,
    PLAIN_LINE_CHARACTERS_MAX,
    URL_CHARACTERS_MAX,
)

_CATEGORIES_REFUSED = {
    "Cc": "a control character",
    "Cf": "an invisible or direction-changing character",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
    "Cs": "half a character",
    "Co": "a private-use character",
}
# Blank on every screen, or never a character, whatever Unicode assigns later. Other unassigned code points
# pass: two nodes may know different Unicode versions, and what one takes must not be an attack to the other.
_NEVER_SEEN = ((0x2065, 0x2065), (0xFDD0, 0xFDEF), (0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF))
_NONCHARACTER_END = 0xFFFE
# Letters and symbols by category, but blank on every screen.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_REPLACEMENT = "\ufffd"

_URL = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<tail>.*)")
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_HOST_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_HOST_CHARACTERS_MAX = 253
_PORT_MAX = 65535
_DECOMPOSED_MAX = 4
"""Into how many code points a character of people's scripts comes apart at most."""
_PORTS_DEFAULT = {"http": 80, "https": 443}


def check_name(value: object, *, what: str, characters_max: int = NAME_CHARACTERS_MAX) -> str:
    """The name in its one normal form: without blanks around it, accents composed (Unicode's form C).

    Raises:
        TextError: not text, empty, too long, or with a character that can't be seen as itself.
    """
    name = _text(value, what).strip()
    if not name:
        raise TextError(what, f"The {what} is empty.")
    if len(name) <= _DECOMPOSED_MAX * characters_max:  # what is longer stays too long, and composing takes time
        name = unicodedata.normalize("NFC", name)
    _check_length(name, what, characters_max)
    _check_characters(name, what)
    return name


def check_description(value: object, *, what: str = "description") -> str:
    """The description without blanks around it; it may be empty and may have several lines, parted by LF.

    Raises:
        TextError: not text, too long, or with a character that can't be seen as itself.
    """
    description = _text(value, what).replace("\r\n", "\n").replace("\t", " ").strip()
    _check_length(description, what, DESCRIPTION_CHARACTERS_MAX)
    _check_characters(description.replace("\n", " "), what)
    return description


def check_url(value: object, *, what: str) -> str:
    """The URL in its one normal form: lower-case scheme and host, no default port, no slash at the end.

    Numeric hosts in odd forms (`0x7f.1`) pass: which addresses may be called is judged at name resolution.

    Raises:
        TextError: not an http(s) URL of at most URL_CHARACTERS_MAX characters with a host and at most a path.
    """
    url = _text(value, what).strip()
    _check_length(url, what, URL_CHARACTERS_MAX)
    if not url.isascii() or not url.isprintable() or " " in url:
        raise TextError(
            what,
            f"The {what} may have ASCII characters only, and no blanks; "
            "write a host name in another script in its xn-- form.",
        )
    parts = _URL.fullmatch(url)
    scheme = parts["scheme"].lower() if parts else ""
    if parts is None or scheme not in _PORTS_DEFAULT:
        raise TextError(what, f"The {what} does not begin with http:// or https://.")
    if parts["tail"]:
        raise TextError(what, f'The {what} may not have a "?" or "#"; give only the address before it.')
    if not _PATH.fullmatch(parts["path"]) or {".", ".."} & set(parts["path"].split("/")):
        raise TextError(what, f"The path in the {what} is not valid.")
    return f"{scheme}://{_authority(parts['authority'], scheme, what)}{parts['path'].rstrip('/')}"


def plain_line(value: str) -> str:
    """Any text as one harmless line of at most PLAIN_LINE_CHARACTERS_MAX characters, for a log or terminal.

    What would not be seen as itself (line breaks, escape sequences, direction marks) becomes U+FFFD.
    """
    line = value[:PLAIN_LINE_CHARACTERS_MAX]
    shown = "".join(_REPLACEMENT if _fault(character) else character for character in line)
    return shown if len(value) <= PLAIN_LINE_CHARACTERS_MAX else f"{shown[:-1]}…"


def plain_text(value: str) -> str:
    """Any text for a page, with its lines as they are; what would not be seen as itself becomes U+FFFD."""
    if value.isascii() and value.isprintable():
        return value  # as almost every text is
    return "".join(_REPLACEMENT if character not in "\n\t" and _fault(character) else character for character in value)


def _authority(authority: str, scheme: str, what: str) -> str:
    if "@" in authority:
        raise TextError(what, f"The {what} may not have a user name or password in it.")
    parts = _HOST_PORT.fullmatch(authority)
    if parts is None:
        raise TextError(what, f"The {what} has no valid host and port.")
    host = _host(parts["host"], what)
    if parts["port"] is None:
        return host
    port = int(parts["port"])
    if not 0 < port <= _PORT_MAX:
        raise TextError(what, f"The port in the {what} is not between 1 and {_PORT_MAX}.")
    return host if port == _PORTS_DEFAULT[scheme] else f"{host}:{port}"


def _host(host: str, what: str) -> str:
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            raise TextError(what, f"The {what} has no valid IPv6 address in its brackets.") from None
    if len(host) > _HOST_CHARACTERS_MAX or not all(map(_LABEL.fullmatch, host.split("."))):
        raise TextError(what, f"The host in the {what} is not valid.")
    return host.lower()


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise TextError(what, f"The {what} is not a text.")
    return value


def _check_length(value: str, what: str, characters_max: int) -> None:
    if len(value) > characters_max:
        raise TextError(what, f"The {what} has {len(value)} characters; at most {characters_max} are allowed.")


def _check_characters(value: str, what: str) -> None:
    if value.isascii() and value.isprintable():
        return  # as almost every name is
    for position, character in enumerate(value, start=1):
        fault = _fault(character)
        if fault:
            raise TextError(
                what,
                f"The {what} has {fault} (U+{ord(character):04X}) at position {position}; write it without.",
            )


def _fault(character: str) -> str | None:
    code = ord(character)
    if code & _NONCHARACTER_END == _NONCHARACTER_END:
        return "a code point that is no character"
    if character in _BLANK or any(first <= code <= last for first, last in _NEVER_SEEN):
        return "an invisible character"
    return _CATEGORIES_REFUSED.get(unicodedata.category(character))
