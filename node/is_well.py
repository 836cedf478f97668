"""Whether the node of this machine answers: `python -m node.is_well`, which a container's health check runs.

It goes by the node's own variables, sends nothing, and ends with exit code 0 or 1.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final
from urllib.request import urlopen

from node.tls.trust import client_context

if TYPE_CHECKING:
    from collections.abc import Mapping

ANSWER_S_MAX: Final = 4.0
_WELL: Final = 200


def is_well(environ: Mapping[str, str]) -> bool:
    """Whether the node answers that it is alive."""
    port = environ.get("HANDCLASP_LISTEN", "").rpartition(":")[2] or "8101"
    certificate = environ.get("HANDCLASP_TLS_CERT_FILE")
    try:
        context = client_context(certificate) if certificate else None
        if context is not None:
            context.check_hostname = False  # the certificate itself is what is known; it need not name 127.0.0.1
        url = f"{'https' if certificate else 'http'}://127.0.0.1:{port}/healthz"
        with urlopen(url, timeout=ANSWER_S_MAX, context=context) as answer:  # noqa: S310 - http or https
            return bool(answer.status == _WELL)
    except OSError:  # HTTP errors are some
        return False


if __name__ == "__main__":
    sys.exit(not is_well(os.environ))
