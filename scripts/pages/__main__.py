"""Write the pages anew from the code: `python -m scripts.pages`."""

from __future__ import annotations

from scripts.pages import FOLDER, PAGES

if __name__ == "__main__":
    for name, make in PAGES.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
        print(f"docs/{name}")
