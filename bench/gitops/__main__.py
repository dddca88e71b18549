"""The GitOps commit: byte-exact, raced, large and over a network that fails.

`make bench-gitops` prints the tables, and writes bench/results/gitops.json and docs/manifests.md.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.common import page
from bench.common.show import console, show
from bench.common.versions import versions
from bench.gitops import large, races
from bench.gitops.edits import Outcome, edits
from bench.gitops.faults import faults

RESULTS = page.RESULTS / "gitops.json"
PAGE = Path(__file__).parents[2] / "docs" / "manifests.md"


def shapes_page(outcomes: Sequence[Outcome]) -> str:
    """The table of shapes as a page of the documentation."""
    rows = [
        f"| {' | '.join(str(value) for value in outcome)} |"  # in the order of its fields
        for outcome in outcomes
    ]
    return "\n".join(
        [
            "# Manifests that Shipway edits",
            "",
            "Made by `make bench-gitops` from the shapes in bench/gitops/shapes.py. Stray bytes",
            "changed outside the values to set. Values are counted by another parser, yq's.",
            "The last column is what `yq -i` changes besides the image in the same file.",
            "",
            "| Shape | Stray bytes | Values to set | Values changed | `yq -i` |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Measure, print and write; end with 1 where a promise does not hold."""
    outcomes = edits()
    head = ("Shape", "Stray bytes", "Values to set", "Values changed", "yq -i")
    show(f"{len(outcomes)} shapes of manifests", head, outcomes)
    PAGE.write_text(shapes_page(outcomes))

    by_title = {
        "50 apps at once": races.race(50, 1, os.environ),
        "20 revisions of one app at once": races.race(1, 20, os.environ),
    }
    rows = {title: races.as_json(race) for title, race in by_title.items()}
    head = ("", *next(iter(rows.values())))
    show("Races", head, [(title, *row.values()) for title, row in rows.items()])

    costs = large.as_json(large.large(os.environ))
    head = ("", "Seconds", "Bytes moved", "Time", "Bytes")
    show("50,000 files, one commit", head, [(title, *row.values()) for title, row in costs.items()])

    faulty = faults(os.environ)
    head = ("The server", "The release says", "Pushes", "Commits", "after a re-run")
    show("Faults", head, faulty)

    result: dict[str, Any] = {
        "shapes": [outcome._asdict() for outcome in outcomes],
        "races": rows,
        "large": costs,
        "faults": [fault._asdict() for fault in faulty],
        "versions": versions(),
    }
    RESULTS.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    page.write()
    console.print(f"Written to {RESULTS.relative_to(Path.cwd())}")
    sharp = all(outcome.strays == 0 and outcome.changed == outcome.values for outcome in outcomes)
    fair = all(
        race.lost == race.merges == race.wrong == 0 and race.newest_wins and not row["failed"]
        for race, row in zip(by_title.values(), rows.values(), strict=True)
    )
    once = all(fault.after_rerun == 1 for fault in faulty)
    if not (sharp and fair and once):
        sys.exit("✗ a promise does not hold; see the tables")


if __name__ == "__main__":
    main()
