"""Make .venv hold what the lock file says: `python scripts/bootstrap.py [--check|--exact] main|dev`.

This file must parse and run on every Python, 2.7 too, so that one that is too old gets a sentence instead of
a SyntaxError. The work is in scripts/environment.py, which is written for the Python that Handclasp needs.
"""

import os.path
import sys

if sys.version_info < (3, 11):  # noqa: UP036  (the whole point of this file)
    sys.exit(
        "Handclasp needs Python 3.11 or newer; this is %s (%s). Install a newer one, or name it: "  # noqa: UP031
        "`make demo PYTHON=/path/to/python3.12`." % (sys.version.split()[0], sys.executable)
    )

sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  (2.7 has no pathlib)

from scripts.environment import main  # noqa: E402  (only now is the folder known)

sys.exit(main(sys.argv[1:]))
