"""Write docs/schema.md and docs/datasette.yml anew where they are not as they should be."""

import tempfile
from pathlib import Path

from pichay_cli.datasette import metadata, yaml
from schema_parts.pages import renewed
from tests.recorded import demo

DOCS = Path(__file__).parent.parent.parent / "docs"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "pichay.db"
        demo(database).conn.close()
        page = DOCS / "schema.md"
        page.write_text(renewed(page.read_text("utf-8"), database), "utf-8")
    (DOCS / "datasette.yml").write_text(yaml(metadata()), "utf-8")


if __name__ == "__main__":
    main()
