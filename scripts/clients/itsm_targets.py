"""Integration targets of the Ansible collection servicenow.itsm, unmodified, against a server.

https://github.com/ansible-collections/servicenow.itsm: playbooks that the collection's authors run against an instance
of ServiceNow. All are run. Some ask for what the instance does not model, and end there: `LACKING` says which, where
and why. One that ends anywhere else has failed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.clients.environments import client_python
from scripts.clients.lacking import LACKING
from scripts.clients.report import Part
from scripts.clients.running import follow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from scripts.clients.report import Progress
    from scripts.clients.serving import Target

PLAY_SECONDS_MAX = 240

NO_TARGET: Final = ("prepare_test_vars",)
"""What the targets share."""

PLAYBOOK: Final = """\
- hosts: localhost
  connection: local
  gather_facts: true
  gather_subset: ["!all"]
  roles: [{role}]
"""
"""As ansible-test runs a role, but for facts that none of them asks for."""

SAID_MAX: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One run of ansible-playbook in a target's folder."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Where a play ended early."""

    task: str
    told: str


def is_itsm(source: Path) -> bool:
    """Tell whether a folder holds the collection."""
    galaxy = source / "galaxy.yml"
    return galaxy.is_file() and "name: itsm" in galaxy.read_text(encoding="utf-8")


def targets_of(source: Path) -> list[str]:
    """The names of the targets in a copy of the collection."""
    folders = (source / "tests" / "integration" / "targets").iterdir()
    return sorted(path.name for path in folders if path.is_dir() and path.name not in NO_TARGET)


def run_itsm(source: Path, target: Target, names: Collection[str], progress: Progress) -> Iterator[Part]:
    """Run those targets of `source` against `target`; a part for each as soon as it has ended.

    Raises:
        ClientMissingError: Ansible can't be installed.
    """
    python = client_python("ansible")
    with tempfile.TemporaryDirectory() as folder:
        # Ansible finds a collection by its path, and the targets look for their settings inside it: so it is a copy.
        copy = Path(folder) / "ansible_collections" / "servicenow" / "itsm"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(".git"))
        integration = copy / "tests" / "integration"
        (integration / "integration_config.yml").write_text(json.dumps(_settings(target)), encoding="utf-8")
        environment = _environment(Path(folder), integration / "targets", python, target)
        for name in names:
            progress.begin(name)
            role = integration / "targets" / name
            plays = _plays_of_inventory(role) if (role / "runme.sh").exists() else _plays_of_role(role)
            part = judged(name, [_run(play, role, python, environment, progress) for play in plays])
            progress.end(part)
            yield part


def _settings(target: Target) -> dict[str, str]:
    """What the targets are told; YAML takes JSON."""
    nothing = str(Path(os.devnull))
    return {
        "sn_host": target.url,
        "sn_username": target.user_name,
        "sn_password": target.password,
        "sn_client_id": target.client_id,
        "sn_client_secret": target.client_secret,
        "sn_client_certificate_file": nothing,  # to sign in by a certificate is not modelled
        "sn_client_key_file": nothing,
    } | ({"sn_api_key": target.api_key} if target.api_key else {})


def _environment(folder: Path, roles: Path, python: Path, target: Target) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "SN_"))} | {
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        "ANSIBLE_ROLES_PATH": str(roles),
        "ANSIBLE_PYTHON_INTERPRETER": str(python),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_CALLBACKS_ENABLED": "junit",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",
        "JUNIT_HIDE_TASK_ARGUMENTS": "1",
        "SSL_CERT_FILE": str(target.ca_file),
        "NO_PROXY": "127.0.0.1",
    }


def _plays_of_role(role: Path) -> Sequence[Play]:
    playbook = role.parent / f"play-{role.name}.yml"
    playbook.write_text(PLAYBOOK.format(role=role.name), encoding="utf-8")
    return [Play(name=role.name, arguments=("--inventory", "localhost,", str(playbook)))]


def _plays_of_inventory(role: Path) -> Sequence[Play]:
    """What the target's runme.sh runs one after the other, which ends at the first that fails; here all are run."""
    tests = sorted(path.stem for path in (role / "tests").glob("*.yml"))
    return [
        Play(name="setup", arguments=("setup.yml",)),
        *(
            Play(
                name=test,
                arguments=(
                    "-i", f"test_session/inventories/{test}.now.yml", "-e", json.dumps({"test_name": test}), "test.yml",
                ),
            )
            for test in tests
        ),
        Play(name="teardown", arguments=("teardown.yml",)),
    ]  # fmt: skip


def _run(
    play: Play, role: Path, python: Path, environment: Mapping[str, str], progress: Progress
) -> tuple[Play, Stop | None]:
    results = role / f"results-{play.name}"
    own = {"JUNIT_OUTPUT_DIR": str(results)}
    if (role / "runme.sh").exists():
        own["ANSIBLE_INVENTORY_ENABLED"] = "servicenow.itsm.now" if play.name not in {"setup", "teardown"} else "auto"

    def line(text: str) -> None:
        if text.startswith("TASK ["):
            progress.step(text.removeprefix("TASK [").partition("] *")[0].rpartition(" : ")[2])

    command: list[str | Path] = [python.with_name("ansible-playbook"), *play.arguments]
    done = follow(command, cwd=role, environment={**environment, **own}, seconds_max=PLAY_SECONDS_MAX, line=line)
    if done.is_late:
        return play, Stop(task="(late)", told=f"did not end within {PLAY_SECONDS_MAX} s")
    if done.returncode == 0:
        return play, None
    return play, first_stop(results) or Stop(task="(no task)", told=" ".join(done.said.split())[-SAID_MAX:])


def first_stop(results: Path) -> Stop | None:
    """The first task that failed: after how many, its name and line, and what it said."""
    for path in sorted(results.glob("*.xml")):
        tasks = list(ET.parse(path).getroot().iter("testcase"))  # noqa: S314 - Ansible wrote it a moment ago
        for number, task in enumerate(tasks):
            bad = next((child for child in task if child.tag in ("failure", "error")), None)
            if bad is not None:
                said = " ".join((bad.attrib.get("message") or bad.text or "").split())[:SAID_MAX]
                line = task.attrib["classname"].rpartition(":")[2]
                name = task.attrib["name"].rpartition(": ")[2]
                return Stop(task=name, told=f"ends after {number} tasks, at “{name}” (line {line}): {said}")
    return None


def judged(name: str, plays: Sequence[tuple[Play, Stop | None]]) -> Part:
    """What a target's plays make of it: it is left out only where it ended exactly for what is known to be lacking."""
    stops = [(play, stop) for play, stop in plays if stop is not None]
    if not stops:
        return Part(name=name, passed=1)
    several = len(plays) > 1
    notes = [f"{play.name}: {stop.told}" if several else stop.told for play, stop in stops]
    if several:
        notes.insert(0, f"{len(plays) - len(stops)} of {len(plays)} playbooks pass")
    lack = LACKING.get(name)
    if lack is not None and tuple(stop.task for _, stop in stops) == lack.ends_at:
        return Part(name=name, skipped=1, notes=(f"not modelled: {lack.what}", *notes))
    return Part(name=name, failed=1, notes=tuple(notes))
