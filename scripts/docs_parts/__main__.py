"""The command: write every page that is made of what the code says."""

import sys
import tempfile
from pathlib import Path

from docs_parts.pages import written
from tests.recorded import demo

DOCS = Path(__file__).parents[2] / "docs"


def main() -> int:
    """Write the pages, and name those that have changed."""
    with tempfile.TemporaryDirectory() as folder:
        recording = Path(folder) / "pichay.db"
        demo(recording).conn.close()
        pages = written(DOCS, recording)
    for name, text in pages.items():
        page = DOCS / name
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, encoding="utf-8", newline="\n")
            print(f"docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
