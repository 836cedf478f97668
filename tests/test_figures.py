"""`make figures` measures what works, or says that it does not."""

import subprocess
import sys

import pytest

from scripts import figures


def test_a_node_that_ends_instead_of_getting_ready_is_no_measurement(tmp_path):
    (tmp_path / "version").write_text("99\n")
    with pytest.raises(figures.NotMeasuredError, match="exit status 2 instead of getting ready"):
        figures.started_node(str(tmp_path))


def test_a_pair_that_does_not_start_is_no_measurement(tmp_path):
    (tmp_path / "pair").write_text("a file")
    with pytest.raises(figures.NotMeasuredError, match="did not start"):
        figures.started_pair(str(tmp_path))


def test_what_could_not_be_measured_ends_the_script_with_a_sentence():
    crashing = (
        "import sys\nfrom scripts import figures\n"
        "def crash():\n    raise figures.NotMeasuredError('The node ended.')\n"
        "figures.FIGURES = (figures.Figure('x', 'x', 's', 1.0, crash),)\n"
        "sys.argv = ['figures', '--json']\nfigures.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", crashing], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "Error: The node ended.\n")
