"""Signing in to a console, as a browser does it: for the browser that is led to the stage."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import aiohttp

from node.console.guarding import FORM_TOKEN, SIGN_IN
from node.console.login import ADMIN_NAME

SIGN_IN_S_MAX: Final = 10.0

_FORM_TOKEN: Final = re.compile(rf'name="{FORM_TOKEN}" value="([0-9a-f]{{64}})"')


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """What a browser shows a console to be its signed-in admin."""

    name: str
    value: str

    def __repr__(self) -> str:
        return f"SessionCookie({self.name!r})"


async def sign_in(node_url: str, password: str) -> SessionCookie | None:
    """A new session of the admin's; none: the console does not answer, or another password counts by now."""
    try:
        async with aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # aiohttp means: also for addresses without a name
            timeout=aiohttp.ClientTimeout(total=SIGN_IN_S_MAX),
        ) as http:
            async with http.get(f"{node_url}{SIGN_IN}") as answer:
                token = _FORM_TOKEN.search(await answer.text())
            if token is None:
                return None
            form = {FORM_TOKEN: token[1], "name": ADMIN_NAME, "password": password, "next": ""}
            headers = {"Origin": node_url}
            async with http.post(f"{node_url}{SIGN_IN}", data=form, headers=headers, allow_redirects=False) as answer:
                cookies = [one for one in answer.cookies.values() if answer.status == 303 and one.value]  # noqa: PLR2004 - where a right password leads
    except (aiohttp.ClientError, TimeoutError):
        return None
    return SessionCookie(cookies[0].key, cookies[0].value) if cookies else None
