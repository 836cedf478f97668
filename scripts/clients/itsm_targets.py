"""Integration targets of the Ansible collection servicenow.itsm, unmodified, against a server.

https://github.com/ansible-collections/servicenow.itsm: playbooks that the collection's authors run against an instance
of ServiceNow. Those are tried that ask for nothing but the Table API, the Attachment API and ways to sign in.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.clients.environments import client_python
from scripts.clients.report import Part

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.clients.serving import Target

TARGET_SECONDS_MAX = 240

TRIED: Final = (
    "api_authentication",
    "itsm_api",
    "itsm_attachment_info",
    "itsm_attachment_upload",
    "itsm_incident",
    "itsm_incident_with_mapping",
    "itsm_misc",
    "problem",
    "problem_with_mapping",
)

_CATALOG: Final = "asks for the Service Catalog API and its tables"
_CHANGE: Final = "asks for change tasks and standard change templates"
_CMDB: Final = "asks for the classes of a CMDB and for its relation or instance API"

NOT_TRIED: Final = {
    "inventory": _CMDB,
    "itsm_api_generic": _CMDB,
    "itsm_attachment": _CHANGE,
    "itsm_catalog_request": _CATALOG,
    "itsm_catalog_request_task": _CATALOG,
    "itsm_change_request": _CHANGE,
    "itsm_change_request_task": _CHANGE,
    "itsm_change_request_with_mapping": _CHANGE,
    "itsm_configuration_item": _CMDB,
    "itsm_configuration_item_batch": _CMDB,
    "itsm_configuration_item_relations": _CMDB,
    "itsm_service_catalog": _CATALOG,
    "itsm_service_catalog_info": _CATALOG,
    "problem_task": "asks for the table problem_task",
}
"""Why a target is left out. One that stands in neither list is new, and said to be so."""

NO_TARGET: Final = ("prepare_test_vars",)
"""What the targets share."""

PLAYBOOK: Final = "- hosts: localhost\n  gather_facts: false\n  connection: local\n  roles: [{role}]\n"


def is_itsm(source: Path) -> bool:
    """Tell whether a folder holds the collection."""
    galaxy = source / "galaxy.yml"
    return galaxy.is_file() and "name: itsm" in galaxy.read_text(encoding="utf-8")


def run_itsm(source: Path, target: Target, tell: Callable[[str], None]) -> list[Part]:
    """Run the targets of `source` against `target`; a part for each, whose name is told before it runs.

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
        parts = []
        for path in sorted((integration / "targets").iterdir()):
            if path.name in TRIED:
                tell(path.name)
                parts.append(_run_target(path, python, target, Path(folder)))
            elif path.name not in NO_TARGET:
                why = NOT_TRIED.get(path.name, "is new to this script: see what it asks for, and give it a row")
                parts.append(Part(name=path.name, skipped=1, notes=(f"not tried: {why}",)))
    return parts


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


def _run_target(role: Path, python: Path, target: Target, folder: Path) -> Part:
    playbook, results = folder / "play.yml", folder / f"results-{role.name}"
    playbook.write_text(PLAYBOOK.format(role=role.name), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "SN_"))} | {
        "ANSIBLE_COLLECTIONS_PATH": str(folder),
        "ANSIBLE_ROLES_PATH": str(role.parent),
        "ANSIBLE_PYTHON_INTERPRETER": str(python),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_CALLBACKS_ENABLED": "junit",
        "ANSIBLE_NOCOLOR": "1",
        "JUNIT_HIDE_TASK_ARGUMENTS": "1",
        "JUNIT_OUTPUT_DIR": str(results),
        "SSL_CERT_FILE": str(target.ca_file),
        "NO_PROXY": "127.0.0.1",
    }
    try:
        done = subprocess.run(
            [python.with_name("ansible-playbook"), "--inventory", "localhost,", playbook],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TARGET_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Part(name=role.name, failed=1, notes=(f"did not end within {TARGET_SECONDS_MAX} s",))
    if done.returncode == 0:
        return Part(name=role.name, passed=1)
    return Part(name=role.name, failed=1, notes=(_first_failure(results) or (done.stdout + done.stderr)[-500:],))


def _first_failure(results: Path) -> str | None:
    """The first task that failed: after how many, its name and line, and what it said."""
    for path in sorted(results.glob("*.xml")):
        tasks = list(ET.parse(path).getroot().iter("testcase"))  # noqa: S314 - Ansible wrote it a moment ago
        for number, task in enumerate(tasks):
            bad = next((child for child in task if child.tag in ("failure", "error")), None)
            if bad is not None:
                said = " ".join((bad.attrib.get("message") or bad.text or "").split())[:300]
                line = task.attrib["classname"].rpartition(":")[2]
                return f"after {number} tasks, “{task.attrib['name'].rpartition(': ')[2]}” (line {line}): {said}"
    return None
