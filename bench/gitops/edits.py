"""Each shape of manifest edited by Shipway and by `yq -i`, and read again by yq."""

from __future__ import annotations

import difflib
import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from bench.common import yq
from bench.gitops.shapes import IMAGE, PINNED, SHAPES, Shape
from shipway.manifests import set_image

# What a script would run; a simpler one needs to know where in the file the container is.
_CONTAINER = '.. | select(tag == "!!map" and .name == "web" and has("image"))'
_EXPRESSION = f'({_CONTAINER} | .image) = "{PINNED}"'


class Outcome(NamedTuple):
    """What became of one shape.

    Args:
        title: The shape.
        strays: Bytes that Shipway changed outside the values it was to set.
        values: How many values it was to set.
        changed: How many values differ afterwards, as yq reads the file.
        peer: What `yq -i` changed besides: lines, or why it did not.
    """

    title: str
    strays: int
    values: int
    changed: int
    peer: str


def edits() -> list[Outcome]:
    """Edit every shape."""
    with TemporaryDirectory() as folder:
        return [_edit(shape, Path(folder, "file.yaml")) for shape in SHAPES]


def _edit(shape: Shape, file: Path) -> Outcome:
    edited = set_image(shape.before, shape.kind, shape.name, IMAGE, shape.title)
    before, after = (_leaves(_read(content, file)) for content in (shape.before, edited))
    changed = sum(old != new for old, new in zip(before, after, strict=False))
    return Outcome(
        title=shape.title,
        strays=_differing(shape.after, edited),
        values=shape.scalars,
        changed=changed + abs(len(before) - len(after)),
        peer=_peer(shape, file),
    )


def _differing(left: bytes, right: bytes) -> int:
    pairs = zip(left, right, strict=False)
    return sum(a != b for a, b in pairs) + abs(len(left) - len(right))


def _read(content: bytes, file: Path) -> list[Any]:
    """The file's documents as yq reads them, every value as its text."""
    file.write_bytes(content)
    # The style of a scalar stands for its type: a number in quotes is none.
    command = [str(yq.ensure_yq()), "-o=json", "-I=0", "explode(.)", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for pair in value.items() for part in pair for leaf in _leaves(part)]
    return (
        [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]
    )


def _peer(shape: Shape, file: Path) -> str:
    """What `yq -i` does to a manifest besides setting the image."""
    if shape.kind != "container":
        return "–"
    file.write_bytes(shape.before)
    command = [str(yq.ensure_yq()), "-i", _EXPRESSION, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr.strip().splitlines()[-1][:60]
    desired, got = shape.after.splitlines(), file.read_bytes().splitlines()
    matcher = difflib.SequenceMatcher(a=desired, b=got, autojunk=False)
    same = sum(block.size for block in matcher.get_matching_blocks())
    strays = max(len(desired), len(got)) - same
    if strays == 0:
        return "exact" if file.read_bytes() == shape.after else "line ends"
    return f"{strays} of {len(desired)} lines"
