"""PySNC's own test-suite, unmodified, against a server.

https://github.com/ServiceNow/PySNC is ServiceNow's own client; its tests were written against instances of ServiceNow
with the demo data that those come with.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.clients.environments import client_python
from scripts.clients.report import Part

if TYPE_CHECKING:
    from scripts.clients.serving import Target

SUITE_SECONDS_MAX = 240


class SuiteError(Exception):
    """A test-suite could not be run to its end; the text says why."""


def is_pysnc(source: Path) -> bool:
    """Tell whether a folder holds PySNC."""
    return (source / "pysnc" / "__init__.py").is_file() and (source / "test" / "constants.py").is_file()


def run_pysnc(source: Path, target: Target) -> list[Part]:
    """Run all tests of `source` against `target`; a part for each file.

    Raises:
        ClientMissingError: what the tests need can't be installed.
        SuiteError: they could not be collected, or took more than SUITE_SECONDS_MAX.
    """
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        options = ("--quiet", "-p", "no:cacheprovider", f"--junitxml={results}")
        command = [str(client_python("pysnc")), "-m", "pytest", "test", *options]
        try:
            done = subprocess.run(
                command,
                cwd=source,
                env=_environment(target),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SUITE_SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SuiteError(f"PySNC's tests did not end within {SUITE_SECONDS_MAX} s.") from error
        if done.returncode not in (0, 1):
            raise SuiteError(f"PySNC's tests could not be run:\n{(done.stdout + done.stderr)[-2000:]}")
        return read_results(results)


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
