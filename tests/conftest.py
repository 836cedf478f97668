"""What every test shares: programs that are not on this machine, told honestly.

A test marked `chromium`, `mosquitto`, `compose`, `nodejs` or `spin` needs programs from outside Python. Where they are
missing it is reported as not run, with the reason and the command that would enable it; under CI=true it is an error, so
that nothing is left out silently. Another such marker is a row of `NEEDS`.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

IS_CI = os.environ.get("CI") == "true"
# A busy machine is no failure; and where a change is judged, the examples are the same each time: what fails there is
# the change's fault.
settings.register_profile("handclasp", deadline=None, print_blob=True, derandomize=IS_CI)
settings.load_profile("handclasp")

SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin"
"""Where Debian keeps mosquitto, outside most users' PATH."""

collect_ignore = ["sample_project"]
"""It is somebody else's project: its tests are run by test_sample_project.py, in an environment of its own."""

ENABLE = "sudo scripts/install-debian-packages"
NOT_RUN = "not run here: "


class Need(NamedTuple):
    """A marker's need."""

    is_met: Callable[[], bool]
    missing: str
    enable: str = ENABLE


def _find(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), SYSTEM_FOLDERS)))


def _has(*names: str) -> Callable[[], bool]:
    return lambda: all(_find(name) for name in names)


NEEDS = {
    "chromium": Need(_has("chromium"), "chromium is missing"),
    "mosquitto": Need(_has("mosquitto", "mosquitto_sub", "mosquitto_pub"), "mosquitto and its clients are missing"),
    "compose": Need(_has("docker-compose"), "docker-compose is missing"),
    "nodejs": Need(_has("node"), "Node.js is missing"),
    "spin": Need(_has("spin", "gcc"), "spin or gcc is missing"),
}


@pytest.fixture(scope="session")
def find_program() -> Callable[[str], str]:
    """The path of a program that the test's marker needs, found where Debian puts it too."""
    return lambda name: _find(name) or pytest.fail(f"{name} is missing: mark the test with what it needs")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from looking again and again through five thousand tests, which all stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out a test whose need is not met, or fail it where everything must be there."""
    for marker, need in NEEDS.items():
        if item.get_closest_marker(marker) is None or need.is_met():
            continue
        _leave_out(f"{need.missing}; enable with: {need.enable}")


@pytest.fixture(scope="session")
def leave_out() -> Callable[[str], NoReturn]:
    """Leave the test out for a reason that only shows when it runs, or fail it where everything must be there."""
    return _leave_out


def _leave_out(sentence: str) -> NoReturn:
    if IS_CI:
        pytest.fail(f"CI runs every test, but {sentence}", pytrace=False)
    pytest.skip(NOT_RUN + sentence)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was left out, why, and what would enable it."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple):
            _, found, reason = report.longrepr[2].partition(NOT_RUN)
            reasons[reason if found else report.longrepr[2].removeprefix("Skipped: ")] += 1
    if reasons:
        terminalreporter.section("Not run here")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:4} test{'s' if count > 1 else ' '}: {reason}")
