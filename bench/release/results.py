"""What was measured, part by part: bench/results/release.json."""

from __future__ import annotations

import json
from typing import Any

from bench.common import page
from bench.common.section import Section
from bench.common.versions import versions
from bench.release.goals import Measured, goals
from bench.release.part import Part

FILE = page.RESULTS / "release.json"


def keep(name: str, part: Part, seconds: float) -> Section:
    """Write a part beside those that were measured before; return the goals beside all of them."""
    parts: dict[str, Any] = json.loads(FILE.read_text())["parts"] if FILE.exists() else {}
    parts[name] = {
        "sections": [section.model_dump() for section in part.sections],
        "measured": part.measured,
        "seconds": round(seconds),
        "versions": versions(),
    }
    measured = {
        case: Measured(*figures)
        for kept in parts.values()
        for case, figures in kept["measured"].items()
    }
    table = goals(measured)
    text = json.dumps({"parts": parts, "goals": table.model_dump()}, indent=2, ensure_ascii=False)
    FILE.write_text(f"{text}\n")
    return table
