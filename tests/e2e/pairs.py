"""A `handclasp pair` that runs in the background, for tests that stop it or kill parts of it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from node.free_ports import free_ports, is_free

HANDCLASP = [sys.executable, "-m", "node"]


def own_ports(arguments=()) -> list[str]:
    """Flags for ports that no other test uses at the same time: three free ones in a row, three times."""
    flags = []
    for flag in ("--node-port", "--instance-port", "--mqtt-port"):
        if flag not in arguments:
            first = next(port for port in iter(lambda: free_ports(1)[0], 0) if is_free(port + 1) and is_free(port + 2))
            flags += [flag, str(first)]
    return flags


class Pair:
    """A pair that runs in the background."""

    def __init__(self, data: Path, *arguments: str, usual_ports: bool = False) -> None:
        self.data = data
        if not (data / "pair.json").exists() and "--reset" not in arguments and not usual_ports:
            arguments = (*own_ports(arguments), *arguments)
        self.process = subprocess.Popen(
            [*HANDCLASP, "pair", "--data", str(data), "--json", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        text = ""
        assert self.process.stdout is not None
        while not text.endswith("\n}\n"):
            line = self.process.stdout.readline()
            assert line, self.process.stderr.read()
            text += line
        self.told = json.loads(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self.process.stdout.close()
        self.process.stderr.close()

    @property
    def children(self) -> list[int]:
        return [*(node["pid"] for node in self.told["nodes"]), self.told["broker"]["pid"]]

    def stop(self, how: int = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(20)


def alive(pids) -> list[int]:
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]
