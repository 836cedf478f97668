"""The console of one node: its routes, and what stands before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aiohttp import web

from node.admin.tokens import ApiTokens
from node.console.accept_pages import AcceptPages
from node.console.assets import Assets
from node.console.changes import Changes
from node.console.connection_pages import ConnectionPages
from node.console.getting_started import GettingStartedPages
from node.console.guarding import HEADERS, PREFIX, SESSION, SIGN_IN, TOKEN, Hosts, refuse_forged
from node.console.initiate_pages import InitiatePages
from node.console.list_pages import LIST, ListPages
from node.console.live import stream
from node.console.refusing import PageError
from node.console.report_pages import ReportPages
from node.console.sessions import Sessions
from node.console.settings_pages import SettingsPages
from node.console.shell import Shell, see_other
from node.console.sign_in_pages import SignInPages
from node.console.throttle import SignInTries
from node.console.tidy_pages import CleanUpPages, NotificationPages, QueuePages
from node.console.traces import Traces
from node.logs import get_logger
from node.problems import PROBLEMS, Problem, ProblemError
from node.settings_table import Accent

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from node.connections.context import Context
    from node.console.login import Login
    from node.delivery.broadcast import Broadcaster
    from node.delivery.dispatcher import Dispatcher

_log = get_logger(__name__)

_ASSETS: Final = f"{PREFIX}/assets/"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleProfile:
    """What a console is put together from, beside its node.

    Attributes:
        login: who may sign in.
        accent: the colour that tells this instance from others.
        url: where people find the console: the node URL, or where this machine reaches a private node.
        hosts: further host names by which it may be called.
    """

    login: Login
    accent: Accent
    url: str
    hosts: tuple[str, ...] = ()


class Console:
    """The pages of one node.

    Attributes:
        changes: tell it that something has changed.
        traces: tell it of each message.
    """

    def __init__(
        self, context: Context, dispatcher: Dispatcher, broadcaster: Broadcaster | None, profile: ConsoleProfile
    ) -> None:
        self.changes = Changes()
        self.traces = Traces()
        self._hosts = Hosts(urls=(profile.url, context.node_url, context.instance_url), more=profile.hosts)
        self._assets = Assets()
        self._shell = shell = Shell(
            context=context,
            dispatcher=dispatcher,
            broadcaster=broadcaster,
            login=profile.login,
            sessions=Sessions(clock=context.clock, entropy=context.entropy, store=context.store),
            changes=self.changes,
            assets=self._assets,
            accent=_accent(profile.accent, context),
        )
        tries = SignInTries(context.clock)
        self._sign_in = SignInPages(shell, self._hosts, tries)
        self._pages = (
            self._sign_in,
            ListPages(shell),
            ConnectionPages(shell, self.traces),
            InitiatePages(shell),
            AcceptPages(shell),
            GettingStartedPages(shell),
            SettingsPages(shell, ApiTokens(context), tries),
            QueuePages(shell),
            NotificationPages(shell),
            CleanUpPages(shell),
            ReportPages(shell),
        )

    def add_to(self, app: web.Application) -> None:
        """Add the console's routes to an application, whose middlewares hold `guard`."""
        app.router.add_get("/", self._lead_here)
        app.router.add_get(PREFIX, self._lead_here)
        app.router.add_get(f"{PREFIX}/", self._lead_here)
        app.router.add_get(f"{_ASSETS}{{digest}}/{{name:.+}}", self._assets.serve)
        app.router.add_get(f"{PREFIX}/live", self._live)
        for pages in self._pages:
            app.router.add_routes(pages.routes())
        app.on_shutdown.append(self._end)

    async def _lead_here(self, _request: web.Request) -> web.Response:
        return see_other(f"{PREFIX}/connections")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return await stream(request, self._shell)

    async def _end(self, _app: web.Application) -> None:
        self.changes.end()

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Look at whoever asks for a page; turn refusals and failures into pages."""
        if not (request.path in {"/", PREFIX} or request.path.startswith(f"{PREFIX}/")):
            return await handler(request)
        try:
            answer = await self._admitted(request, handler)
        except PageError as error:
            answer = self._refusal(request, error)
        except ProblemError as error:
            answer = self._refusal(request, _page_of(error))
        except web.HTTPRequestEntityTooLarge:
            answer = self._refusal(
                request, PageError(413, "That is too much", "The form is larger than 128 KiB.", "Send less.")
            )
        except web.HTTPException as error:
            answer = self._refusal(request, _page_of_status(error.status))
        except Exception:  # noqa: BLE001 - whatever it is, the admin gets a sentence and the log the rest
            _log.exception("page_failed", method=request.method, path=request.path)
            answer = self._refusal(request, _page_of(ProblemError(Problem.INTERNAL, "This page could not be made.")))
        if not answer.prepared:
            answer.headers.update(HEADERS)
            if answer.status == 404 and "HX-Request" in request.headers:  # noqa: PLR2004 - what a page shows has gone
                answer.headers["HX-Redirect"] = LIST
        return answer

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._hosts.refuse_stranger(request)
        if request.path.startswith(_ASSETS):
            return await handler(request)
        token = request.cookies.get(self._sign_in.cookie, "")
        if token and await self._shell.sessions.is_open(token):
            request[TOKEN] = request[SESSION] = token
        elif request.path != SIGN_IN:
            return self._sign_in.ask_first(request)
        else:
            self._sign_in.remember_visitor(request)
        if request.method not in {"GET", "HEAD"}:
            await refuse_forged(request, self._hosts)
        answer = await handler(request)
        if request.method == "POST" and answer.status in {303, 204}:
            self.changes.tell()
        return answer

    def _refusal(self, request: web.Request, error: PageError) -> web.Response:
        return self._shell.page(
            request,
            "refusal.html",
            title=error.title,
            status=error.status,
            sentence=error.sentence,
            remedy=error.remedy,
        )


def _accent(wanted: Accent, context: Context) -> Accent:
    """The colour that was set, or the one that this node's id comes to."""
    if wanted is not Accent.AUTO:
        return wanted
    colours = [one for one in Accent if one is not Accent.AUTO]
    return colours[context.identity.node_id[0] % len(colours)]


def _page_of(error: ProblemError) -> PageError:
    row = PROBLEMS[error.problem]
    return PageError(row.status, row.title, error.sentence, row.remedy)


def _page_of_status(status: int) -> PageError:
    if status == 404:  # noqa: PLR2004 - not found
        return PageError(404, "There is no such page", "Nothing stands at this address.", "Choose from the menu.")
    return PageError(
        status, "That is not possible here", f"This page can't be asked for so (HTTP {status}).", "Go back."
    )
