"""A glob of results files as `find` and `grep -E` take it."""

from __future__ import annotations

import re
from itertools import takewhile
from posixpath import normpath
from typing import NamedTuple

WILDCARD = re.compile(r"[*?\[]")
TOKEN = re.compile(r"\*+|\?|\[[!^]?\]?[^]]*\]|.")
# More than any path has.
ANY_DEPTH = 1000


class ResultsGlob(NamedTuple):
    """Where files are looked for, and which.

    Attributes:
        root: What they must lie in: the working directory, or an absolute folder.
        folder: Where to begin: the glob up to its first wildcard.
        depth: How many levels below the folder.
        expression: An extended regular expression of the paths that `find` prints.
    """

    root: str
    folder: str
    depth: int
    expression: str


def results_glob(glob: str) -> ResultsGlob:
    """Read a glob: `*`, `?`, `[...]`, and `**` for folders of any depth."""
    parts = (glob if glob.startswith("/") else f"./{normpath(glob)}").split("/")
    begin = list(takewhile(lambda part: not WILDCARD.search(part), parts[:-1]))
    folder = "/".join(begin) or "/"
    return ResultsGlob(
        root=folder if glob.startswith("/") else ".",
        folder=folder,
        depth=ANY_DEPTH if "**" in parts else len(parts) - len(begin),
        expression="".join(map(_folder, parts[:-1])) + _file(parts[-1]),
    )


def _folder(part: str) -> str:
    return "(.*/)?" if part == "**" else f"{_name(part)}/"


def _file(part: str) -> str:
    return ".*" if part == "**" else _name(part)


def _name(part: str) -> str:
    return "".join(map(_expression, TOKEN.findall(part)))


def _expression(text: str) -> str:
    """Of a star, a question mark, a set or a character."""
    if text.startswith("*"):
        return "[^/]*"
    if text == "?":
        return "[^/]"
    if len(text) == 1:
        return f"\\{text}" if text in ".^$+()[{}|\\" else text
    if text[1] not in "!^":
        return text
    # A bracket stands first, or it would end the set.
    bracket = "]" if text[2] == "]" else ""
    return f"[^{bracket}/{text[2 + len(bracket) :]}"
