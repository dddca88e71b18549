"""How a benchmark of sections ends: its results are written, and a broken promise is an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.common import page
from bench.common.section import Section
from bench.common.show import console
from bench.common.versions import versions


def write(results: Path, sections: Sequence[Section], seconds: float) -> None:
    """Write what was measured, for programs and for people."""
    result: dict[str, Any] = {
        "sections": [section.model_dump() for section in sections],
        "seconds": round(seconds),
        "versions": versions(),
    }
    results.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    page.write()
    console.print(f"Written to {results.relative_to(Path.cwd())}")


def judge(sections: Sequence[Section]) -> None:
    """End with 1 where a promise does not hold."""
    if not all(held for section in sections for held in section.promises.values()):
        sys.exit("✗ a promise does not hold; see the tables")
