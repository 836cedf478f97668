"""The guard: while a world runs, whatever would leave it fails the run.

Four ways out are closed: the machine's clocks, its randomness, threads (and processes), sockets. They are watched in
three ways, since none sees all:

- an audit hook (PEP 578) sees sockets, look-ups, processes, and from Python 3.12 on the start of a thread;
- clocks, dice, `time.sleep` and the start of a thread are replaced by functions that refuse, for code that looks
  them up in their module when it calls them;
- `deep`: a profile function sees every call of a C function, also through a name that was imported long before
  (`from time import monotonic`). It costs half of the speed, so a campaign looks deep into some of its seeds only.

All of it concerns the one thread that simulates: another one of the same process keeps its clocks and sockets.
An escape is raised where it happens, and kept, for the code there may swallow it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random  # noqa: TID251 - closed here
import sys
import threading
import time
import uuid
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

AUDITED: Final = frozenset(
    {
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.sendmsg",
        "socket.sendto",
        "_thread.start_joinable_thread",
        "_thread.start_new_thread",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "subprocess.Popen",
        "time.sleep",
    }
)

_CLOCKS: Final = (
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns",
    "process_time", "process_time_ns", "clock_gettime", "clock_gettime_ns", "localtime", "gmtime", "sleep",
)  # fmt: skip
_FREE_WITH_ARGUMENT: Final = frozenset({"localtime", "gmtime", "Random"})
"""These read the clock, or draw a seed, only when they are given none."""

_DICE: Final = tuple(
    name
    for name in random.__all__
    if getattr(getattr(random, name), "__self__", None) is random.seed.__self__  # type: ignore[attr-defined]
)

_C_FUNCTIONS: Final = frozenset(
    [
        *(getattr(time, name) for name in _CLOCKS if name not in _FREE_WITH_ARGUMENT and hasattr(time, name)),
        *(getattr(random, name) for name in ("random", "getrandbits")),
        os.urandom,
        dt.datetime.now,
        dt.datetime.utcnow,
        dt.date.today,
    ]
)
"""What the profile function looks for; those that are written in Python end in one of these."""


_TIMES_ITSELF: Final = frozenset({"sqlalchemy.sql.compiler", "sqlalchemy.engine.default"})
"""These measure how long they take, for a log that is off; nothing depends on it."""


_TEST_TOOLS: Final = frozenset({"hypothesis"})
"""Hypothesis measures its draws and minds the state of `random`; it is no simulated code, though a test may call it."""


def _is_asked_by_a_test_tool() -> bool:
    """Whether the caller of the caller is one."""
    return _is_test_tool(str(sys._getframe(2).f_globals.get("__name__")))  # noqa: SLF001 - CPython's own


def _is_test_tool(module: str) -> bool:
    return module.partition(".")[0] in _TEST_TOOLS


def _may_ask(module: str) -> bool:
    return module in _TIMES_ITSELF or _is_test_tool(module)


class Escaped(BaseException):
    """Simulated code reached for the real world; the text says for what."""


class Guard:
    """What one world may not do.

    Attributes:
        escapes: every escape so far, also those that the code swallowed.
    """

    def __init__(self, escaped: Callable[[Escaped], None] = lambda _escape: None) -> None:
        """Watch nothing yet; `escaped` is told of each escape when it happens."""
        self._escaped = escaped
        self.escapes: list[Escaped] = []

    @contextlib.contextmanager
    def armed(self, *, deep: bool = False) -> Iterator[None]:
        """Close the four ways out for this thread.

        Raises:
            Escaped: at the end, if there was an escape and it was swallowed.
        """
        me = threading.get_ident()
        if _armed.setdefault(me, self) is not self:
            raise RuntimeError("a guard is armed in this thread already")
        _watch_audit_events()
        with contextlib.ExitStack() as restored:
            _close(restored)
            if deep:
                before = sys.getprofile()
                sys.setprofile(self._profile)
                restored.callback(sys.setprofile, before)
            restored.callback(_armed.pop, me)
            yield
        if self.escapes:
            raise self.escapes[0]

    @contextlib.contextmanager
    def lifted(self) -> Iterator[None]:
        """Let the simulator itself (never the simulated code) reach out for a moment."""
        me = threading.get_ident()
        armed, profile = _armed.pop(me, None), sys.getprofile()
        sys.setprofile(None)
        try:
            yield
        finally:
            if armed is not None:
                _armed[me] = armed
            sys.setprofile(profile)

    def refuse(self, what: str) -> None:
        """Raise an escape and keep it.

        Raises:
            Escaped: always.
        """
        escape = Escaped(f"{what}: the simulated code reached for the real world.")
        self.escapes.append(escape)
        self._escaped(escape)
        raise escape

    def _profile(self, frame: FrameType, event: str, function: object) -> None:
        if event == "c_call" and function in _C_FUNCTIONS and not _may_ask(str(frame.f_globals.get("__name__"))):
            self.refuse(f"{getattr(function, '__module__', None)}.{getattr(function, '__qualname__', function)}")


_armed: dict[int, Guard] = {}
"""The guard of each thread that simulates."""

_hooked: list[bool] = []


def _watch_audit_events() -> None:
    """An audit hook can't be taken away again, so there is one for the whole process."""
    if _hooked:
        return
    _hooked.append(True)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in AUDITED and (guard := _armed.get(threading.get_ident())) is not None:
            guard.refuse(f"{event} {repr(arguments)[:80]}")

    sys.addaudithook(hook)


def _close(restored: contextlib.ExitStack) -> None:
    """Replace what no audit event tells of; `restored` puts it back."""
    import secrets  # noqa: PLC0415 - needed by no other command that is started
    import ssl  # noqa: PLC0415 - likewise

    import nacl.bindings  # noqa: PLC0415 - likewise

    places: list[tuple[Any, str]] = [
        *((time, name) for name in _CLOCKS if hasattr(time, name)),
        *((random, name) for name in _DICE),
        (random, "_urandom"),
        (random, "Random"),
        (os, "urandom"),
        *((os, name) for name in ("getrandom",) if hasattr(os, name)),
        (secrets, "token_bytes"),
        (ssl, "RAND_bytes"),
        (nacl.bindings, "randombytes"),
        *((uuid, name) for name in ("_generate_time_safe",) if getattr(uuid, name, None) is not None),  # for uuid1
        (threading, "_start_new_thread" if hasattr(threading, "_start_new_thread") else "_start_joinable_thread"),
    ]
    for module, name in places:
        original = getattr(module, name)
        setattr(module, name, _refusing(original, f"{module.__name__}.{name}", free=name in _FREE_WITH_ARGUMENT))
        restored.callback(setattr, module, name, original)


@cache
def _refusing(original: Callable[..., Any], called: str, *, free: bool) -> Callable[..., Any]:
    @wraps(original)
    def refusing(*arguments: Any, **named: Any) -> Any:
        guard = _armed.get(threading.get_ident())
        if guard is not None and not (free and arguments) and not _is_asked_by_a_test_tool():
            guard.refuse(called)
        return original(*arguments, **named)

    return refusing
