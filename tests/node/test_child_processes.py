"""How modules of ours are run as processes."""

import os
import subprocess

from node.child_processes import module_command, module_path
from node.version import VERSION


def test_a_module_of_the_same_name_in_the_working_directory_is_not_run(tmp_path):
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "__init__.py").write_text("raise SystemExit('foreign')\n")
    environment = os.environ | {"PYTHONPATH": module_path()}
    command = module_command("node", "--version")
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert VERSION in ran.stdout
