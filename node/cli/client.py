"""The admin API, as commands call it: one connection a request, no proxy, no redirect.

Every write bears an idempotency key of its own, so that it can be sent again when the link breaks before the answer:
it is done once all the same.
"""

from __future__ import annotations

import json
import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from node.cli.failures import EXIT_REFUSED, EXIT_USAGE, CommandError
from node.problems import Problem
from node.real_ports import SystemEntropy
from node.tls.trust import client_context
from protocol.code_outcomes import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from node.cli.places import Place
    from node.tls.trust import Trust

API: Final = "/api/v1"
ANSWER_S_MAX: Final = 60.0
"""How long a node may take: a check may call two other addresses, 5 s each."""

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
PAGE: Final = 500
KEY_BYTES: Final = 16
TRIES: Final = 2
"""How often a request is sent whose link breaks before the answer."""

WRONG_INPUT: Final = frozenset(
    {
        Problem.MALFORMED,
        Problem.INVALID_FIELD,
        Problem.UNKNOWN_FIELD,
        Problem.MISSING_FIELD,
        Problem.TOO_LARGE,
        Problem.UNAUTHENTICATED,
        Problem.NOT_FOUND,
        Problem.MODE_NOT_OFFERED,
    }
)
"""Problem types that say that something was typed wrong. The same mistake has the same exit code, whether this
command finds it or the node."""

_ERRORS_FROM: Final = 400
_NOT_FOUND: Final = 404


class RefusedError(CommandError):
    """A node refused or failed.

    Attributes:
        document: its problem document.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        remedy = str(document.get("remedy", ""))
        kind = str(document.get("type", "")).rpartition("/")[2]
        if kind == Problem.UNAUTHENTICATED:
            remedy = "Name the file of that node's token with --token-file, or put the token into HANDCLASP_TOKEN."
        elif kind == Problem.CODE_REFUSED:
            remedy = ""  # the sentence says it
        is_unreadable = kind == Problem.CODE_REFUSED and document.get("outcome") in UNREADABLE
        super().__init__(
            str(document.get("detail", "The node refused.")),
            remedy,
            exit_code=EXIT_USAGE if is_unreadable or kind in WRONG_INPUT else EXIT_REFUSED,
        )
        self.document = document


class AdminClient:
    """A node, as its admin reaches it. Every method raises CommandError, or RefusedError for a problem."""

    def __init__(self, place: Place, *, answer_s_max: float = ANSWER_S_MAX) -> None:
        """Name the node, and how long each of its answers may take; nothing is sent yet.

        Raises:
            CommandError: the token would travel unencrypted over a network.
        """
        self.title = place.title
        self._token = place.token
        self._answer_s_max = answer_s_max
        self._url = place.url
        parts = urlsplit(place.url)
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path
        self._is_tls = parts.scheme == "https"
        self._trust = place.trust
        if not self._is_tls and not _is_loopback(self._host):
            raise CommandError(
                f"The admin token would go to {self._host} unencrypted.",
                "Use its https:// URL, or run the command on that machine.",
            )

    def node(self) -> dict[str, Any]:
        """Who the node is."""
        return self._call("GET", "/node")

    def check(self, url: str) -> dict[str, Any]:
        """The destination check's result."""
        return self._call("POST", "/check", {"url": url})

    def invitation(self, code: str) -> dict[str, Any]:
        """The public part of a code, as the node reads it."""
        shown: dict[str, Any] = self._call("POST", "/invitations/show", {"code": code})["invitation"]
        return shown

    def make_oauth_client(self, name: str, user: str | None) -> dict[str, Any]:
        """The id and the secret of a new OAuth client of the instance."""
        return self._call("POST", "/instance/oauth-clients", {"name": name, "user": user})

    def make_api_key(self, user: str) -> dict[str, Any]:
        """A new API key of the instance."""
        return self._call("POST", "/instance/api-keys", {"user": user})

    def initiate(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """The new connection and its invitation code."""
        return self._write("POST", "/connections", wish)

    def accept(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The accepted connection."""
        return self._write("POST", "/invitations/accept", answer)

    def decline(self, code: str) -> dict[str, Any]:
        """The connection of a code that was refused."""
        return self._write("POST", "/invitations/decline", {"code": code})

    def act(self, sys_id: str, name: str) -> dict[str, Any]:
        """The connection after an act without anything else to say; none once its row has gone."""
        return self._write("POST", f"{_one(sys_id)}/{name}", {})

    def new_code(self, sys_id: str, lifetime_s: int) -> dict[str, Any]:
        """The connection and its new invitation code."""
        return self._write("POST", f"{_one(sys_id)}/new-code", {"code_lifetime_s": lifetime_s})

    def describe(self, sys_id: str, description: str) -> dict[str, Any]:
        """The connection with its new description."""
        return self._write("PATCH", _one(sys_id), {"description": description})

    def connections(self, **wanted: str | None) -> list[dict[str, Any]]:
        """All connections, from all pages; `status`, `role` and `removed` choose."""
        query = {key: value for key, value in wanted.items() if value is not None}
        found: list[dict[str, Any]] = []
        after = 0
        while True:
            page = self._call("GET", "/connections?" + urlencode({**query, "limit": PAGE, "after": after}))
            found += page["connections"]
            if page["next"] is None:
                return found
            after = page["next"]

    def connection(self, sys_id: str) -> dict[str, Any]:
        """One connection with its notices."""
        return self._call("GET", _one(sys_id))

    def events(self, sys_id: str, *, after: int = 0) -> list[dict[str, Any]]:
        """The event log of a connection behind a seq, oldest first."""
        found: list[dict[str, Any]] = []
        while True:
            query = urlencode({"after": found[-1]["data"]["seq"] if found else after, "limit": PAGE})
            page = self._call("GET", f"{_one(sys_id)}/events?{query}")["events"]
            found += page
            if len(page) < PAGE:
                return found

    def invitation_code(self, sys_id: str) -> str:
        """The living code of a pending connection."""
        return str(self._call("GET", f"{_one(sys_id)}/invitation")["invitation_code"])

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._call(method, path, body, key=SystemEntropy().token(KEY_BYTES).hex())

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        data = None
        if key is not None:
            headers["Idempotency-Key"] = key
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        try:
            status, text = self._answered(method, path, data, headers)
        except TimeoutError:
            raise CommandError(
                f"The node at {self._url} did not answer within {self._answer_s_max:.0f} s.",
                "See in its log what it is doing; `handclasp connections list` shows whether it was done.",
                exit_code=EXIT_REFUSED,
            ) from None
        except ssl.SSLError as error:
            raise CommandError(
                f"No encrypted connection to {self._url} can be made ({error.reason or error}).",
                "If you trust who has signed its certificate, name the file of that authority in SSL_CERT_FILE; "
                "on the node's own machine, name its data directory with --data instead.",
            ) from None
        except (OSError, HTTPException) as error:
            said = getattr(error, "strerror", None) or type(error).__name__
            raise CommandError(
                f"No node answers at {self._url} ({said}).", "See whether it still runs, and where."
            ) from None
        return self._understood(path, status, text)

    def _answered(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        for tries_left in reversed(range(TRIES)):
            link = self._link()
            try:
                link.request(method, self._path + API + path, data, headers)
                answer = link.getresponse()
                return answer.status, answer.read(ANSWER_BYTES_MAX)
            except (ConnectionResetError, BrokenPipeError, HTTPException):
                if not tries_left:
                    raise
            finally:
                link.close()
        raise AssertionError("the last try returns or raises")

    def _link(self) -> HTTPConnection:
        if self._trust is not None:
            return _KnownByCertificate(self._host, self._port, timeout_s=self._answer_s_max, trust=self._trust)
        if self._is_tls:
            return HTTPSConnection(self._host, self._port, timeout=self._answer_s_max)
        return HTTPConnection(self._host, self._port, timeout=self._answer_s_max)

    def _understood(self, path: str, status: int, text: bytes) -> dict[str, Any]:
        try:
            content: Any = json.loads(text)
        except (ValueError, RecursionError):
            content = None
        if status < _ERRORS_FROM and isinstance(content, dict):
            return content
        is_route_missing = status == _NOT_FOUND and not path.startswith("/connections/")
        if isinstance(content, dict) and "detail" in content and not is_route_missing:
            raise RefusedError(content)
        raise CommandError(
            f"{self._url} answers, but not as a node does (HTTP {status}).",
            "Check the address: it is the node URL, not the instance URL.",
        )


class _KnownByCertificate(HTTPConnection):
    """A link to the node that shows that very certificate, whatever its address is."""

    def __init__(self, host: str, port: int | None, *, timeout_s: float, trust: Trust) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._server_name = trust.server_name
        try:
            self._context = client_context(trust.certificate_file)
        except OSError as error:
            raise CommandError(
                f"The certificate by which the node is known, {trust.certificate_file}, can't be read "
                f"({error.strerror or error}).",
                "Let this user read it, or see what the node's log says of it.",
            ) from None

    def connect(self) -> None:
        super().connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self._server_name)


def _one(sys_id: str) -> str:
    return f"/connections/{quote(sys_id, safe='')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
