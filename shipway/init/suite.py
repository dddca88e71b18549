"""The tests of an app, as layers of its pyramid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from posixpath import dirname
from typing import NamedTuple

from shipway.config.pipeline import DEFAULT_WEIGHTS


class SeenLayer(NamedTuple):
    """A layer for which there are tests.

    Attributes:
        name: Its name.
        keys: Its keys, as they stand in pipeline.yaml.
    """

    name: str
    keys: str


class SeenSuite(NamedTuple):
    """The tests of an app.

    Attributes:
        folder: Where they are.
        layers: What they make up, the cheapest first.
        why: What was seen of them.
    """

    folder: str
    layers: tuple[SeenLayer, ...]
    why: str


def common_folder(files: Iterable[str]) -> str:
    """The folder at the top that all of some files are in: `.`, if there is none."""
    folders = {dirname(file).partition("/")[0] for file in files}
    return folders.pop() or "." if len(folders) == 1 else "."


def layer_folders(files: Sequence[str]) -> dict[str, str]:
    """The folders of tests that are named like a layer, by that name, the cheapest first."""
    return {
        name: f"{folder}/{name}"
        for name in DEFAULT_WEIGHTS
        for folder in ("tests", "test")
        if any(file.startswith(f"{folder}/{name}/") for file in files)
    }


def all_within(files: Iterable[str], folders: Iterable[str]) -> bool:
    """Whether each of some files is in one of some folders."""
    return all(file.startswith(tuple(f"{folder}/" for folder in folders)) for file in files)
