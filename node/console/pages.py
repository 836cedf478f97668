"""The pages of one node's console: their routes, and what stands before them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import web

from node.admin.bodies import BODY_BYTES_MAX
from node.admin.tokens import ApiTokens
from node.console.about_pages import AboutPages
from node.console.accept_pages import AcceptPages
from node.console.assets import Assets
from node.console.connection_pages import ConnectionPages
from node.console.console import PREFIX
from node.console.error_pages import ErrorPages
from node.console.getting_started import GettingStartedPages
from node.console.guarding import ADMIN, SESSION, SIGN_IN, TOKEN, Hosts, close_files, headers, refuse_forged
from node.console.health import Health
from node.console.initiate_pages import InitiatePages
from node.console.license_pages import LicensePages
from node.console.list_pages import LIST, ListPages
from node.console.live import stream
from node.console.records.pages import MENU as RECORDS_MENU
from node.console.records.pages import RecordPages
from node.console.records.places import RECORDS, takes_file
from node.console.reference_pages import ReferencePages
from node.console.refusing import PageError
from node.console.report_pages import ReportPages
from node.console.sessions import Sessions
from node.console.settings_pages import SettingsPages
from node.console.shell import Shell, see_other
from node.console.sign_in_pages import SignInPages
from node.console.throttle import SignInTries
from node.console.tidy_pages import CleanUpPages, NotificationPages, QueuePages
from node.instance.front import BODY_BYTES_MAX as FILE_BYTES_MAX
from node.logs import get_logger
from node.ports import StoreFullError
from node.private_files import DataDirectoryError
from node.problems import PROBLEMS, Problem, ProblemError
from node.settings_table import Accent
from node.store.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp.typedefs import Handler

    from node.connections.context import Context
    from node.console.changes import Changes
    from node.console.console import ConsoleProfile
    from node.console.traces import Traces
    from node.delivery.broadcast import Broadcaster
    from node.delivery.dispatcher import Dispatcher

_log = get_logger(__name__)

_ASSETS: Final = f"{PREFIX}/assets/"


class HasRoutes(Protocol):
    """Some pages."""

    def routes(self) -> Sequence[web.RouteDef]:
        """Where they stand."""
        ...


class Pages:
    """The pages of one node, and what stands before them."""

    def __init__(
        self,
        context: Context,
        dispatcher: Dispatcher,
        broadcaster: Broadcaster | None,
        profile: ConsoleProfile,
        *,
        changes: Changes,
        traces: Traces,
    ) -> None:
        self._hosts = Hosts(urls=(profile.url, context.node_url, context.instance_url), more=profile.hosts)
        self._shell = shell = Shell(
            context=context,
            dispatcher=dispatcher,
            broadcaster=broadcaster,
            admins=profile.instance.admins,
            sessions=Sessions(clock=context.clock, entropy=context.entropy, store=context.store),
            changes=changes,
            health=Health(context, dispatcher, changes),
            assets=Assets(),
            accent=_accent(profile.accent, context),
            headers=headers(framed_by=profile.framed_by),
        )
        tries = SignInTries(context.clock)
        self._sign_in = SignInPages(shell, self._hosts, tries)
        self.router = web.UrlDispatcher()
        self._add_routes(
            self._sign_in,
            ListPages(shell),
            ConnectionPages(shell, traces),
            RecordPages(shell, profile.instance.instance),
            InitiatePages(shell),
            AcceptPages(shell),
            GettingStartedPages(shell),
            SettingsPages(shell, ApiTokens(context), tries),
            ErrorPages(shell),
            LicensePages(shell),
            QueuePages(shell),
            NotificationPages(shell),
            CleanUpPages(shell),
            ReportPages(shell),
            ReferencePages(shell),
            AboutPages(shell),
        )

    def _add_routes(self, *pages: HasRoutes) -> None:
        for path in ("/", PREFIX, f"{PREFIX}/"):
            self.router.add_get(path, self._lead_here)
        self.router.add_get(f"{_ASSETS}{{digest}}/{{name:.+}}", self._shell.assets.serve)
        self.router.add_get(f"{PREFIX}/live", self._live)
        self.router.add_get(f"{PREFIX}/health", self._health)
        for one in pages:
            self.router.add_routes(one.routes())
        self.router.freeze()

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The answer of the page that the request is for.

        Raises:
            HTTPException: there is none, or it is not asked for so.
        """
        found = await self.router.resolve(request)
        if found.http_exception is not None:
            raise found.http_exception
        request.match_info.update(found)
        return await found.handler(request)

    async def _lead_here(self, _request: web.Request) -> web.Response:
        return see_other(f"{PREFIX}/connections")

    async def _live(self, request: web.Request) -> web.StreamResponse:
        return await stream(request, self._shell)

    async def _health(self, request: web.Request) -> web.Response:
        return self._shell.page(request, "health_part.html", title="")

    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Look at whoever asks for a page; turn refusals and failures into pages."""
        try:
            answer = await self._admitted(request, handler)
        except PageError as error:
            answer = self._refusal(request, error)
        except ProblemError as error:
            answer = self._refusal(request, _page_of(error))
        except (StoreError, DataDirectoryError) as error:
            _log.warning("files_not_usable", reason=str(error))
            answer = self._refusal(request, _page_of(ProblemError(Problem.INTERNAL, str(error))))
        except StoreFullError as error:
            answer = self._refusal(request, _page_of(ProblemError(Problem.DISK_FULL, str(error))))
        except web.HTTPRequestEntityTooLarge:
            answer = self._refusal(request, _too_much(request))
        except web.HTTPException as error:
            answer = self._refusal(request, _page_of_status(error.status))
        except Exception:  # noqa: BLE001 - whatever it is, the admin gets a sentence and the log the rest
            _log.exception("page_failed", method=request.method, path=request.path)
            answer = self._refusal(request, _page_of(ProblemError(Problem.INTERNAL, "This page could not be made.")))
        if not answer.prepared:
            answer.headers.update(self._shell.headers)
            if answer.status == 404 and "HX-Request" in request.headers:  # noqa: PLR2004 - what a page shows has gone
                answer.headers["HX-Redirect"] = LIST
        return answer

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._hosts.refuse_stranger(request)
        if request.path.startswith(_ASSETS):
            return await handler(request)
        token = request.cookies.get(self._sign_in.cookie, "")
        if token and (admin := await self._shell.admin_of(token)) is not None:
            request[TOKEN] = request[SESSION] = token
            request[ADMIN] = admin
        elif request.path != SIGN_IN:
            return self._sign_in.ask_first(request)
        else:
            self._sign_in.remember_visitor(request)
        if takes_file(request.path):
            request = request.clone(client_max_size=FILE_BYTES_MAX)
        if request.method not in {"GET", "HEAD"}:
            await refuse_forged(request, self._hosts)
        if SESSION in request and "part" not in request.query:
            await self._shell.health.refresh()  # for the head of the page
        try:
            answer = await handler(request)
        finally:
            if request.method == "POST":
                await close_files(request)
        if request.method == "POST" and answer.status in {303, 204}:
            self._shell.changes.tell()
        return answer

    def _refusal(self, request: web.Request, error: PageError) -> web.Response:
        return self._shell.page(
            request,
            "refusal.html",
            title=error.title,
            status=error.status,
            menu=RECORDS_MENU if request.path.startswith(f"{RECORDS}/") else "",
            sentence=error.sentence,
            remedy=error.remedy,
            records_place=RECORDS if request.path.startswith(f"{RECORDS}/") else None,
        )


def _accent(wanted: Accent, context: Context) -> Accent:
    """The colour that was set, or the one that this node's id comes to."""
    if wanted is not Accent.AUTO:
        return wanted
    colours = [one for one in Accent if one is not Accent.AUTO]
    return colours[context.identity.node_id[0] % len(colours)]


def _too_much(request: web.Request) -> PageError:
    if takes_file(request.path):
        most = f"{FILE_BYTES_MAX // 2**20} MiB"
        return PageError(413, "The file is too large", f"A file may have up to {most}.", "Attach a smaller one.")
    most = f"{BODY_BYTES_MAX // 2**10} KiB"
    return PageError(413, "That is too much", f"The form is larger than {most}.", "Send less.")


def _page_of(error: ProblemError) -> PageError:
    row = PROBLEMS[error.problem]
    return PageError(row.status, row.title, error.sentence, row.remedy)


def _page_of_status(status: int) -> PageError:
    if status == 404:  # noqa: PLR2004 - not found
        return PageError(404, "There is no such page", "Nothing stands at this address.", "Choose from the menu.")
    return PageError(
        status, "That is not possible here", f"This page can't be asked for so (HTTP {status}).", "Go back."
    )
