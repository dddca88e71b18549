"""The files of an app, as far as they say how it is built, tested and started."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.init.new_file import UNTOUCHED

# What tools put into a checkout beside the app's own files.
_OTHERS = {"__pycache__", "env", "node_modules", "testdata", "vendor", "venv"}
_LARGEST_BYTES = 1_000_000


class Tree(BaseModel):
    """The files in a folder, by their paths from there.

    Attributes:
        root: The folder.
        files: What is in it, but for what tools leave there and for what a dot hides.
    """

    model_config = ConfigDict(frozen=True)

    root: Path
    files: tuple[str, ...]

    def text(self, name: str) -> str:
        """What stands in a file; nothing, if there is none."""
        file = self.root / name
        if not file.is_file() or file.stat().st_size > _LARGEST_BYTES:
            return ""
        return file.read_text("utf-8", "replace")

    def table(self, name: str, parse: Callable[[str], Any]) -> dict[str, Any]:
        """The keys and values of a file; none, if there is no such file.

        Raises:
            RefuseError: It cannot be read.
        """
        text = self.text(name)
        try:
            return dict(parse(text)) if text else {}
        except (TypeError, ValueError) as error:
            raise RefuseError(
                f"The {name} cannot be read.",
                where=str(self.root / name),
                got=str(error),
                untouched=UNTOUCHED,
            ) from error

    def first(self, names: Iterable[str]) -> str | None:
        """The first of some files that is there."""
        return next((name for name in names if (self.root / name).is_file()), None)

    def matching(self, pattern: str) -> list[str]:
        """The files whose path from the folder a regular expression matches, whole."""
        return [name for name in self.files if re.fullmatch(pattern, name)]


def tree_of(root: Path) -> Tree:
    """The files in a folder and below it."""
    return Tree(root=root, files=tuple(_files(root)))


def _files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in _OTHERS)
        yield from (Path(folder, name).relative_to(root).as_posix() for name in sorted(names))
