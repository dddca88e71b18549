"""Where in a Dockerfile a build failed, as far as Docker's words tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

# From BuildKit 0.11 on, and for what it cannot parse.
_PLACE = re.compile(r"^\S+:(?P<place>\d+)$|\bparse error (?:on )?line (?P<parse>\d+)\b")
# The step that failed, below all others.
_STEP = re.compile(r"^ > \[[^\]]*\] (?P<step>.*):$")
_CONTINUED = re.compile(r"\\[ \t]*\n")


def line_of_failure(dockerfile: str, said: Sequence[str]) -> int | None:
    """The line of the instruction that failed, from 1; None where that is not known.

    Args:
        dockerfile: Its text.
        said: What `docker build` printed.
    """
    for line in said:
        if place := _PLACE.search(line):
            return int(place["place"] or place["parse"])
    steps = [step["step"].split() for line in said if (step := _STEP.match(line))]
    found = [number for number, words in _instructions(dockerfile) if words in steps]
    return found[0] if len(found) == 1 else None


def _instructions(dockerfile: str) -> Sequence[tuple[int, list[str]]]:
    """Each instruction by the number of its first line, as the words that it has."""
    found: list[tuple[int, list[str]]] = []
    number = 1
    joined = _CONTINUED.sub("\0", dockerfile)
    for line in joined.split("\n"):
        found.append((number, line.replace("\0", " ").split()))
        number += 1 + line.count("\0")
    return found
