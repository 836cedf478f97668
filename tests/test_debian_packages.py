"""Where the script that installs Debian packages may not do so, it says what to do instead."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "install-debian-packages"


def run_beside(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """Run the script where only these programs exist, each a line of shell."""
    for name, line in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        program.chmod(0o755)
    bash = str(shutil.which("bash"))
    return subprocess.run([bash, SCRIPT], env={"PATH": str(folder)}, capture_output=True, text=True, check=False)


def test_it_does_nothing_when_all_are_there(tmp_path: Path) -> None:
    done = run_beside(tmp_path, dpkg_query="printf installed", apt_get="exit 9")
    assert done.returncode == 0
    assert (
        done.stdout
        == "Debian packages are there: mosquitto mosquitto-clients docker-compose chromium fonts-dejavu-core spin gcc libc6-dev nodejs\n"
    )


@pytest.mark.parametrize("status", ["printf config-files", "exit 1"])
def test_a_user_who_is_not_root_gets_the_command(tmp_path: Path, status: str) -> None:
    only_clients = f'case "$*" in *mosquitto-clients) printf installed ;; *) {status} ;; esac'
    done = run_beside(tmp_path, dpkg_query=only_clients, apt_get="exit 9", id="echo 1000")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "Installing mosquitto docker-compose chromium fonts-dejavu-core spin gcc libc6-dev nodejs needs root: run `sudo scripts/install-debian-packages`; "
        "until then `make test` lists what it leaves out.\n"
    )


def test_a_system_without_apt_is_told_so(tmp_path: Path) -> None:
    done = run_beside(tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(
        "This system has no apt: install mosquitto mosquitto-clients docker-compose chromium fonts-dejavu-core spin gcc "
    )


def test_apts_own_failure_is_the_scripts(tmp_path: Path) -> None:
    if not Path("/usr/sbin/policy-rc.d").exists():
        pytest.skip("the script would write this system's policy-rc.d")
    done = run_beside(tmp_path, dpkg_query="exit 1", apt_get='case "$*" in *install*) exit 100 ;; esac', id="echo 0")
    assert done.returncode == 100
    assert (
        done.stdout
        == "Installing Debian packages: mosquitto mosquitto-clients docker-compose chromium fonts-dejavu-core spin gcc libc6-dev nodejs\n"
    )
