"""Write the made parts of docs/protocol.md anew: `python -m scripts.protocol_page`."""

from __future__ import annotations

from scripts.protocol_page.filling import PAGE, filled

if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(filled(text), encoding="utf-8")
    print("docs/protocol.md is", "as it was" if filled(text) == text else "written anew")
