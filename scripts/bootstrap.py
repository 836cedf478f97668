"""Make .venv hold what the lock file says: `python scripts/bootstrap.py [--check|--exact] main|dev`.

This file must parse and run on every Python, 2.7 too, so that one that is too old gets a sentence instead of
a SyntaxError. The work is in scripts/environment.py, which is written for the Python that Handclasp needs.
"""

import os.path
import sys

if sys.version_info < (3, 11):
    sys.exit(
        "Handclasp needs Python 3.11 or newer; this is %s (%s). Install a newer one, or name it: "
        "`make demo PYTHON=/path/to/python3.12`." % (sys.version.split()[0], sys.executable)
    )

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from scripts.environment import main

sys.exit(main(sys.argv[1:]))
