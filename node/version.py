"""What this software is called, in node infos, footers and metrics."""

from typing import Final

VERSION: Final = "0.1.0"
SOFTWARE: Final = f"handclasp {VERSION}"
