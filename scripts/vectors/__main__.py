"""Write docs/vectors anew from the code: `python -m scripts.vectors`."""

from __future__ import annotations

from scripts.vectors.files import FOLDER, made

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in made().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"docs/vectors/{name}: {len(text):,} characters")
