"""Files of an app's folder as people may see them: what is confidential is hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from yaml.nodes import Node

from shipway.kubernetes.confidential import confidential_paths
from shipway.manifests.pointer import below
from shipway.manifests.source import Source, fields, objects_of, read_source

HIDDEN = "hidden"


def shown(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Manifests, by path, each line where it is.

    Raises:
        RefuseError: One is not UTF-8 YAML.
    """
    return {path: _shown(read_source(content, path)) for path, content in files.items()}


def _shown(source: Source) -> bytes:
    text, end = "", 0
    # Of two that begin together, the one that holds the other comes first.
    for start, stop in sorted(_confidential(source), key=lambda span: (span[0], -span[1])):
        if start >= end:
            text += source.text[end:start] + re.sub(r"[^\r\n]+", HIDDEN, source.text[start:stop])
            end = stop
    return (source.bom + text + source.text[end:]).encode()


def _confidential(source: Source) -> Iterator[tuple[int, int]]:
    """Where values stand that are not told: from a position in the text to another."""
    for title, root in objects_of(source):
        for path in confidential_paths(_head(title, root)):
            node: Node | None = root
            for part in path:
                node = below(node).get(part) if node else None
            if node:
                start, stop = node.start_mark.index, node.end_mark.index
                # A block ends where the next token begins.
                yield start, start + len(source.text[start:stop].rstrip())


def _head(title: str, root: Node) -> dict[str, object]:
    """The part of an object that says what is confidential in it."""
    annotations = fields(fields(fields(root).get("metadata")).get("annotations"))
    said = {name: node.value for name, node in annotations.items()}
    return {"kind": title.partition("/")[0], "metadata": {"annotations": said}}
