"""What stands before every admin route: the token, and problems instead of errors."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from node.admin.answers import API
from node.admin.operations import OPERATIONS
from node.logs import get_logger
from node.ports import StoreFullError
from node.private_files import DataDirectoryError
from node.problems import PROBLEMS, Problem, ProblemError

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from node.admin.tokens import ApiTokens

PROBLEM_JSON = "application/problem+json"
PUBLIC = frozenset(one.url for one in OPERATIONS if one.is_public)

_log = get_logger(__name__)


def problem_answer(error: ProblemError) -> web.Response:
    """A problem document as an answer (RFC 9457)."""
    return web.Response(
        body=msgspec.json.encode(error.document()),
        status=PROBLEMS[error.problem].status,
        content_type=PROBLEM_JSON,
        headers={"WWW-Authenticate": "Bearer"} if error.problem is Problem.UNAUTHENTICATED else None,
    )


def problems() -> Middleware:
    """Turn every refusal and every failure below the API into a problem document."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProblemError as error:
            return problem_answer(error)
        except StoreFullError as error:
            return problem_answer(ProblemError(Problem.DISK_FULL, str(error)))
        except DataDirectoryError as error:
            _log.error("file_not_written", explanation=str(error))
            return problem_answer(ProblemError(Problem.INTERNAL, str(error)))
        except web.HTTPMethodNotAllowed as error:
            answer = problem_answer(
                ProblemError(Problem.METHOD_NOT_ALLOWED, f"{request.method[:20]} is not allowed here.")
            )
            answer.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
            return answer
        except web.HTTPNotFound:
            return problem_answer(ProblemError(Problem.NOT_FOUND, "Nothing stands at this path."))
        except web.HTTPException as error:
            raise error from None
        except Exception:  # noqa: BLE001 - whatever it is, the admin gets a sentence and the log the rest
            _log.exception("request_failed", method=request.method, path=request.path)
            return problem_answer(ProblemError(Problem.INTERNAL, "The node failed to answer this request."))

    return middleware


def authenticate(token: str, tokens: ApiTokens) -> Middleware:
    """Let nobody through to `/api/` without the admin token, or one that an admin has made in the console."""
    expected = token.encode()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(API) and request.path not in PUBLIC:
            scheme, _, given = request.headers.get("Authorization", "").partition(" ")
            secret = given.strip().encode(errors="surrogateescape")
            is_admin = scheme.lower() == "bearer" and (
                hmac.compare_digest(secret, expected) or await tokens.is_good(secret.decode(errors="replace"))
            )
            if not is_admin:
                raise ProblemError(Problem.UNAUTHENTICATED, "This is for admins of this instance only.")
        return await handler(request)

    return middleware
