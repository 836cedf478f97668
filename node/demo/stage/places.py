"""Where the stage's own files are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from node.console.assets import FILES, AssetFile

HERE: Final = Path(__file__).parent
TEMPLATES: Final = HERE / "templates"

STAGE_FILES: Final = {
    "console.css": FILES["console.css"],
    "icon.svg": FILES["icon.svg"],
    "stage.css": AssetFile(HERE / "assets" / "stage.css", "text/css"),
    "stage.js": AssetFile(HERE / "assets" / "stage.js", "text/javascript"),
}
"""What its page loads, from this package only."""
