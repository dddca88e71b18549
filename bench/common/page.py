"""bench/RESULTS.md: every figure of bench/results as tables, written after each benchmark."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

_BENCH = Path(__file__).parents[1]
PAGE = _BENCH / "RESULTS.md"
RESULTS = _BENCH / "results"


def write() -> None:
    """Write the page from the results that there are."""
    parts = [
        "# Results\n\nMade by `make bench`, `make bench-gitops`, `make bench-pyramid`, "
        "`make bench-rollouts`, `make bench-agents`, `make bench-kills`, "
        "`make bench-production`, `make bench-soak` and `make bench-pools`; do not edit. "
        "See README.md."
    ]
    for name, render in _PARTS_OF_PAGE.items():
        file = RESULTS / f"{name}.json"
        if file.exists():
            parts += render(json.loads(file.read_text()))
    PAGE.write_text("\n\n".join(parts) + "\n")


def _gitops(result: dict[str, Any]) -> list[str]:
    shapes = result["shapes"]
    container = [shape for shape in shapes if shape["peer"] != "–"]
    exact = sum(shape["peer"] == "exact" for shape in container)
    strays = sum(shape["strays"] for shape in shapes)
    races = result["races"]
    heads = list(next(iter(races.values())))
    large = [
        (title, *(str(cost[key]) for key in ("seconds", "bytes", "time_ratio", "bytes_ratio")))
        for title, cost in result["large"].items()
    ]
    faults = [tuple(str(value) for value in fault.values()) for fault in result["faults"]]
    return [
        "## The GitOps commit",
        f"{len(shapes)} shapes of manifests edited: {strays} bytes changed outside the values to "
        f"set. `yq -i` left {exact} of {len(container)} manifests as they were but for the image. "
        "Every shape: [docs/manifests.md](../docs/manifests.md).",
        _table(
            ("Race", *(head.replace("_", " ") for head in heads)),
            [(title, *map(str, race.values())) for title, race in races.items()],
        ),
        "One commit in an ops repository of 50,000 files; ratios against `git clone && yq -i`.",
        _table(("", "Seconds", "Bytes moved", "Time", "Bytes"), large),
        _table(("The server", "The release says", "Pushes", "Commits", "after a re-run"), faults),
        _versions(result),
    ]


def _release(result: dict[str, Any]) -> list[str]:
    return ["## A release", *_section(result["goals"]), *_with_parts(result)]


def _pools(result: dict[str, Any]) -> list[str]:
    return ["## Work pools beside each other", *_with_parts(result)]


def _with_parts(result: dict[str, Any]) -> list[str]:
    """What was measured in runs of their own."""
    parts: list[str] = []
    for part in result["parts"].values():
        parts += [line for section in part["sections"] for line in _section(section)]
        parts.append(_versions(part))
    return parts


def _sections(title: str) -> Callable[[dict[str, Any]], list[str]]:
    return lambda result: _with_sections(title, result)


def _with_sections(title: str, result: dict[str, Any]) -> list[str]:
    parts = [f"## {title}", f"All of it in {result['seconds']} s."]
    for section in result["sections"]:
        parts += _section(section)
    return [*parts, _versions(result)]


def _section(section: dict[str, Any]) -> list[str]:
    rows = [tuple(_cell(value) for value in row.values()) for row in section["rows"]]
    promises = "\n".join(
        f"- {'held' if held else '**broken**'}: {promise}"
        for promise, held in section["promises"].items()
    )
    table = _table(tuple(section["rows"][0]), rows)
    return [f"### {section['title']}", table, section["about"], *filter(None, [promises])]


def _cell(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("|", "\\|")


def _versions(result: dict[str, Any]) -> str:
    return (
        "Versions: "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        + "."
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_PARTS_OF_PAGE = {
    "release": _release,
    "gitops": _gitops,
    "pyramid": _sections("The test pyramid"),
    "rollouts": _sections("Rollouts"),
    "agents": _sections("Other agents"),
    "kills": _sections("Releases that are killed or cancelled"),
    "production": _sections("Production: throughput, and what is full first"),
    "soak": _sections("A soak"),
    "pools": _pools,
}


if __name__ == "__main__":
    write()
