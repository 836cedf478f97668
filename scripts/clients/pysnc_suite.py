"""PySNC's own test-suite, unmodified, against a server.

https://github.com/ServiceNow/PySNC is ServiceNow's own client; its tests were written against instances of ServiceNow
with the demo data that those come with.
"""

from __future__ import annotations

import os
import re
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.clients.environments import client_python
from scripts.clients.report import Part, total
from scripts.clients.running import follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.clients.report import Progress
    from scripts.clients.serving import Target

SUITE_SECONDS_MAX = 240
SAID_MAX = 2_000

_TEST: Final = re.compile(r"test/(\S+) (?:PASSED|FAILED|SKIPPED|ERROR)\b")
"""A line of pytest's, once a test has ended."""


class SuiteError(Exception):
    """A test-suite could not be run to its end; the text says why."""


def is_pysnc(source: Path) -> bool:
    """Tell whether a folder holds PySNC."""
    return (source / "pysnc" / "__init__.py").is_file() and (source / "test" / "constants.py").is_file()


def files_of(source: Path) -> list[str]:
    """The names of the files of tests; those of asyncio stand in a folder of their own."""
    tests = source / "test"
    return sorted(str(path.relative_to(tests).with_suffix("")) for path in tests.rglob("test_*.py"))


def run_pysnc(source: Path, target: Target, names: Sequence[str], progress: Progress) -> list[Part]:
    """Run those files of tests against `target`, in one go; a part for each.

    Raises:
        ClientMissingError: what the tests need can't be installed.
        SuiteError: they could not be collected, or took more than SUITE_SECONDS_MAX.
    """

    def line(text: str) -> None:
        if test := _TEST.match(text):
            progress.step(test[1])

    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        options = ("--verbose", "-p", "no:cacheprovider", f"--junitxml={results}")
        files = [f"test/{name}.py" for name in names]
        command: list[str | Path] = [client_python("pysnc"), "-m", "pytest", *files, *options]
        progress.begin("PySNC's tests")
        done = follow(command, cwd=source, environment=_environment(target), seconds_max=SUITE_SECONDS_MAX, line=line)
        if done.is_late:
            raise SuiteError(f"PySNC's tests did not end within {SUITE_SECONDS_MAX} s.")
        if done.returncode not in (0, 1):
            raise SuiteError(f"PySNC's tests could not be run:\n{done.said[-SAID_MAX:]}")
        parts = read_results(results)
        progress.end(replace(total(parts), name="PySNC's tests"))
        return parts


def read_results(path: Path) -> list[Part]:
    """The parts of a JUnit file that pytest wrote."""
    parts: dict[str, Part] = {}
    for case in ET.parse(path).getroot().iter("testcase"):  # noqa: S314 - pytest wrote it a moment ago
        module, _, _ = case.attrib["classname"].rpartition(".")
        name = module.removeprefix("test.").replace(".", "/")
        part = parts.setdefault(name, Part(name=name))
        bad = next((child for child in case if child.tag in ("failure", "error")), None)
        if bad is not None:
            note = f"{case.attrib['name']}: {' '.join(bad.attrib.get('message', '').split())[:200]}"
            parts[name] = part.plus(failed=1, notes=(note,))
        elif case.find("skipped") is not None:
            parts[name] = part.plus(skipped=1)
        else:
            parts[name] = part.plus(passed=1)
    return sorted(parts.values(), key=lambda part: part.name)


def _environment(target: Target) -> dict[str, str]:
    """What the tests are told of the server; what the caller's shell says of another one is left out."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYSNC_")} | {
        "PYSNC_SERVER": target.url,
        "PYSNC_USERNAME": target.user_name,
        "PYSNC_PASSWORD": target.password,
        "REQUESTS_CA_BUNDLE": str(target.ca_file),
        "SSL_CERT_FILE": str(target.ca_file),
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
